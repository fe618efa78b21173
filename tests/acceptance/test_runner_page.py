"""The runner of the page about runners does what the page says when a server fails or refuses."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from command_line import API_KEY, CLIENT_ID
from documentation import ROOT, blocks
from kable_destination.definitions import CredentialsError
from segment_events import track

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = ROOT / "docs" / "runner.md"


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The names of the runner, which is not run to its end: its last line reads a file. Its waits take no time."""
    monkeypatch.setenv("KABLE_API_KEY", API_KEY)
    monkeypatch.setenv("KABLE_CLIENT_ID", CLIENT_ID)
    monkeypatch.delenv("KABLE_BASE_URL", raising=False)
    (text,) = [block.text for block in blocks(PAGE) if block.file == "runner.py"]
    names: dict[str, Any] = {"__name__": "runner"}
    exec(compile(text.rpartition("asyncio.run(")[0], "runner.py", "exec"), names)  # noqa: S102 - it is ours
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    names["asyncio"] = SimpleNamespace(sleep=sleep, gather=asyncio.gather)
    return SimpleNamespace(**names, waits=waits)


def delivered(runner: SimpleNamespace, answer: Callable[[httpx.Request], httpx.Response], count: int) -> list[Any]:
    async def run() -> list[Any]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            (planned,) = runner.destination.plan([track(number) for number in range(count)]).requests
            results: list[Any] = await runner.deliver(client, planned)
            return results

    return asyncio.run(run())


def test_it_waits_as_the_server_asks_and_sends_again(runner: SimpleNamespace) -> None:
    answers = iter(
        [httpx.Response(503, headers={"Retry-After": "7"}), httpx.Response(502), httpx.Response(200, json={})]
    )
    results = delivered(runner, lambda _: next(answers), 2)
    assert [result.delivered for result in results] == [True, True]
    assert runner.waits == [7, 4]


def test_it_finds_the_one_event_that_is_refused(runner: SimpleNamespace) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400 if track(2)["messageId"] in request.content.decode() else 200, json={})

    results = delivered(runner, answer, 5)
    assert [result.index for result in results if not result.delivered] == [2]
    assert len(results) == 5


def test_it_stops_if_the_credentials_are_refused(runner: SimpleNamespace) -> None:
    with pytest.raises(CredentialsError):
        delivered(runner, lambda _: httpx.Response(401), 2)


def test_it_gives_up_when_nobody_answers(runner: SimpleNamespace) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    results = delivered(runner, answer, 1)
    assert [str(result.error) for result in results] == ["no response: ConnectError('refused')"]
    assert runner.waits == [2, 4, 8, 16]

"""Sources and callers of other kinds deliver through the same session as the command line."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from command_line import API_KEY, CLIENT_ID
from fork_server import Program
from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.configuration.delivery_options import DeliveryOptions
from kable_destination.runner.session import open_session
from segment_events import track
from toys import EndlessSource, http_handler

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

SUPPORT = Path(__file__).parents[1] / "support"
RUNS = range(int(os.environ.get("KABLE_RECEIPT_KILLS", "6")))


def destination(base_url: str) -> Destination:
    return Destination(kable, {"apiKey": API_KEY, "kableClientId": CLIENT_ID}, base_url=base_url)


def options(folder: Path) -> DeliveryOptions:
    return DeliveryOptions(outbox=str(folder / "outbox.sqlite"))


def billed(sandbox: RunningSandbox) -> Counter[str]:
    return Counter(event["transactionId"] for event in sandbox.ledger.events)


def test_an_endless_source_is_delivered_while_it_yields(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """Until it is interrupted; what was read is delivered once, then or by the next run."""

    async def run() -> int:
        async with open_session(destination(sandbox.base_url), options(tmp_path)) as session:
            running = asyncio.create_task(session.run([EndlessSource()]))
            while len(sandbox.ledger.events) < 200:  # noqa: ASYNC110 - the ledger is another thread's
                await asyncio.sleep(0)
            session.interrupt()
            await running
            read = session.report.read
        async with open_session(destination(sandbox.base_url), options(tmp_path)) as session:
            assert await session.run([]) is None
        return read

    read = asyncio.run(run())
    assert read >= 200
    assert billed(sandbox) == Counter(f"message-{number:06}" for number in range(read))
    assert sandbox.ledger.duplicates == 0


def test_an_http_handler_answers_when_the_events_are_on_disk(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """It answers for each of its events, while many call at once."""

    async def run() -> list[dict[str, Any]]:
        async with (
            open_session(destination(sandbox.base_url), options(tmp_path)) as session,
            session.running() as acceptor,
            http_handler(acceptor) as url,
            httpx.AsyncClient() as client,
        ):
            requests = [
                client.post(url, json=[track(number * 2), {**track(number), "userId": None}, track(number * 2 + 1)])
                for number in range(100)
            ]
            return [response.json() for response in await asyncio.gather(*requests)]

    for answer in asyncio.run(run()):
        assert answer["accepted"] == [0, 2]
        assert list(answer["rejected"]) == ["1"]
        assert "clientId" in answer["rejected"]["1"]
    assert billed(sandbox) == Counter(f"message-{number:06}" for number in range(200))
    assert sandbox.ledger.requests < 100, "callers at the same time share batches"


@pytest.mark.parametrize("seed", RUNS)
def test_what_has_a_receipt_survives_a_kill(command_line: CommandLine, sandbox: RunningSandbox, seed: int) -> None:
    """Killed at a random moment after a receipt; the next run delivers every event that had one, once."""
    words = (str(SUPPORT / "receipts.py"), sandbox.base_url, str(seed * 100_000))
    program = Program(words, str(command_line.folder), command_line.environment)
    with command_line.server.start(program) as process:
        assert process.stdout is not None
        count = random.Random(seed).randint(1, 60)  # noqa: S311 - no secret
        receipts = [int(process.stdout.readline()) for _ in range(count)]
        process.kill()
        receipts += [int(line) for line in process.stdout.read().split(b"\n")[:-1]]
    assert command_line("deliver", "--base-url", sandbox.base_url).code == 0
    arrived = billed(sandbox)
    assert {f"message-{number:06}" for number in receipts} <= set(arrived)
    assert set(arrived.values()) == {1}

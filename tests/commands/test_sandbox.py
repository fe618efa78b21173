"""`sandbox`, as a user runs it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from command_line import CommandLine


def test_it_says_where_it_listens_and_injects_the_faults_of_its_options(command_line: CommandLine) -> None:
    options = ("--port", "0", "--fail", "503=1", "--retry-after", "7", "--refuse", "data.units=5", "--seed", "1")
    with command_line.start("sandbox", *options) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().decode().removeprefix("Kable sandbox listening on ").strip()
        assert process.stdout.readline().decode() == f"ledger: {base_url}/sandbox/ledger\n"
        answer = httpx.post(f"{base_url}/api/v1/events/create", json={})
        faults = httpx.get(f"{base_url}/sandbox/faults").json()["faults"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert (faults["statuses"], faults["seed"]) == ({"503": 1.0}, 1)
    assert faults["refuse"] == [{"field": "data.units", "value": 5}]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--fail", "503"), 'error: --fail: "503" should read as NAME=VALUE\n'),
        (("--fail", "503=often"), "error: statuses.503: "),
        (("--fault", "fire=0.5"), "error: kinds.fire"),
        (("--host", "0.0.0.0"), "error: sandbox: The sandbox would be open to other machines"),  # noqa: S104
    ],
)
def test_what_it_cannot_do_is_refused(command_line: CommandLine, options: tuple[str, str], told: str) -> None:
    run = command_line("sandbox", "--port", "0", *options)
    assert run.code == 2
    assert run.err.startswith(told)

"""The admin address of `work`: whether it is alive, whether its outbox takes events, and its metrics."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import httpx

from kable_destination.runner.sandbox import Faults
from running_service import until
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox


def samples(url: str) -> dict[str, float]:
    """Return the sums of the metrics at an address, by name."""
    found: dict[str, float] = {}
    for line in httpx.get(f"{url}/metrics").raise_for_status().text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            short = name.partition("{")[0]
            found[short] = found.get(short, 0) + float(value)
    return found


def test_a_worker_says_how_it_is_and_how_much_is_queued(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    sandbox.faults.set(Faults(statuses={"503": 1.0}, retry_after="1"))
    assert command_line.deliver(ndjson(*map(track, range(3))), sandbox.base_url, "--wait", "0").code == 1
    options = ("--base-url", sandbox.base_url, "--admin-port", "0", "--json")
    with command_line.start("work", *options) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["admin_url"]
        assert httpx.get(f"{url}/healthz").json() == {"status": "alive"}
        assert httpx.get(f"{url}/readyz").json() == {"status": "ready"}
        assert samples(url)["destination_runner_events_queued"] == 3
        # It takes no events over HTTP, and has no page.
        assert [httpx.post(f"{url}/v1/track", json={}).status_code, httpx.get(url).status_code] == [404, 404]
        sandbox.faults.set(Faults())
        until(lambda: samples(url), lambda found: found["destination_runner_events_queued"] == 0)
        assert samples(url)["destination_runner_events_delivered_total"] == 3
        process.terminate()
        assert process.wait(60) == 0
    assert len(sandbox.ledger.events) == 3


def test_a_port_that_is_taken_is_named(command_line: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        run = command_line("work", "--admin-port", str(taken.getsockname()[1]))
    assert run.code == 2
    assert "--admin-port: 127.0.0.1:" in run.err
    assert not (command_line.folder / "outbox.sqlite").exists()

"""The server of an outbox is away for longer than anybody waits: the service says so, and continues when it is back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.runner.queues.contract import QueueFullError
from kable_destination.runner.service import shared
from kable_destination.runner.service.remaining import Remaining
from postgres_server import own_server, require_postgres
from running_service import running_service, until_there_are

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox
    from postgres_server import PostgresServer

SECONDS = 0.5


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """A server that may be away for a moment only."""
    require_postgres()
    monkeypatch.setattr(shared, "BUSY_SECONDS", SECONDS)
    with own_server() as server:
        yield server


def event(number: int) -> dict[str, Any]:
    """Return an event with a number."""
    event = {"type": "track", "event": "X", "userId": "u", "timestamp": "2026-11-30T06:00:00Z"}
    return {**event, "messageId": f"m{number}"}


def sent(sandbox: RunningSandbox) -> list[str]:
    """Return the IDs of the events in the ledger."""
    return [each["transactionId"] for each in sandbox.ledger.events]


def test_serve_refuses_events_while_the_server_is_away(
    server: PostgresServer, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    with running_service(tmp_path, sandbox, outbox=server.outbox(tmp_path)) as service:
        assert service.post("/v1/track", event(1)).status_code == 200
        server.kill()
        assert service.post("/v1/track", event(2)).status_code == 429
        assert service.client.get("/readyz").status_code == 503
        assert service.client.get("/healthz").status_code == 200
        assert "destination_runner_events_accepted_total" in service.client.get("/metrics").text
        server.start()
        while service.post("/v1/track", event(2)).status_code != 200:
            pass
        until_there_are(2, lambda: len(sandbox.ledger.events))
        assert sent(sandbox) == ["m1", "m2"]


def test_what_another_process_accepts_is_sent_also_after_the_server_was_away(
    server: PostgresServer, sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that sends has had nothing to send before, so only a look at the outbox shows it."""
    for name in ("accepts", "sends"):
        (tmp_path / name).mkdir()
    outbox, failed, look = server.outbox(tmp_path), threading.Event(), Remaining.look

    async def noted(remaining: Remaining) -> None:
        try:
            await look(remaining)
        except QueueFullError:
            failed.set()
            raise

    monkeypatch.setattr(Remaining, "look", noted)
    with running_service(tmp_path / "sends", sandbox, outbox=outbox):
        server.kill()
        assert failed.wait(timeout=60)
        server.start()
        with running_service(tmp_path / "accepts", sandbox, outbox=outbox, delivers=False) as accepts:
            assert accepts.post("/v1/track", event(1)).status_code == 200
            until_there_are(1, lambda: len(sandbox.ledger.events))
    assert sent(sandbox) == ["m1"]

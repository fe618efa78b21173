"""The outbox in PostgreSQL keeps the contract, and what holds for its database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.suite import queue_suite
from postgres_server import require_postgres, shared_server

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.delivery.clock import Clock
    from kable_destination.runner.queues.contract import Queue


@pytest.fixture(autouse=True)
def _server() -> None:
    """Skip all tests here if PostgreSQL is not installed."""
    require_postgres()


def open_outbox(folder: Path, clock: Clock, /, **options: Any) -> Queue:
    """Open the outbox of a folder."""
    return open_queue(shared_server().outbox(folder), clock=clock, **options)


TestPostgres = queue_suite(open_outbox, is_durable=True)

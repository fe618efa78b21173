"""Outboxes of earlier formats, and what each holds by the means of its version."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import zstandard

from kable_destination.definitions import EventList
from kable_destination.runner.queues.contract import Lane, QueuedBatch
from kable_destination.runner.queues.suite.opened import batch

SAMPLES = sorted((Path(__file__).parent / "outboxes").glob("*.sql"))
ACCOUNT = "actions-kable 127.0.0.1:18231 kci_sample"


REFUSED = json.dumps(
    {
        "type": "track",
        "event": "API Call",
        "userId": "customer_1",
        "messageId": "message-013",
        "timestamp": "2026-03-04T05:06:07.890Z",
        "properties": {"units": 13},
    }
).encode()
"""The event whose dead letter says "refused" in every sample."""


@dataclass
class Sample:
    """An outbox of an earlier format."""

    path: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the file holds by a query."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    @property
    def version(self) -> int:
        """The number of its format."""
        return int(self.rows("PRAGMA user_version")[0][0])

    def batches(self) -> list[tuple[Any, ...]]:
        """Return lane, payloads, events, IDs, places and attempts of each batch, by the means of that version."""
        batches = []
        for account, action, payloads, events, about, attempts in self.rows(
            "SELECT account, action, payloads, bodies.events, about, attempts FROM batches JOIN bodies ON batch = id"
            " ORDER BY id"
        ):
            told = json.loads(about)
            columns = [_plain(payloads), _plain(events).split(b"\0"), told["keys"], told["lines"], attempts]
            batches.append((Lane(account, action), *columns))
        return batches


def _plain(content: bytes) -> bytes:
    return content if content[:1] in b"[{" else zstandard.ZstdDecompressor().decompress(content)


def again(*keys: str) -> QueuedBatch:
    """Return a batch with events of a sample; that of the refused one is as it was, since a correction is new."""
    queued = batch(*keys, account=ACCOUNT)
    events = [
        REFUSED if key == "message-013" else event for key, event in zip(keys, queued.batch.events.kept, strict=True)
    ]
    return replace(queued, batch=replace(queued.batch, events=EventList(events)))


def made(script: Path, path: Path) -> Sample:
    """Make an outbox of its SQL."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(script.read_text(encoding="utf-8"))
    return Sample(path)

"""How fast an outbox in PostgreSQL is, compared with one in SQLite: events that are put, leased and settled.

Run it by `python benchmarks/outbox_engines.py URL`, with a server on this machine. Both engines take turns, so what
else runs disturbs them alike. It prints the rates and writes outbox_engines.json. Exits 0 when PostgreSQL reaches 0.7
of the rate of SQLite, and 1 when it does not.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kable_destination.definitions import EventBatch, EventList, PayloadList
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import Lane, Origins, Put, QueuedBatch, Settlement, Token
from kable_destination.runner.queues.opening import open_queue
from sample_events import api_calls

if TYPE_CHECKING:
    from kable_destination.runner.queues.contract import Queue

FOLDER = Path(__file__).parent
ROUNDS = int(os.environ.get("KABLE_BENCH_ROUNDS", "7"))
BATCHES = 200
EVENTS_A_BATCH = 500
CALLERS = 4
LEAST_RATIO = 0.7
LANE = Lane("account", "track")


def made_batches(run: int) -> list[QueuedBatch]:
    """Return batches whose IDs no other run has."""
    events = api_calls(EVENTS_A_BATCH)
    kept = [json.dumps(event, separators=(",", ":")).encode() for event in events]
    payload = [{"clientId": "customer", "transactionId": f"{at:036}", "data": event} for at, event in enumerate(events)]
    payloads = PayloadList(json.dumps(payload).encode(), EVENTS_A_BATCH)
    return [
        QueuedBatch(
            LANE.account,
            EventBatch(
                LANE.action,
                payloads,
                EventList(kept),
                tuple(range(EVENTS_A_BATCH)),
                ("all",) * EVENTS_A_BATCH,
                tuple(f"{run} {number} {at}" for at in range(EVENTS_A_BATCH)),
            ),
            Origins(("events.ndjson",), tuple(range(EVENTS_A_BATCH))),
        )
        for number in range(BATCHES)
    ]


async def seconds_for(queue: Queue, run: int, batches: list[QueuedBatch]) -> float:
    """Put, lease and settle batches, and return how long it took."""
    waiting, sent = iter(batches), 0

    async def put(number: int) -> None:
        token = Token(run * CALLERS + number, 0)
        for queued in waiting:
            token = token._replace(number=token.number + 1)
            await queue.put(Put(token, [queued]))

    async def send() -> None:
        nonlocal sent
        while sent < len(batches):
            leases = (await queue.lease({LANE: CALLERS})).leases
            await asyncio.gather(*(queue.settle(Settlement(lease, range(EVENTS_A_BATCH))) for lease in leases))
            sent += len(leases)

    began = time.perf_counter()
    await asyncio.gather(send(), *(put(number) for number in range(CALLERS)))
    return time.perf_counter() - began


def rate_of(place: str, run: int) -> float:
    """Return the events a second of one run."""

    async def measured() -> float:
        queue = open_queue(place, clock=SystemClock())
        try:
            return BATCHES * EVENTS_A_BATCH / await seconds_for(queue, run, made_batches(run))
        finally:
            await queue.close()

    return asyncio.run(measured())


def measured(url: str) -> dict[str, Any]:
    """Run the rounds, and return medians; the ratio is computed within a round."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(1, ROUNDS + 1):
            rates = {"sqlite": rate_of(f"{folder}/outbox.sqlite", run), "postgresql": rate_of(url, run)}
            print({name: f"{rate:,.0f} events/s" for name, rate in rates.items()})
            rows.append(rates)
    ratios = sorted(row["postgresql"] / row["sqlite"] for row in rows)
    return {
        "python": sys.version.split()[0],
        "events_a_batch": EVENTS_A_BATCH,
        "sqlite_events_a_second": round(statistics.median(row["sqlite"] for row in rows)),
        "postgresql_events_a_second": round(statistics.median(row["postgresql"] for row in rows)),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_low": round(ratios[0], 2),
        "ratio_high": round(ratios[-1], 2),
    }


def main() -> int:
    """Measure, print and write."""
    if len(sys.argv) != 2:
        print("usage: python benchmarks/outbox_engines.py postgresql://USER@HOST/DATABASE?schema=NEW")
        return 2
    result = measured(sys.argv[1])
    print(json.dumps(result, indent=2))
    (FOLDER / "outbox_engines.json").write_text(f"{json.dumps(result, indent=2)}\n", encoding="utf-8")
    return 0 if result["ratio"] >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())

"""What it costs that the outbox knows many IDs: the command `deliver`, with none, a million and five million known.

Run it by `python benchmarks/known_ids.py`. It prints a table, and writes known_ids.json. Exits 0 when every figure is
as required, and 1 when one is not.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from delivery_bench import Bench, sink
from kable_destination.runner.queues.engine import EngineOptions
from kable_destination.runner.queues.sqlite.file import connect
from kable_destination.runner.queues.sqlite.known_ids import KnownIds
from measures import BATCH_EVENTS
from report import machine
from workload import all_workloads

FOLDER = Path(__file__).parent
ROUNDS = int(os.environ.get("KABLE_BENCH_ROUNDS", "9"))
EVENTS = 200_000
COUNTS = (0, 1_000_000, 5_000_000)
LEAST_RATE = 0.85
"""Of the rate with no known IDs."""
MOST_WRITTEN = 500
"""Bytes that may be written for an event."""
MOST_IN_FILE = 20
"""Bytes that an ID may take in the file."""
_HASH_BYTES = 16


class _Clock:
    """The system's clock."""

    def now(self) -> datetime:
        """Return the moment."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Nobody waits here."""


def fill(path: Path, count: int) -> int:
    """Make an outbox that knows so many random IDs; return the bytes of the file."""
    clock = _Clock()
    with closing(connect(path, EngineOptions(clock))) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        known, batch = KnownIds(connection), 0
        for start in range(0, count, 100 * BATCH_EVENTS):
            connection.execute("BEGIN IMMEDIATE")
            known.begin()
            for _ in range(start, min(start + 100 * BATCH_EVENTS, count), BATCH_EVENTS):
                batch += 1
                joined = os.urandom(_HASH_BYTES * BATCH_EVENTS)
                names = [joined[at : at + _HASH_BYTES] for at in range(0, len(joined), _HASH_BYTES)]
                known.add(batch, names, clock.now().timestamp())
            # The batches that `deliver` puts come after these.
            connection.execute("DELETE FROM sqlite_sequence WHERE name = 'batches'")
            connection.execute("INSERT INTO sqlite_sequence VALUES ('batches', ?)", (batch,))
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def deliver(bench: Bench, outbox: Path, arguments: list[str]) -> dict[str, Any]:
    """Deliver with a copy of an outbox."""
    with tempfile.TemporaryDirectory(dir=outbox.parent) as folder:
        shutil.copy(outbox, Path(folder) / "outbox.sqlite")
        # What the copy wrote must not be written out meanwhile.
        os.sync()
        return bench.deliver(folder, EVENTS, arguments)


def main() -> int:
    """Take turns, and report."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    runs: dict[int, list[dict[str, Any]]] = {count: [] for count in COUNTS}
    with sink(0) as port, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench = Bench(folder, all_workloads()[0], "", {0: port})
        in_file = {}
        for count in COUNTS:
            size = fill(folder / f"{count}.sqlite", count)
            in_file[count] = size / count if count else 0.0
            console.print(f"{count:,} IDs: {size:,} bytes")
        arguments = ["--batch-size", str(BATCH_EVENTS), "--concurrency", "4"]
        for number in range(ROUNDS):
            for count in COUNTS if number % 2 else reversed(COUNTS):
                runs[count].append(deliver(bench, folder / f"{count}.sqlite", arguments))
            console.print(f"round {number + 1} of {ROUNDS}")
    rows = {count: summary(runs[count], runs[0], in_file[count]) for count in COUNTS}
    console.print(table(rows))
    result = {"machine": machine(""), "rounds": ROUNDS, "events": EVENTS, "known": rows}
    (FOLDER / "known_ids.json").write_text(json.dumps(result, indent=2) + "\n")
    return int(any(not is_as_required(row) for row in rows.values()))


def summary(runs: list[dict[str, Any]], without: list[dict[str, Any]], in_file: float) -> dict[str, float]:
    """Give medians; the ratio is computed within a round."""
    ratios = sorted(other["seconds"] / run["seconds"] for run, other in zip(runs, without, strict=True))
    return {
        "events_a_second": round(EVENTS / statistics.median(run["seconds"] for run in runs)),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_low": round(ratios[0], 3),
        "ratio_high": round(ratios[-1], 3),
        "processor_microseconds": round(statistics.median(run["processor_seconds"] for run in runs) / EVENTS * 1e6, 2),
        "written_bytes": round(statistics.median(run["written_bytes"] or 0 for run in runs) / EVENTS, 1),
        "bytes_an_id": round(in_file, 2),
    }


def is_as_required(row: dict[str, float]) -> bool:
    """Return whether a row meets what is required."""
    return row["ratio"] >= LEAST_RATE and row["written_bytes"] < MOST_WRITTEN and row["bytes_an_id"] < MOST_IN_FILE


def table(rows: dict[int, dict[str, float]]) -> Table:
    """Make the table that is printed."""
    made = Table(title=f"{EVENTS:,} events, outbox on: medians of {ROUNDS} rounds", title_justify="left")
    for name in ("known IDs", "events/s", "of the first", "CPU µs/event", "bytes written/event", "bytes in file/ID"):
        made.add_column(name, justify="right")
    for count, row in rows.items():
        made.add_row(
            f"{count:,}",
            f"{row['events_a_second']:,}",
            f"{row['ratio']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f})",
            f"{row['processor_microseconds']:.1f}",
            f"{row['written_bytes']:.0f}",
            f"{row['bytes_an_id']:.1f}",
        )
    return made


if __name__ == "__main__":
    sys.exit(main())

"""Delivery end to end: a file of NDJSON, over loopback, to a plain HTTP server; beside the peer, and its memory.

Run it by `make bench-delivery`. It prints tables, writes delivery.json and draws the chart. Exits 0 when every figure
is as required, 1 when one is not, 2 when the peer cannot run or sends other events than this package.

`python benchmarks/delivery.py outbox latency_200_16 --rounds 3` measures these rows only, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from chart import draw
from delivery_bench import Bench, sink
from delivery_rows import ROWS
from peer_process import PeerError, install, program, version_of
from report import machine
from rounds import Spread
from workload import all_workloads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery_rows import Row

FOLDER = Path(__file__).parent
ROUNDS = 9
QUICK_ROUNDS = 3
_QUICK_PART = 4
"""A quick run delivers a fourth of the events."""

MOST_GROWTH = 60_000_000
"""Bytes by which a million events may need more memory than ten thousand."""
_MANY, _FEW = 1_000_000, 10_000

Rates = dict[str, list[tuple[float, float]]]
"""The events a second of this package and of the peer, for each round of each row."""


def main() -> int:
    """Take turns, measure memory, report."""
    asked = _asked()
    rows = [row for row in ROWS if (row.is_main if asked.quick else not asked.rows or row.key in asked.rows)]
    if asked.quick:
        rows = [replace(row, events=row.events // _QUICK_PART) for row in rows]
    is_whole = not asked.rows and not asked.quick
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        node = program("node")
        version = version_of(node)
        install()
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            ports = {latency: stack.enter_context(sink(latency)) for latency in {0.0, *(row.latency for row in rows)}}
            bench = Bench(Path(folder), all_workloads()[0], node, ports)
            rates = rounds(bench, rows, asked.rounds, console)
            memory = all_growth(bench, console) if is_whole else {}
    except PeerError as error:
        print(f"The benchmarks cannot run: {error}", file=sys.stderr)
        return 2
    console.print(table(rows, rates))
    result = {
        "machine": machine(version),
        "rounds": asked.rounds,
        "unit": "events a second; spread is the middle half of the rounds",
        "rows": [as_json(row, rates[row.key]) for row in rows],
        "memory": memory,
    }
    if is_whole:
        (FOLDER / "delivery.json").write_text(json.dumps(result, indent=2) + "\n")
        draw()
    is_slow = any(missed(row, rates[row.key]) for row in rows)
    is_large = any(item["growth_bytes"] > MOST_GROWTH for item in memory.values())
    return int(is_slow or is_large)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure deliveries end to end.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of: {', '.join(row.key for row in ROWS)}")
    parser.add_argument("--rounds", type=int, default=None, help=f"default: {ROUNDS}")
    parser.add_argument("--quick", action="store_true", help="the main rows, with fewer events and rounds")
    asked = parser.parse_args()
    unknown = {*asked.rows}.difference(row.key for row in ROWS)
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    if asked.rounds is None:
        asked.rounds = QUICK_ROUNDS if asked.quick else ROUNDS
    return asked


def rounds(bench: Bench, rows: Sequence[Row], count: int, console: Console) -> Rates:
    """Deliver in turns. Raises PeerError when the contenders send different events."""
    rates: Rates = {row.key: [] for row in rows}
    for number in range(count):
        for row in rows:
            contenders = (bench.ours, bench.peer) if number % 2 else (bench.peer, bench.ours)
            told = {contender.__name__: contender(row, row.events) for contender in contenders}
            ours, peer = told["ours"], told["peer"]
            if not ours["events"] == peer["events"] == row.events:
                sent = f"{ours['events']:,} events were sent by python and {peer['events']:,} by the peer"
                raise PeerError(f"{row.title}: {sent} {ours.get('said', '')}")
            rates[row.key].append((row.events / ours["seconds"], row.events / peer["seconds"]))
        console.print(f"round {number + 1} of {count}")
    return rates


def all_growth(bench: Bench, console: Console) -> dict[str, Any]:
    """Tell the peaks of memory for few events and for many: delivered ones, and such as are rejected."""
    plain, kept = ROWS[:2]
    return {
        plain.key: growth(bench, plain, console),
        kept.key: growth(bench, kept, console),
        "rejected": growth(bench, kept, console, rejected=True),
    }


def growth(bench: Bench, row: Row, console: Console, *, rejected: bool = False) -> dict[str, Any]:
    """Tell the peak of memory for few events and for many."""
    peaks = {events: bench.ours(row, events, rejected=rejected)["peak_bytes"] or 0 for events in (_FEW, _MANY)}
    grown = peaks[_MANY] - peaks[_FEW]
    console.print(
        f"{row.title}{', all rejected' * rejected}: peak memory {peaks[_FEW] / 1e6:,.0f} MB for {_FEW:,} events, "
        f"{peaks[_MANY] / 1e6:,.0f} MB for {_MANY:,}: {grown / 1e6:+,.0f} MB (at most +{MOST_GROWTH / 1e6:,.0f})"
    )
    return {**{str(events): peak for events, peak in peaks.items()}, "growth_bytes": grown}


def ratio(pairs: Sequence[tuple[float, float]]) -> Spread:
    """Give how many times as fast as the peer this package is, round by round."""
    return Spread.of([ours / peer for ours, peer in pairs])


def rate(pairs: Sequence[tuple[float, float]], contender: int) -> Spread:
    """Give the events a second of this package (0) or of the peer (1)."""
    return Spread.of([pair[contender] for pair in pairs])


def of_ideal(row: Row, pairs: Sequence[tuple[float, float]]) -> float | None:
    """Give which part of the ideal rate this package reaches; None if there is no ideal."""
    return rate(pairs, 0).median / row.ideal if row.ideal else None


def missed(row: Row, pairs: Sequence[tuple[float, float]]) -> bool:
    """Tell whether a median stays below what is required at least."""
    is_slow = row.required is not None and ratio(pairs).median < row.required.least
    part = of_ideal(row, pairs)
    return is_slow or (row.of_ideal is not None and part is not None and part < row.of_ideal)


def as_json(row: Row, pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Give everything measured of a row."""
    told: dict[str, Any] = {
        "row": row.key,
        "title": row.title,
        "is_main": row.is_main,
        "rates": {"python": rate(pairs, 0).rounded(0), "peer": rate(pairs, 1).rounded(0)},
        "ratio": ratio(pairs).rounded(2),
    }
    if row.required is not None:
        told |= {"least": row.required.least, "aim": row.required.aim}
    if (part := of_ideal(row, pairs)) is not None:
        told |= {"of_ideal": round(part, 3), "least_of_ideal": row.of_ideal}
    return told


def table(rows: Sequence[Row], rates: Rates) -> Table:
    """Make the table that is printed."""
    count = len(rates[rows[0].key])
    made = Table(title=f"Events a second, file to server: medians of {count} rounds", title_justify="left")
    for name in ("", "python", "peer", "python ÷ peer", "of the ideal", "required"):
        made.add_column(name, justify="left" if name in {"", "required"} else "right")
    for row in rows:
        pairs = rates[row.key]
        spread, part = ratio(pairs), of_ideal(row, pairs)
        made.add_row(
            row.title,
            f"{rate(pairs, 0).median:,.0f}",
            f"{rate(pairs, 1).median:,.0f}",
            f"{spread.median:.2f} ({spread.low:.2f} to {spread.high:.2f})",
            "" if part is None else f"{part:.0%}",
            _verdict(row, pairs),
        )
    return made


def _verdict(row: Row, pairs: Sequence[tuple[float, float]]) -> str:
    wanted = []
    if row.required is not None:
        wanted.append(f"{row.required.least:g}, aim {row.required.aim:g}")
    if row.of_ideal is not None:
        wanted.append(f"{row.of_ideal:.0%} of the ideal")
    if not wanted:
        return ""
    return f"{'; '.join(wanted)}: {'[red]missed[/]' if missed(row, pairs) else '[green]met[/]'}"


if __name__ == "__main__":
    sys.exit(main())

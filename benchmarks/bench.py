"""The benchmarks: this package, Segment's own code in Node, and the floor, in turns on one core.

Run it by `make bench`. It prints a table, writes results.json and draws the chart. Exits 0 when every median reaches
what is required at least, 1 when one does not, 2 when the peer cannot run or does other work than this package.
With `--quick` it takes half a minute and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from rich.console import Console

from agreement import DisagreementError, check_agreement
from chart import draw
from contenders import Floor, Ours, Peer
from measures import MEASURES
from peer_process import PeerError, PeerProcess
from report import as_json, missed, table
from rounds import QUICK, THOROUGH, Contest, hold
from workload import all_workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
_PLAIN_WIDTH = 132


def main() -> int:
    """Agree, warm up, take turns, report."""
    parser = argparse.ArgumentParser(description="Compare the parts of a delivery with the peer's.")
    parser.add_argument("--quick", action="store_true", help="few rounds, and nothing is written")
    is_quick = parser.parse_args().quick
    pace = QUICK if is_quick else THOROUGH
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)
    pin_to_one_core()
    try:
        with PeerProcess() as process:
            contests = list(agreed_contests(process, console))
            hold(contests, pace, console.print)
    except (PeerError, DisagreementError) as error:
        print(f"The benchmarks cannot run: {error}", file=sys.stderr)
        return 2
    console.print(table(contests, pace.rounds))
    if not is_quick:
        result = as_json(contests, process.node_version, pace.rounds)
        (FOLDER / "results.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
        draw()
    return 1 if any(map(missed, contests)) else 0


def agreed_contests(process: PeerProcess, console: Console) -> Iterator[Contest]:
    """Make the contests, after this package and the peer have shown that they do the same work."""
    for workload in all_workloads():
        ours, peer = Ours(workload), Peer(process, workload)
        for measure in MEASURES:
            count = check_agreement(ours, peer, measure)
            console.print(f"{workload.title}, {measure.title}: all {count:,} answers are the same.")
            floor = {"floor": Floor(ours, workload, measure)} if measure.has_floor else {}
            yield Contest(workload, measure, {"python": ours, "peer": peer, **floor})


def pin_to_one_core() -> None:
    """Keep this process, and the peer that it starts, on one core where the system can."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    sys.exit(main())

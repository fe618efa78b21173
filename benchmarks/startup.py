"""Start-up and small files: what a run of the command line takes before and beside the events.

Run it by `make bench-startup`. It prints a table and writes startup.json. Exits 0 when every median is as required, and
1 when one is not. With `--quick` there are few rounds, and nothing is written.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from delivery_bench import sink
from report import machine
from rounds import Spread

FOLDER = Path(__file__).parent
ROUNDS, QUICK_ROUNDS = 9, 3
FILES, EVENTS_A_FILE = 1_000, 10
_FEW_EVENTS = 100
_CREDENTIALS = {"KABLE_API_KEY": "sk_test.of-no-account", "KABLE_CLIENT_ID": "kci_of_no_account"}
_PROGRAM = (
    "import sys; sys.argv[0] = 'kable-destination'; from kable_destination.runner.commands.app import main; main()"
)
_COMPLETION = {
    "_KABLE_DESTINATION_COMPLETE": "complete_bash",
    "COMP_WORDS": "kable-destination deliver --",
    "COMP_CWORD": "2",
}


@dataclass(frozen=True)
class Case:
    """What is run, and how many seconds of processor time it may take: of many files, each, beyond the start."""

    title: str
    most: float
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    events: int = 0
    files: int = 0


CASES = (
    Case("--help", 0.25, ("--help",)),
    Case("--version", 0.25, ("--version",)),
    Case("completion in a shell", 0.25, environment=tuple(_COMPLETION.items())),
    Case("check", 0.5, ("check",)),
    Case(f"deliver {_FEW_EVENTS} events", 0.8, events=_FEW_EVENTS, files=1),
    Case(f"deliver {FILES:,} files of {EVENTS_A_FILE} events, each", 0.002, events=FILES * EVENTS_A_FILE, files=FILES),
)


def main() -> int:
    """Take turns, and report."""
    parser = argparse.ArgumentParser(description="Measure start-up and small files.")
    parser.add_argument("--quick", action="store_true", help="few rounds, and nothing is written")
    is_quick = parser.parse_args().quick
    count = QUICK_ROUNDS if is_quick else ROUNDS
    taken: dict[str, list[float]] = {case.title: [] for case in CASES}
    with sink(0) as port, tempfile.TemporaryDirectory() as name:
        for number in range(count + 1):
            for case in CASES:
                seconds = processor_seconds(case, Path(name), port)
                # The first round only fills the caches of the system.
                if number:
                    taken[case.title].append(seconds)
        start = Spread.of(taken[CASES[-2].title]).median
    taken[CASES[-1].title] = [(seconds - start) / FILES for seconds in taken[CASES[-1].title]]
    spreads = {title: Spread.of(numbers) for title, numbers in taken.items()}
    Console(width=None if sys.stdout.isatty() else 120).print(table(spreads, count))
    if not is_quick:
        rows = [{"title": case.title, "most": case.most, **spreads[case.title].rounded(5)} for case in CASES]
        result = {"machine": machine(""), "rounds": count, "unit": "seconds of processor time", "rows": rows}
        (FOLDER / "startup.json").write_text(json.dumps(result, indent=2) + "\n")
    return int(any(spreads[case.title].median > case.most for case in CASES))


def processor_seconds(case: Case, folder: Path, port: int) -> float:
    """Run a case in a folder of its own; return what it takes."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        arguments = [*case.arguments]
        if case.files:
            arguments = ["deliver", *_written(Path(own), case), "--base-url", f"http://127.0.0.1:{port}"]
        environment = {**os.environ, **_CREDENTIALS, **dict(case.environment)}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", _PROGRAM, *arguments],
            cwd=own,
            env=environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _written(folder: Path, case: Case) -> list[str]:
    """Write the events of a case; return the names of the files."""
    names = [f"{number:04}.ndjson" for number in range(case.files)]
    for at, name in enumerate(names):
        numbers = range(at, case.events, case.files)
        (folder / name).write_text("".join(map(_event, numbers)))
    return names


def _event(number: int) -> str:
    event = {
        "type": "track",
        "event": "API Call",
        "userId": f"customer_{number % 40}",
        "messageId": f"m-{number}",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "properties": {"units": number},
    }
    return f"{json.dumps(event)}\n"


def table(spreads: dict[str, Spread], rounds: int) -> Table:
    """Make the table that is printed."""
    made = Table(title=f"Seconds of processor time: medians of {rounds} rounds", title_justify="left")
    for name in ("", "seconds", "middle half", "at most"):
        made.add_column(name, justify="right" if name else "left")
    for case in CASES:
        spread = spreads[case.title]
        verdict = "[green]met[/]" if spread.median <= case.most else "[red]missed[/]"
        shown = [_seconds(number) for number in (spread.median, spread.low, spread.high)]
        made.add_row(case.title, shown[0], f"{shown[1]} to {shown[2]}", f"{_seconds(case.most)}: {verdict}")
    return made


def _seconds(number: float) -> str:
    return f"{number:.3f}" if number >= 0.01 else f"{number:.5f}"


if __name__ == "__main__":
    sys.exit(main())

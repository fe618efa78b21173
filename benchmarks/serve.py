"""The service under load: how many events a second it confirms, next to a bare handler, and whether it is fair.

Run it by `make bench-serve`. It prints tables and writes serve.json. Everything is on disk before the answer. The limit
is a handler of Starlette on the same uvicorn, event loop and parser, which parses the body and answers. Exits 0 when
every figure is as required, and 1 when one is not. With `--quick` there is one round, and nothing is written.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console
from rich.table import Table

from delivery_bench import sink
from report import machine
from rounds import Spread

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
ROUNDS, QUICK_ROUNDS = 5, 1
SECONDS = 4.0
_LEAST_OF_LIMIT = 0.35
_LONGEST_SINGLE = 0.1
_KEYS, _FLOODS = 50, 5
_SHARE = 30.0
"""Events a second of each key: all of them together are about half of what two cores confirm."""

_LONGEST_BESIDE_A_FLOOD = 0.25
_BARE_CONNECTIONS = 32


@dataclass(frozen=True)
class Case:
    """What is sent to the service: events a request, and over how many connections."""

    title: str
    batch: int
    connections: int


CASES = (Case("/v1/batch, 100 events each", 100, 32), Case("/v1/track, single calls", 1, 256))


@dataclass
class Served:
    """A service that runs."""

    port: int
    process: psutil.Process

    @property
    def megabytes(self) -> float:
        """The memory that it takes."""
        return float(self.process.memory_info().rss) / 1_000_000


def main() -> int:
    """Measure, and report."""
    parser = argparse.ArgumentParser(description="Measure the service.")
    parser.add_argument("--quick", action="store_true", help="one round, and nothing is written")
    is_quick = parser.parse_args().quick
    console = Console(width=None if sys.stdout.isatty() else 120)
    rows = throughput(QUICK_ROUNDS if is_quick else ROUNDS)
    console.print(_rates(rows))
    fair = fairness()
    console.print(_fairness(fair))
    if not is_quick:
        result = {"machine": machine(""), "rounds": ROUNDS, "seconds": SECONDS, "rates": rows, "fairness": fair}
        (FOLDER / "serve.json").write_text(json.dumps(result, indent=2) + "\n")
    missed = [row for row in rows if row["missed"]]
    return int(bool(missed) or fair["missed"])


def throughput(rounds: int) -> list[dict[str, Any]]:
    """Take turns: the bare handler, the service that only accepts, and the one that delivers too."""
    taken: dict[tuple[str, str], list[dict[str, float]]] = {}
    with sink(0) as kable, tempfile.TemporaryDirectory() as name, bare() as limit:
        folder = Path(name)
        with (
            service(folder / "accepts", kable, "--accept-only") as accepts,
            service(folder / "delivers", kable) as both,
        ):
            for _ in range(rounds):
                for case in CASES:
                    for who, port, connections in (
                        ("limit", limit, _BARE_CONNECTIONS),
                        ("accepts", accepts.port, case.connections),
                        ("delivers", both.port, case.connections),
                    ):
                        (figures,) = load(port, "--batch", case.batch, "--connections", connections)
                        taken.setdefault((case.title, who), []).append(figures)
            megabytes = {"accepts": accepts.megabytes, "delivers": both.megabytes}
    return [_row(case, who, taken, megabytes) for case in CASES for who in ("accepts", "delivers")]


def _row(
    case: Case, who: str, taken: dict[tuple[str, str], list[dict[str, float]]], megabytes: dict[str, float]
) -> dict[str, Any]:
    own, limit = taken[case.title, who], taken[case.title, "limit"]
    of_limit = Spread.of([ours["rate"] / theirs["rate"] for ours, theirs in zip(own, limit, strict=True)])
    p99 = Spread.of([figures["p99"] for figures in own]).median
    is_measured = who == "accepts"
    missed = is_measured and (of_limit.median < _LEAST_OF_LIMIT or (case.batch == 1 and p99 > _LONGEST_SINGLE))
    return {
        "title": case.title,
        "who": who,
        "connections": case.connections,
        "rate": Spread.of([figures["rate"] for figures in own]).rounded(0),
        "limit": Spread.of([figures["rate"] for figures in limit]).rounded(0),
        "of_limit": of_limit.rounded(3),
        "p50": round(Spread.of([figures["p50"] for figures in own]).median, 4),
        "p99": round(p99, 4),
        "refused": sum(figures["refused"] for figures in own),
        "megabytes": round(megabytes[who]),
        "missed": missed,
    }


def fairness() -> dict[str, Any]:
    """Let 50 keys send at once, of which one sends five times its share, and one is for an account that fails."""
    with (
        sink(0, failing="kci_1x") as kable,
        tempfile.TemporaryDirectory() as name,
        service(Path(name) / "fair", kable, keys=_KEYS) as served,
    ):
        common = ("--seconds", SECONDS * 3, "--connections", 2)
        flood = started(served.port, *common, "--write-key", "wk0", "--rate", _SHARE * _FLOODS, "--connections", 20)
        failing = started(served.port, *common, "--write-key", "wk1", "--rate", _SHARE)
        others = load(served.port, *common, "--write-key", "other", "--keys", _KEYS - 2, "--rate", _SHARE)
        floods, fails = finished(flood), finished(failing)
    most = max(figures["p99"] for figures in others)
    return {
        "keys": _KEYS,
        "share": _SHARE,
        "others": {
            "rate": round(sum(figures["rate"] for figures in others)),
            "refused": sum(figures["refused"] for figures in others),
            "highest_p99": round(most, 4),
        },
        "flood": {"rate": round(floods[0]["rate"]), "refused": floods[0]["refused"], "p99": round(floods[0]["p99"], 4)},
        "failing": {"rate": round(fails[0]["rate"]), "refused": fails[0]["refused"]},
        "missed": most > _LONGEST_BESIDE_A_FLOOD,
    }


def started(port: int, *options: object) -> subprocess.Popen[str]:
    """Begin to send."""
    command = [sys.executable, str(FOLDER / "load.py"), str(port), "--seconds", str(SECONDS), *map(str, options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own


def finished(process: subprocess.Popen[str]) -> list[dict[str, float]]:
    """Return the figures of each sender, once all have ended."""
    printed, _ = process.communicate(timeout=120)
    return [json.loads(line) for line in printed.splitlines()]


def load(port: int, *options: object) -> list[dict[str, float]]:
    """Send, and return the figures of each sender."""
    return finished(started(port, *options))


@contextlib.contextmanager
def bare() -> Iterator[int]:
    """Run the bare handler; yield its port."""
    command = [sys.executable, str(FOLDER / "bare_server.py")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def service(folder: Path, kable: int, *options: str, keys: int = 1) -> Iterator[Served]:
    """Run the service with accounts of as many keys: wk, or wk0 (sends much), wk1 (fails), and the others."""
    folder.mkdir()
    file = folder / "kable.toml"
    names = ["wk"] if keys == 1 else ["wk0", "wk1", *(f"other{number}" for number in range(keys - 2))]
    accounts = [f'[accounts.a{at}]\nclientId = "kci_{at}x"\napiKeyEnv = "SECRET"\n' for at in range(keys)]
    write_keys = [f'{name} = "a{at}"\n' for at, name in enumerate(names)]
    file.write_text("\n".join([*accounts, "[service.writeKeys]", *write_keys]), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "kable_destination.runner",
        "serve",
        "--config",
        str(file),
        "--port",
        "0",
        "--json",
    ]
    command += ["--base-url", f"http://127.0.0.1:{kable}", "--outbox", str(folder / "outbox.sqlite"), *options]
    environment = {**os.environ, "SECRET": "sk_test.of-no-account"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603 - our own
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        url = json.loads(process.stdout.readline())["base_url"]
        yield Served(int(url.rpartition(":")[2]), psutil.Process(process.pid))
    finally:
        process.kill()
        process.communicate()


def _rates(rows: list[dict[str, Any]]) -> Table:
    made = Table(title="Events confirmed a second, each on disk before the answer", title_justify="left")
    for name in ("", "and", "events/s", "limit", "of the limit", "p50", "p99", "MB", ""):
        made.add_column(name, justify="left" if name in {"", "and"} else "right")
    for row in rows:
        made.add_row(
            row["title"],
            "delivers them" if row["who"] == "delivers" else "only accepts",
            f"{row['rate']['median']:,.0f}",
            f"{row['limit']['median']:,.0f}",
            f"{row['of_limit']['median']:.2f}",
            f"{row['p50'] * 1000:.0f} ms",
            f"{row['p99'] * 1000:.0f} ms",
            f"{row['megabytes']}",
            "" if row["who"] == "delivers" else "[red]missed[/]" if row["missed"] else "[green]met[/]",
        )
    return made


def _fairness(fair: dict[str, Any]) -> Table:
    made = Table(title=f"{fair['keys']} keys at once, {fair['share']:.0f} events/s each", title_justify="left")
    for name in ("", "events/s", "refused", "p99"):
        made.add_column(name, justify="right" if name else "left")
    others, flood, failing = fair["others"], fair["flood"], fair["failing"]
    verdict = "[red]missed[/]" if fair["missed"] else "[green]met[/]"
    shown = f"{others['highest_p99'] * 1000:.0f} ms at most: {verdict}"
    made.add_row(f"{fair['keys'] - 2} of them, together", f"{others['rate']}", f"{others['refused']}", shown)
    made.add_row(
        "one that sends five times as much", f"{flood['rate']}", f"{flood['refused']}", f"{flood['p99'] * 1000:.0f} ms"
    )
    made.add_row("one whose server fails", f"{failing['rate']}", f"{failing['refused']}", "")
    return made


if __name__ == "__main__":
    sys.exit(main())

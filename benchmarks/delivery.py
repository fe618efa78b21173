"""Delivery end to end: a file of NDJSON, over loopback, to a plain HTTP server; beside the peer, and its memory.

Run it by `make bench-delivery`. It prints tables and writes delivery.json. Exits 0 when every median reaches what is
required at least, 1 when one does not, 2 when the peer cannot run or sends other events than this package.
`python delivery.py outbox single` measures these rows only, prints them, and writes nothing.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from measures import BATCH_EVENTS
from peer_process import PeerError, environment, install, program, version_of
from report import machine
from workload import all_workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workload import Workload

FOLDER = Path(__file__).parent
ROUNDS = int(os.environ.get("KABLE_BENCH_ROUNDS", "9"))
MOST_GROWTH = 60_000_000
"""Bytes by which a million events may need more memory than ten thousand."""

_MANY, _FEW = 1_000_000, 10_000


@dataclass(frozen=True)
class Way:
    """A way to deliver: what is asked of `deliver`, and of the peer; and how fast it must be beside the peer."""

    key: str
    title: str
    events: int
    batch_events: int
    in_flight: int
    options: tuple[str, ...]
    least: float
    aim: float
    latency: float = 0.0

    @property
    def arguments(self) -> list[str]:
        """The options of the command."""
        return ["--batch-size", str(self.batch_events), "--concurrency", str(self.in_flight), *self.options]


WAYS = (
    Way("no_outbox", "batches of 500, outbox off", 200_000, BATCH_EVENTS, 4, ("--no-outbox",), 2.5, 4),
    Way("outbox", "batches of 500, outbox on", 200_000, BATCH_EVENTS, 4, (), 1, 1),
    Way("single", "one event a request, outbox off", 10_000, 1, 8, ("--no-outbox",), 1.3, 1.3),
    Way("latency", "behind 200 ms, 16 in flight, outbox on", 400_000, BATCH_EVENTS, 16, (), 0.8, 1, latency=0.2),
)


class Bench:
    """A folder with events, a server to send them to, and both contenders."""

    def __init__(self, folder: Path, workload: Workload, node: str, ports: dict[float, int]) -> None:
        self._folder = folder
        self._workload = workload
        self._node = node
        self._ports = ports

    def file(self, count: int) -> Path:
        """Write so many events, each with an id of its own."""
        path = self._folder / f"{count}.ndjson"
        if not path.exists():
            lines = itertools.cycle(
                [(line, event["messageId"].encode()) for line, event in zip(*self._lines(), strict=True)]
            )
            with path.open("wb") as file:
                for number, (line, name) in enumerate(itertools.islice(lines, count)):
                    file.write(line.replace(name, b"%s-%07d" % (name, number)) + b"\n")
        return path

    def _lines(self) -> tuple[list[bytes], list[dict[str, Any]]]:
        return self._workload.lines, self._workload.events

    def ours(self, way: Way, events: int) -> dict[str, Any]:
        """Deliver with this package, in a folder of its own."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            command = [sys.executable, str(FOLDER / "deliver_ours.py"), str(self.file(events)), *way.arguments]
            settings = self._workload.settings
            credentials = {"KABLE_API_KEY": settings["apiKey"], "KABLE_CLIENT_ID": settings["kableClientId"]}
            base = ["--base-url", f"http://127.0.0.1:{self._ports[way.latency]}"]
            return self._run([*command, *base], folder, credentials, self._ports[way.latency])

    def peer(self, way: Way, events: int) -> dict[str, Any]:
        """Deliver with the peer."""
        asked = self._workload.for_the_peer()
        options = {
            "file": str(self.file(events)),
            "url": f"http://127.0.0.1:{self._ports[way.latency]}/api/v1/events/create",
            "headers": asked["request"]["headers"],
            "batchEvents": way.batch_events,
            "inFlight": way.in_flight,
            **{key: asked[key] for key in ("settings", "settingsFields", "action", "subscription")},
        }
        path = self._folder / "peer.json"
        path.write_text(json.dumps(options))
        command = [self._node, str(FOLDER / "deliver_peer.cjs"), str(path)]
        return self._run(command, str(self._folder), {}, self._ports[way.latency])

    def _run(self, command: list[str], folder: str, added: dict[str, str], port: int) -> dict[str, Any]:
        done = subprocess.run(  # noqa: S603 - our own programs
            command, cwd=folder, env={**environment(), **added}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise PeerError(f"{command[1]} ended with {done.returncode}: {done.stderr[-2000:]}")
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return {**result, **self._arrived(port)}

    def _arrived(self, port: int) -> dict[str, int]:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/")
        arrived: dict[str, int] = json.loads(connection.getresponse().read())
        connection.close()
        return arrived


@contextmanager
def sink(latency: float) -> Iterator[int]:
    """Run the server; yield its port."""
    command = [sys.executable, str(FOLDER / "sink.py"), str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def main() -> int:
    """Take turns, measure memory, report."""
    asked = sys.argv[1:]
    unknown = {*asked}.difference(way.key for way in WAYS)
    if unknown:
        print(f"There are no rows {', '.join(sorted(unknown))}; there are: {', '.join(way.key for way in WAYS)}")
        return 2
    ways = [way for way in WAYS if way.key in asked or not asked]
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        node = program("node")
        version = version_of(node)
        install()
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            ports = {latency: stack.enter_context(sink(latency)) for latency in {way.latency for way in ways}}
            bench = Bench(Path(folder), all_workloads()[0], node, ports)
            rates = {way.key: list(rounds(bench, way, console)) for way in ways}
            memory = {} if asked else {way.key: growth(bench, way, console) for way in WAYS[:2]}
    except PeerError as error:
        print(f"The benchmarks cannot run: {error}", file=sys.stderr)
        return 2
    console.print(table(ways, rates))
    slow = any(ratio(rates[way.key]) < way.least for way in ways)
    if asked:
        return int(slow)
    result = {
        "machine": machine(version),
        "rounds": ROUNDS,
        "rates": {key: summary(pairs) for key, pairs in rates.items()},
        "memory": memory,
    }
    (FOLDER / "delivery.json").write_text(json.dumps(result, indent=2) + "\n")
    large = any(item["growth_bytes"] > MOST_GROWTH for item in memory.values())
    return 1 if slow or large else 0


def rounds(bench: Bench, way: Way, console: Console) -> Iterator[tuple[float, float]]:
    """Deliver in turns; give the rates of both for each round. Raises PeerError when they send different events."""
    for number in range(ROUNDS):
        contenders = (bench.ours, bench.peer) if number % 2 else (bench.peer, bench.ours)
        told = {contender.__name__: contender(way, way.events) for contender in contenders}
        ours, peer = told["ours"], told["peer"]
        if not ours["events"] == peer["events"] == way.events:
            raise PeerError(f"{ours['events']:,} events were sent by python and {peer['events']:,} by the peer")
        yield way.events / ours["seconds"], way.events / peer["seconds"]
        console.print(f"{way.title}: round {number + 1} of {ROUNDS}")


def growth(bench: Bench, way: Way, console: Console) -> dict[str, Any]:
    """Tell the peak of memory for few events and for many."""
    peaks = {events: bench.ours(way, events)["peak_bytes"] or 0 for events in (_FEW, _MANY)}
    grown = peaks[_MANY] - peaks[_FEW]
    console.print(
        f"{way.title}: peak memory {peaks[_FEW] / 1e6:,.0f} MB for {_FEW:,} events, "
        f"{peaks[_MANY] / 1e6:,.0f} MB for {_MANY:,}: {grown / 1e6:+,.0f} MB (at most +{MOST_GROWTH / 1e6:,.0f})"
    )
    return {**{str(events): peak for events, peak in peaks.items()}, "growth_bytes": grown}


def ratio(pairs: list[tuple[float, float]]) -> float:
    """Give the median of the ratios of the rounds."""
    return statistics.median(ours / peer for ours, peer in pairs)


def summary(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    """Give medians, and the least and the greatest ratio."""
    ratios = sorted(ours / peer for ours, peer in pairs)
    return {
        "python": round(statistics.median(ours for ours, _ in pairs)),
        "peer": round(statistics.median(peer for _, peer in pairs)),
        "ratio": {"median": round(ratio(pairs), 2), "low": round(ratios[0], 2), "high": round(ratios[-1], 2)},
    }


def table(ways: list[Way], rates: dict[str, list[tuple[float, float]]]) -> Table:
    """Make the table that is printed."""
    made = Table(title=f"Events a second, file to server: medians of {ROUNDS} rounds", title_justify="left")
    for name in ("", "python", "peer", "python ÷ peer", "least", "aim"):
        made.add_column(name, justify="left" if not name else "right")
    for way in ways:
        told = summary(rates[way.key])
        spread = told["ratio"]
        made.add_row(
            way.title,
            f"{told['python']:,}",
            f"{told['peer']:,}",
            f"{spread['median']:.2f} ({spread['low']:.2f} to {spread['high']:.2f})",
            f"{way.least:g}",
            f"{way.aim:g}",
        )
    return made


if __name__ == "__main__":
    sys.exit(main())

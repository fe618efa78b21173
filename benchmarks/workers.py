"""How delivery grows with workers that share an outbox in PostgreSQL: 1, 2 and 4, behind a server that takes 20 ms.

Run it by `python benchmarks/workers.py URL`, with a server of PostgreSQL on this machine. Each worker sends one request
at a time with 50 events, so 2,500 events a second is the most that one can do. It prints the rates and what one event
costs each process, and writes workers.json. Exits 0 when each doubling gives at least 1.7 times the rate.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from delivery_bench import sink
from report import machine
from rounds import Spread

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
ROUNDS = int(os.environ.get("KABLE_BENCH_ROUNDS", "3"))
WORKERS = (1, 2, 4)
BATCH = 50
LATENCY = 0.02
WARM_UP, SECONDS = 3.0, 8.0
LEAST_GROWTH = 1.7
_FILLED = 40_000
"""Events that are queued for each worker: more than it can send."""

_CONFIGURATION = """
[settings]
kableClientId = "kci_workers"

[delivery]
batchSize = 50
concurrency = 1

[service.writeKeys]
wk = "default"
"""


class Bench:
    """An outbox, and a server to send to."""

    def __init__(self, folder: Path, url: str, kable: int) -> None:
        self._file = folder / "kable.toml"
        self._file.write_text(_CONFIGURATION, encoding="utf-8")
        self._options = ["--config", str(self._file), "--base-url", f"http://127.0.0.1:{kable}", "--outbox", url]
        self._kable = kable

    def fill(self, events: int) -> None:
        """Queue this many events, as a service accepts them."""
        with self._program("serve", "--accept-only", "--port", "0", "--json") as served:
            assert served.stdout is not None  # noqa: S101 - it was asked for
            port = int(json.loads(served.stdout.readline())["base_url"].rpartition(":")[2])
            sent = 0
            while sent < events:
                command = [sys.executable, str(FOLDER / "load.py"), str(port), "--seconds", "1", "--batch", str(BATCH)]
                printed = subprocess.run([*command, "--connections", "8"], check=True, capture_output=True)  # noqa: S603
                sent += int(json.loads(printed.stdout)["requests"]) * BATCH
            served.terminate()
            served.wait(60)

    def rate(self, workers: int) -> dict[str, float]:
        """Return the events a second that this many workers send, and the processor's microseconds for one event."""
        with contextlib.ExitStack() as stack:
            started = [stack.enter_context(self._program("work")) for _ in range(workers)]
            for each in started:
                assert each.stdout is not None  # noqa: S101 - it was asked for
                each.stdout.readline()
            time.sleep(WARM_UP)
            self._sent()
            before, began = _spent(started), time.perf_counter()
            time.sleep(SECONDS)
            events, elapsed = self._sent(), time.perf_counter() - began
            spent = {name: seconds - before[name] for name, seconds in _spent(started).items()}
            for each in started:
                each.terminate()
            for each in started:
                each.wait(60)
        return {"rate": events / elapsed, **{name: seconds * 1e6 / events for name, seconds in spent.items()}}

    def _sent(self) -> int:
        """Return how many events the server has got since the last question."""
        connection = http.client.HTTPConnection("127.0.0.1", self._kable, timeout=10)
        connection.request("GET", "/")
        with contextlib.closing(connection):
            return int(json.loads(connection.getresponse().read())["events"])

    @contextlib.contextmanager
    def _program(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "kable_destination.runner", arguments[0], *self._options, *arguments[1:]]
        environment = {**os.environ, "KABLE_API_KEY": "sk_test.of-no-account"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603 - our own
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def _spent(workers: list[subprocess.Popen[str]]) -> dict[str, float]:
    """Return the processor's seconds that the workers and PostgreSQL have taken so far."""
    servers = [each for each in psutil.process_iter(["name"]) if each.info["name"] == "postgres"]
    return {
        "workers": sum(map(_seconds, (psutil.Process(each.pid) for each in workers))),
        "postgresql": sum(map(_seconds, servers)),
    }


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def measured(url: str) -> dict[str, Any]:
    """Run the rounds, and return medians; the growth is computed within a round."""
    taken: dict[int, list[dict[str, float]]] = {count: [] for count in WORKERS}
    with tempfile.TemporaryDirectory() as name, sink(LATENCY) as kable:
        bench = Bench(Path(name), url, kable)
        for _ in range(ROUNDS):
            for count in WORKERS:
                bench.fill(count * _FILLED)
                taken[count].append(bench.rate(count))
                print(f"{count} workers:", {key: round(value) for key, value in taken[count][-1].items()}, flush=True)
    growth = {
        f"{few} to {many}": Spread.of(
            [after["rate"] / before["rate"] for before, after in zip(taken[few], taken[many], strict=True)]
        )
        for few, many in itertools.pairwise(WORKERS)
    }
    return {
        "machine": machine(""),
        "rounds": ROUNDS,
        "events_a_second": {
            str(count): Spread.of([each["rate"] for each in rows]).rounded(0) for count, rows in taken.items()
        },
        "growth": {name: spread.rounded(2) for name, spread in growth.items()},
        "missed": [name for name, spread in growth.items() if spread.median < LEAST_GROWTH],
    }


def main() -> int:
    """Measure, print and write."""
    if len(sys.argv) != 2:
        print("usage: python benchmarks/workers.py postgresql://USER@HOST/DATABASE?schema=NEW")
        return 2
    result = measured(sys.argv[1])
    print(json.dumps(result, indent=2))
    (FOLDER / "workers.json").write_text(f"{json.dumps(result, indent=2)}\n", encoding="utf-8")
    return len(result["missed"])


if __name__ == "__main__":
    sys.exit(main())

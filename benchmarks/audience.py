"""A sync of a large audience of which 1 % has changed: its time, its rate and its memory.

Run it by `python benchmarks/audience.py`. KABLE_AUDIENCE_MEMBERS is the number of members (10,000,000), and
KABLE_AUDIENCE_OUTBOX the outbox (a file in a temporary folder). It prints a table, and exits 1 if memory is more than
is required.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from delivery_bench import sink
from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.audience.events import new_audience
from kable_destination.runner.audience.names import key_of
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.delivery.delivery import account_of
from kable_destination.runner.queues.contract import MembershipPut, Movement, Put, Token
from kable_destination.runner.queues.opening import open_queue

MEMBERS = int(os.environ.get("KABLE_AUDIENCE_MEMBERS", "10000000"))
CHANGED = MEMBERS // 100
MOST_MEGABYTES = 200
NAME = "Active Customers"
SETTINGS = {"apiKey": "sk_test_bench", "kableClientId": "kci_bench"}
_AT_ONCE = 50_000
_STEP = 7_368_787
"""A prime, so the list has all members in an order that looks random."""


def member(number: int) -> bytes:
    """Return the ID of a member."""
    return b"customer_%09d" % number


async def seed(outbox: str, base_url: str) -> None:
    """Store an audience as a complete first sync leaves it, without its events."""
    destination = Destination(kable, SETTINGS, base_url=base_url)
    queue = open_queue(outbox, clock=SystemClock())
    audience = new_audience(account_of(destination), NAME, "audience", key_of(NAME), datetime.now(UTC))
    _, hold = await queue.audiences.hold(audience, create=True)
    for number, start in enumerate(range(0, MEMBERS, _AT_ONCE), 1):
        rows = [(member(each), b"true", 1, 0) for each in range(start, min(start + _AT_ONCE, MEMBERS))]
        put = MembershipPut(hold, rows, Movement(entered=len(rows)))
        await queue.put(Put(Token(1, number), memberships=put))
    await queue.audiences.complete(hold)
    await queue.close()


def write_list(path: Path) -> None:
    """Write the members of the next sync, in no order: half of the changed ones have left, and others have entered."""
    first = CHANGED // 2
    with path.open("wb") as file:
        for start in range(0, MEMBERS, _AT_ONCE):
            some = range(start, min(start + _AT_ONCE, MEMBERS))
            file.write(b"".join([b"%b\n" % member(first + number * _STEP % MEMBERS) for number in some]))


def measured(command: list[str], folder: Path) -> tuple[float, float, str]:
    """Run a command; return its seconds, the most megabytes that it had in memory, and what it printed."""
    began, most = time.monotonic(), 0.0
    environment = {**os.environ, "KABLE_API_KEY": SETTINGS["apiKey"], "KABLE_CLIENT_ID": SETTINGS["kableClientId"]}
    # Our own command.
    popen = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603
    with popen as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                most = max(most, watched.memory_info().rss / 1e6)
            except psutil.Error:
                break
            time.sleep(0.02)
        printed = "" if process.stdout is None else process.stdout.read()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return time.monotonic() - began, most, printed


def main() -> int:
    """Measure, print and judge."""
    table = Table("", "seconds", "members a second", "memory, MB")
    worst = 0.0
    with tempfile.TemporaryDirectory() as name, sink(0) as port:
        folder, base_url = Path(name), f"http://127.0.0.1:{port}"
        outbox = os.environ.get("KABLE_AUDIENCE_OUTBOX", str(folder / "outbox.sqlite"))
        began = time.monotonic()
        asyncio.run(seed(outbox, base_url))
        sys.stderr.write(f"stored {MEMBERS:,} memberships in {time.monotonic() - began:.0f} s\n")
        write_list(folder / "members.txt")
        command = [sys.executable, "-m", "kable_destination.runner", "audience", "sync", "--name", NAME, "members.txt"]
        command += ["--base-url", base_url, "--outbox", outbox]
        for title in (f"{CHANGED:,} changed", "nothing changed"):
            seconds, megabytes, printed = measured(command, folder)
            sys.stderr.write(printed)
            table.add_row(title, f"{seconds:.1f}", f"{MEMBERS / seconds:,.0f}", f"{megabytes:.0f}")
            worst = max(worst, megabytes)
        if (folder / "outbox.sqlite").exists():
            sys.stderr.write(f"outbox: {(folder / 'outbox.sqlite').stat().st_size / 1e6:,.0f} MB\n")
    Console().print(table)
    return int(worst > MOST_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())

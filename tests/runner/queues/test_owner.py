"""The leases of a process that has ended are free at once, and those of one that runs are not."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from kable_destination.runner.queues.contract import Put, Token
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.owner import has_ended, own_name
from kable_destination.runner.queues.suite.opened import LANE, MovedClock, batch, keys_of

if TYPE_CHECKING:
    from pathlib import Path

NAME = "from kable_destination.runner.queues.owner import own_name; print(own_name(), flush=True); "
LEASE = """
import asyncio, os
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.suite.opened import LANE, MovedClock

async def lease():
    queue = open_queue("outbox.sqlite", clock=MovedClock())
    print(len((await queue.lease({LANE: 1})).leases), flush=True)
    input()
    os._exit(1)

asyncio.run(lease())
"""


def start(code: str, folder: Path | None = None) -> subprocess.Popen[str]:
    """Start a process that prints a line and then waits for one."""
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def first_line(process: subprocess.Popen[str]) -> str:
    """Return the line that a process has printed."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_process_knows_itself_as_running() -> None:
    assert not has_ended(own_name())
    assert own_name() != own_name(), "two queues of one process are two owners"


def test_a_process_has_ended_when_it_was_killed_even_if_nobody_waits_for_it() -> None:
    with start(NAME + "input()") as process:
        name = first_line(process)
        assert not has_ended(name)
        process.kill()
        # It is a zombie until `wait`.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(name)
    assert has_ended(name)


def test_a_number_that_was_given_again_is_another_process() -> None:
    machine, number, started, mark = own_name().split(" ")
    assert has_ended(f"{machine} {number} {float(started) - 60:.2f} {mark}")
    assert not has_ended(f"{machine} {number} {float(started) - 1:.2f} {mark}")


def test_who_cannot_be_asked_about_may_run() -> None:
    machine, own_number, started, mark = own_name().split(" ")
    assert not has_ended(f"elsewhere {own_number} {started} {mark}")
    assert not has_ended(f"{machine} {own_number} 210921 {mark}"), "as format 2 wrote it"
    for name in ("", "nobody", f"{machine} x {started}"):
        assert not has_ended(name)
    for number in (str(2**22 + 1), str(10**30)):
        assert has_ended(f"{machine} {number} 210921 {mark}"), "no process has this number"


def test_the_leases_of_a_killed_process_are_free_at_once(tmp_path: Path) -> None:
    async def lease() -> None:
        queue = open_queue(tmp_path / "outbox.sqlite", clock=MovedClock())
        await queue.put(Put(Token(1, 1), [batch("a")]))
        with start(LEASE, tmp_path) as process:
            assert first_line(process) == "1"
            leased = await queue.lease({LANE: 1})
            assert (leased.leases, leased.depths[LANE].leased_elsewhere) == ([], 1)
            assert (await queue.status()).lanes[0].leased == 1
            process.kill()
        assert (await queue.status()).lanes[0].leased == 0
        assert keys_of(await queue.lease({LANE: 1})) == ["a"]
        await queue.close()

    asyncio.run(lease())

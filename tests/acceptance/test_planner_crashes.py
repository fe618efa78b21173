"""The accepting process, a planner or all are killed: the ledger has every event once, and no process is left."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import psutil
import pytest

from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from running_program import RunningProgram

RUNS = range(int(os.environ.get("KABLE_KILLS", "3")))
"""In each three runs each kind of process is killed once."""
EVENTS = 20_000
LONGEST = 1.0
"""Seconds within which an undisturbed run of so many events is over."""


def arguments(command_line: CommandLine, sandbox: RunningSandbox, size: int = 500) -> tuple[str, ...]:
    """Write the events, and give the arguments of a run with planners."""
    (command_line.folder / "events.ndjson").write_bytes(ndjson(*(track(number) for number in range(EVENTS))))
    return ("events.ndjson", "--base-url", sandbox.base_url, "--batch-size", str(size), "--planners", "2")


def billed_once(sandbox: RunningSandbox) -> bool:
    """Tell whether each event stands in the ledger, once."""
    billed = Counter(event["transactionId"] for event in sandbox.ledger.events)
    return billed == Counter(f"message-{number:06}" for number in range(EVENTS))


def family(process: RunningProgram) -> list[psutil.Process]:
    """Find the server of planners and the planners, once there are some."""
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            children = psutil.Process(process.pid).children(recursive=True)
            if len(children) > 1:
                return children
        time.sleep(0.002)
    return []


@pytest.mark.parametrize("seed", RUNS)
def test_whatever_is_killed_nothing_is_lost_or_doubled(
    command_line: CommandLine, sandbox: RunningSandbox, seed: int
) -> None:
    """The moments are random. A run goes on without a planner; a killed run is taken up by the next."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    given = arguments(command_line, sandbox, dice.choice((100, 500)))
    victim = ("accepting process", "planner", "all")[seed % 3]
    with command_line.start("deliver", *given) as process:
        children = family(process)
        time.sleep(dice.uniform(0, LONGEST))
        targets = {"accepting process": [], "planner": children[1:], "all": children}[victim]
        if victim == "planner" and targets:
            targets = [dice.choice(targets)]
        else:
            process.kill()
        for target in targets:
            with contextlib.suppress(psutil.Error):
                target.kill()
        _, errors = process.communicate(timeout=60)
    print(f"seed {seed}: killed {victim}")  # noqa: T201
    if victim == "planner":
        assert process.returncode == 0, errors
        assert billed_once(sandbox), f"seed {seed}"
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
    run = command_line("deliver", *given)
    assert run.code == 0, run.err
    assert billed_once(sandbox), f"seed {seed}"
    assert json.loads(command_line("status", "--json").out)["dead"] == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_all_processes_ends_them_in_order(
    command_line: CommandLine, sandbox: RunningSandbox, number: signal.Signals
) -> None:
    """A terminal sends Ctrl-C to all of its processes; the planners leave it to the one that accepts."""
    given = arguments(command_line, sandbox)
    with command_line.start("deliver", *given, before="import os; os.setsid()") as process:
        children = family(process)
        os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert b"Traceback" not in errors
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
    run = command_line("deliver", *given)
    assert run.code == 0, run.err
    assert billed_once(sandbox)


@pytest.mark.parametrize("dying", ["the server", "the server, then all planners", "all planners, then the server"])
def test_a_run_ends_well_without_a_server_of_planners(
    command_line: CommandLine, sandbox: RunningSandbox, dying: str
) -> None:
    """Planners that are left continue. When there are none, and none can be started, the process plans by itself."""
    given = arguments(command_line, sandbox, 100)
    with command_line.start("deliver", *given) as process:
        server, *planners = family(process)
        orders = {"the server": [server], "the server, then all planners": [server, *planners]}
        targets = orders.get(dying, [*planners, server])
        for target in targets:
            with contextlib.suppress(psutil.Error):
                target.kill()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert b"Traceback" not in errors
    assert billed_once(sandbox)
    _, alive = psutil.wait_procs([server, *planners], timeout=5)
    assert not alive


def test_no_process_shows_a_secret(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """The settings are in no argument of a planner."""
    given = arguments(command_line, sandbox)
    secret = command_line.environment["KABLE_API_KEY"]
    with command_line.start("deliver", *given) as process:
        for child in family(process):
            with contextlib.suppress(psutil.NoSuchProcess):
                assert secret not in " ".join(child.cmdline())
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_small_input_starts_no_planner(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    (command_line.folder / "few.ndjson").write_bytes(ndjson(*(track(number) for number in range(100))))
    given = ("few.ndjson", "--base-url", sandbox.base_url, "--planners", "2")
    with command_line.start("deliver", *given) as process:
        assert not family(process)
        process.communicate(timeout=60)
    assert process.returncode == 0

"""Every run ends, and sends first what it can, whatever others do to the same outbox."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.delivery.delivery import account_of
from kable_destination.runner.queues.contract import Lane, Put, Token
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.suite.opened import batch
from segment_events import ndjson, track
from virtual_clock import VirtualClock
from virtual_run import START, Setting

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.queues.contract import Queue
    from kable_destination.runner.sandbox import RunningSandbox

WAIT = 5.0


def opened(setting: Setting) -> Queue:
    """Open the outbox of a setting, as another process does."""
    return open_queue(str(setting.outbox), clock=VirtualClock(START))


def fill(setting: Setting, account: str) -> int:
    """Queue events of an account; return how many bytes they are."""
    filling = batch(*[f"{account} {number}" for number in range(100)], account=account)

    async def put() -> None:
        queue = opened(setting)
        await queue.put(Put(Token(1, 1), [filling]))
        await queue.close()

    asyncio.run(put())
    return filling.size


@pytest.mark.parametrize("events", [1, 30, 3_000])
def test_a_healthy_account_sends_and_ends_in_an_outbox_that_another_one_has_filled(
    tmp_path: Path, sandbox: RunningSandbox, events: int
) -> None:
    setting = Setting(tmp_path, sandbox.base_url, rules={"longest_wait": WAIT})
    setting.limit_bytes = fill(setting, "down")
    run = setting.deliver(ndjson(*map(track, range(events))))
    assert (run.ended, run.report.delivered, run.report.unsent) == (None, events, 0)
    assert setting.queued() == 100


def test_a_run_ends_while_another_process_holds_what_is_left(tmp_path: Path, sandbox: RunningSandbox) -> None:
    setting = Setting(tmp_path, sandbox.base_url, rules={"longest_wait": 0.0, "batch_size": 10})
    setting.timeout = 1
    account = account_of(setting.destination)
    theirs = batch(*[f"theirs {number}" for number in range(10)], account=account)

    async def hold() -> Queue:
        queue = opened(setting)
        await queue.put(Put(Token(1, 1), [theirs]))
        assert len((await queue.lease({Lane(account, "track"): 1})).leases) == 1
        return queue

    with asyncio.Runner() as runner:
        holding = runner.run(hold())
        setting.rules["longest_wait"] = WAIT
        run = setting.deliver(ndjson(*map(track, range(25))))
        assert (run.ended, run.report.delivered) == (None, 25)
        assert WAIT <= run.seconds < 3 * WAIT
        runner.run(holding.close())
    assert setting.queued() == 10
    run = setting.deliver(b"")
    assert setting.queued() == 0


def test_a_run_that_can_queue_nothing_ends(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """Another account takes whatever room there is, and nobody sends it."""
    setting = Setting(tmp_path, sandbox.base_url, rules={"longest_wait": WAIT})
    account = account_of(setting.destination)
    size = fill(setting, "down")
    setting.limit_bytes = size // 2

    async def hold() -> Queue:
        queue = opened(setting)
        await queue.put(Put(Token(2, 1), [batch(*[str(number) for number in range(90)], account=account)]))
        assert len((await queue.lease({Lane(account, "track"): 1})).leases) == 1
        return queue

    with asyncio.Runner() as runner:
        holding = runner.run(hold())
        run = setting.deliver(ndjson(*map(track, range(25))))
        assert "the outbox accepts no more events" in str(run.ended)
        assert run.seconds < 20 * WAIT
        runner.run(holding.close())

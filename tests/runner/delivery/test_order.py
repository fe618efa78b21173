"""Order: what one key is sent stays in order, whatever fails on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx

from answering import Answering
from kable_destination.actions.usage_event import KABLE_BATCH
from kable_destination.runner.delivery.delivery import account_of
from kable_destination.runner.delivery.replay import plan_replays
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.queues.contract import KeptDeadLetter
from segment_events import identify, ndjson, track
from virtual_run import Setting

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox


def sent(request: httpx.Request) -> list[str]:
    """Return the IDs of the events that a request carries."""
    return [event["transactionId"] for event in json.loads(request.content)]


def test_the_second_half_of_an_ordered_batch_waits_for_the_first(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """A batch is halved because of one event, and the server fails on the half with the earlier events."""
    statuses = {"0123": [400], "01": [500] * 10}

    def answer(request: httpx.Request) -> httpx.Response | None:
        left = statuses.get("".join(key[-1] for key in sent(request)))
        return httpx.Response(left.pop()) if left else None

    setting = Setting(tmp_path, sandbox.base_url, wrap=Answering(answer).wrap)
    run = setting.deliver(ndjson(*({**identify(number), "userId": "one"} for number in range(4))))
    assert run.report.delivered == 4
    assert [event["transactionId"] for event in sandbox.ledger.events] == [f"message-{n:06}" for n in range(4)]


def test_a_replay_of_what_was_given_up_keeps_the_order_of_each_key(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """Its batches have the shards that they had, so no two of a key are under way at once."""
    policy = RetryPolicy(attempts=1)
    rules = {"batch_size": 2}
    setting = Setting(
        tmp_path, sandbox.base_url, policy=policy, wrap=Answering(lambda _: httpx.Response(500)).wrap, rules=rules
    )
    events = [identify(number) for number in range(40)]
    assert setting.deliver(ndjson(*events)).report.dead == 40
    kept = [KeptDeadLetter(number, 0.0, letter) for number, letter in enumerate(setting.letters())]
    account = account_of(setting.destination)
    batches = [replay.queued.batch for replay in plan_replays(setting.destination, account, kept, batch_size=2).batches]
    assert sum(map(len, batches)) == 40
    planned = [request.batch for request in setting.destination.plan(events).requests]
    shards = {payload["clientId"]: batch.shard for batch in planned for payload in batch.payloads}
    assert None not in shards.values()
    assert all(batch.shard == shards[payload["clientId"]] for batch in batches for payload in batch.payloads)


def test_a_replay_keeps_to_the_bytes_of_one_request(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """A batch of a replay is made of what was given up from several, which were smaller."""
    answering = Answering(lambda _: httpx.Response(500))
    setting = Setting(tmp_path, sandbox.base_url, policy=RetryPolicy(attempts=1), wrap=answering.wrap)
    events = [track(number, properties={"text": "x" * 90_000}) for number in range(30)]
    assert setting.deliver(ndjson(*events)).report.dead == 30
    kept = [KeptDeadLetter(number, 0.0, letter) for number, letter in enumerate(setting.letters())]
    batches = plan_replays(setting.destination, account_of(setting.destination), kept).batches
    assert [len(replay.ids) for replay in batches] == [11, 11, 8]
    assert all(len(replay.queued.batch.payloads.text) <= KABLE_BATCH.bytes for replay in batches)

"""Order: what one key is sent stays in order, whatever fails on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx

from answering import Answering
from segment_events import identify, ndjson
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

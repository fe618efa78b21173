"""An event of no known type is never skipped silently: a slip is rejected with the reason, others can be counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kable_destination.definitions import Destination, Outcome, Subscription
from kable_destination.destination import kable
from segment_events import track

SETTINGS = {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"}


def outcomes(kind: Any) -> list[Outcome]:
    """Give the outcome of an event, once as an object and once as text."""
    event = {key: value for key, value in track(type=kind).items() if value is not ABSENT}
    planner = Destination(kable, SETTINGS).planner()
    fed, flushed = planner.feed_texts([json.dumps(event).encode()]), planner.flush()
    return [*Destination(kable, SETTINGS).plan([event]).outcomes, *fed.turned_down, *flushed.turned_down]


ABSENT = object()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("Track", 'did you mean "track"?'),
        ("TRACK", 'did you mean "track"?'),
        ("trak", 'did you mean "track"?'),
        ("tarck", 'did you mean "track"?'),
        (" track", 'did you mean "track"?'),
        ("tracks", 'did you mean "track"?'),
        ("Identify", 'did you mean "identify"?'),
        ("indentify", 'did you mean "identify"?'),
        ("Pages", 'did you mean "page"?'),
        (ABSENT, "is missing"),
        (None, "is missing"),
        ("", "is blank"),
        ("  ", "is blank"),
        (1, "must be text, but it is a number"),
        (["track"], "must be text, but it is an array"),
    ],
)
def test_no_type_or_a_slip_of_one_is_rejected_with_the_reason(kind: Any, reason: str) -> None:
    found = outcomes(kind)
    assert [outcome.status for outcome in found] == ["rejected", "rejected"]
    for outcome in found:
        assert outcome.problems[0].place == "type"
        assert reason in outcome.problems[0].message
        assert outcome.event["userId"] == "customer_0"


@pytest.mark.parametrize("kind", ["purchase", "heartbeat", "video", "page_view", "trackEvent", "x" * 300])
def test_another_type_is_skipped_and_can_be_counted_by_its_name(kind: str) -> None:
    for outcome in outcomes(kind):
        assert (outcome.status, outcome.reason) == ("skipped", "unknown_type")
        assert outcome.event_type is not None
        assert outcome.event_type == (kind if len(kind) <= 40 else f"{'x' * 39}…")


@pytest.mark.parametrize("kind", ["delete", "page", "screen", "group", "alias", "identify"])
def test_a_known_type_that_nobody_wants_is_skipped(kind: str) -> None:
    for outcome in outcomes(kind):
        assert (outcome.status, outcome.reason, outcome.event_type) == ("skipped", "not_subscribed", kind)


@pytest.mark.parametrize("kind", ["Track", "trak", ""])
def test_a_subscription_that_wants_it_gets_it(kind: str) -> None:
    subscription = Subscription(partner_action="track", subscribe='event = "API Call"')
    assert len(Destination(kable, SETTINGS, [subscription]).plan([track(type=kind)]).requests) == 1

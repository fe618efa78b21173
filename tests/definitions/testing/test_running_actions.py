"""A test of an author runs an action on an event, and compares what it makes."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from kable_destination.definitions.testing import AnyRfc3339, AnyText, AnyUuid, event, example_values, run_action
from kable_destination.destination import kable
from ledger_destination import ledger
from meter_destination import meter
from tally_destination import tally


@pytest.mark.parametrize("call", ["track", "identify", "page", "screen", "group", "alias"])
def test_an_event_is_full_and_the_same_every_time(call: Any) -> None:
    made = event(call)
    assert made == event(call)
    assert made is not event(call)
    assert made["type"] == call
    assert {"messageId", "timestamp", "userId", "anonymousId", "context", "integrations"} <= made.keys()
    assert made["timestamp"] == AnyRfc3339()


def test_changes_are_merged_into_an_event() -> None:
    made = event("track", event="Called", userId=None, properties={"units": 3, "products": []})
    assert (made["event"], "userId" in made) == ("Called", False)
    assert made["properties"] == {**event("track")["properties"], "units": 3, "products": []}
    assert event("track")["properties"]["units"] == 7


def test_an_unknown_call_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(ValueError, match='there is no call "trak"; did you mean "track"'):
        event("trak")  # type: ignore[arg-type]


def test_an_action_runs_on_an_event_with_its_defaults() -> None:
    run = run_action(meter, "send", event("track", properties={"units": "3"}))
    assert (run.outcome.status, run.problems) == ("planned", ())
    assert run.payload == {"name": "Order Completed", "region": "eu", "units": 3}
    assert (run.request.method, str(run.request.url)) == ("PUT", "https://meter.example/one")
    assert run.body == {"item": run.payload}


def test_an_action_runs_with_a_mapping_and_settings_of_its_own() -> None:
    settings = {"apiKey": "sk_test.key-of-nobody", "kableClientId": "kci_1"}
    run = run_action(kable, "track", event(), settings=settings, mapping={"clientId": "c"})
    assert run.request.url.host == "test.kable.io"
    assert run.body["clientId"] == "c"


def test_a_rejected_event_tells_its_problems_and_has_no_request() -> None:
    run = run_action(kable, "track", event(userId=None))
    assert [problem.place for problem in run.problems] == ["clientId"]
    assert run.payload is None
    with pytest.raises(LookupError, match="track: no request was made: clientId: "):
        _ = run.request


def test_an_event_for_other_destinations_is_skipped() -> None:
    run = run_action(kable, "track", event(integrations={"All": False}))
    assert (run.outcome.status, run.outcome.reason, run.payload) == ("skipped", "integrations", None)


def test_an_action_of_several_requests_makes_one_for_each_answer() -> None:
    run = run_action(ledger, "record", event(), answers=[{"account": "acc_1"}])
    assert [(request.method, request.url.path) for request in run.requests] == [
        ("GET", "/accounts"),
        ("POST", "/accounts/acc_1/entries"),
    ]


def test_a_manifest_shows_its_payload_and_no_request() -> None:
    run = run_action(tally, "send", event())
    assert (run.payload, run.requests, run.problems) == ({"name": "Order Completed", "units": 7}, (), ())


@pytest.mark.parametrize("definition", [kable, meter, ledger, tally], ids=lambda one: one.name)
def test_example_values_are_valid_and_the_same_every_time(definition: Any) -> None:
    values = example_values(definition.settings, definition.slug)
    assert values == example_values(definition.settings, definition.slug)
    for key, action in definition.actions.items():
        assert run_action(definition, key, event(), mapping=example_values(action.fields, key)).problems == ()


def test_matchers_are_equal_to_any_value_of_their_kind() -> None:
    known = uuid.uuid4()
    assert {"id": str(known), "at": "2026-03-04T05:06:07.89+01:00"} == {"id": AnyUuid(), "at": AnyRfc3339()}
    assert known == AnyUuid(4)
    assert str(known) != AnyUuid(7)
    assert known.hex != AnyUuid()
    assert AnyRfc3339() not in ("2026-03-04", "2026-02-30T00:00:00Z", 5, None)
    assert AnyText(r"evt_\d+") == "evt_17"
    assert AnyText(r"evt_\d+") != "evt_17x"
    assert [repr(one) for one in (AnyUuid(), AnyUuid(4), AnyRfc3339(), AnyText("a"))] == [
        "AnyUuid()", "AnyUuid(4)", "AnyRfc3339()", "AnyText('a')",
    ]  # fmt: skip

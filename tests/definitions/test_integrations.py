"""The integrations object decides whether an event may reach a destination, as Segment documents it."""

import json
from typing import Any

import pytest

from kable_destination.definitions import Destination, RejectedError
from kable_destination.definitions.planning.integrations import turned_away
from kable_destination.destination import kable
from segment_events import track

SETTINGS = {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"}


@pytest.mark.parametrize(
    "integrations",
    [
        None,
        {},
        [],
        {"All": True},
        {"All": False, "Kable": True},
        {"All": False, "Kable": {}},
        {"Kable": {"option": 1}},
        {"Amplitude": False},
        {"kable": False},
        {"Kable": None},
        {"All": {"some": "options"}},
    ],
)
def test_an_event_may_pass(integrations: Any) -> None:
    assert turned_away({"integrations": integrations}, "Kable") is None


@pytest.mark.parametrize(
    "integrations", [{"Kable": False}, {"All": False}, {"All": True, "Kable": False}, {"All": False, "kable": True}]
)
def test_an_event_is_turned_away_with_the_flag_that_says_so(integrations: dict[str, Any]) -> None:
    reason = turned_away({"integrations": integrations}, "Kable")
    assert reason is not None
    assert "false" in reason


@pytest.mark.parametrize(
    "integrations", [{"Kable": "no"}, {"Kable": 0}, {"All": "false"}, {"Kable": [1]}, "Kable", [1]]
)
def test_a_flag_that_says_neither_yes_nor_no_is_rejected(integrations: Any) -> None:
    with pytest.raises(RejectedError, match="should be"):
        turned_away({"integrations": integrations}, "Kable")


def test_an_event_without_the_object_may_pass() -> None:
    assert turned_away({}, "Kable") is None


@pytest.mark.parametrize("flag", ["all", "ALL", "aLL", " all ", "All"])
def test_all_counts_in_any_spelling(flag: str) -> None:
    """analytics-go and the docs of several libraries write it in small letters."""
    assert turned_away({"integrations": {flag: False}}, "Kable") == f"its integrations object says {flag}: false"
    assert turned_away({"integrations": {flag: True}}, "Kable") is None
    assert turned_away({"integrations": {flag: False, "Kable": True}}, "Kable") is None
    assert turned_away({"integrations": {flag: None, "Kable": False}}, "Kable") is not None
    with pytest.raises(RejectedError, match="should be"):
        turned_away({"integrations": {flag: "false"}}, "Kable")


@pytest.mark.parametrize("flags", [{"All": True, "all": False}, {"ALL": {}, "all": False}, {"all": False, "aLL": True}])
def test_spellings_that_contradict_each_other_are_rejected(flags: dict[str, Any]) -> None:
    with pytest.raises(RejectedError, match="contradict each other"):
        turned_away({"integrations": flags}, "Kable")
    assert turned_away({"integrations": {**flags, "Kable": True}}, "Kable") is None


def test_spellings_that_agree_are_one() -> None:
    assert turned_away({"integrations": {"All": False, "all": False}}, "Kable") is not None
    assert turned_away({"integrations": {"All": True, "all": {"a": 1}}}, "Kable") is None


@pytest.mark.parametrize("integrations", [False, True, 0, 1, "", "All", [1]])
def test_what_is_no_object_of_flags_is_not_billed(integrations: Any) -> None:
    """Also what is falsy: `"integrations": false` may be meant as `{"All": false}`."""
    (outcome,) = Destination(kable, SETTINGS).plan([track(integrations=integrations)]).outcomes
    assert outcome.status == "rejected"
    planner = Destination(kable, SETTINGS).planner()
    fed, flushed = planner.feed_texts([json.dumps(track(integrations=integrations)).encode()]), planner.flush()
    assert [item.status for item in fed.turned_down + flushed.turned_down] == ["rejected"]


@pytest.mark.parametrize("integrations", [None, {}, [], {"all": True}, {"ALL": {}}])
def test_events_that_may_pass_are_planned_from_objects_and_texts(integrations: Any) -> None:
    assert len(Destination(kable, SETTINGS).plan([track(integrations=integrations)]).requests) == 1
    planner = Destination(kable, SETTINGS).planner()
    planner.feed_texts([json.dumps(track(integrations=integrations)).encode()])
    assert len(planner.flush().requests) == 1


def test_a_flag_that_differs_in_capitals_only_has_no_effect_and_is_noticed() -> None:
    planner = Destination(kable, SETTINGS).planner()
    events = [track(0, integrations={"kable": False}), track(1, integrations={"KABLE": True, "All": True})]
    plan = planner.feed([*events, track(2, integrations={"Kable": True, "kable": False})])
    assert plan.misspelt_flags == {"kable", "KABLE"}
    assert [len(request.batch) for request in planner.flush().requests] == [3]
    assert planner.feed([track(4)]).misspelt_flags == frozenset()
    assert Destination(kable, SETTINGS).plan([track(integrations={"kable": False})]).misspelt_flags == {"kable"}

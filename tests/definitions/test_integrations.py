"""The integrations object decides whether an event may reach a destination, as Segment documents it."""

from typing import Any

import pytest

from kable_destination.definitions import RejectedError
from kable_destination.definitions.planning.integrations import turned_away


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

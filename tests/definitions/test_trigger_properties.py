"""Laws that hold for every trigger and every event."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kable_destination.definitions.errors import TriggerError
from kable_destination.definitions.trigger import compile_trigger

KEYS = ["a", "b", "length", "0", "and", "x y"]
SUBJECTS = [
    *("type", "event", "name", "userId", "properties.a", "traits.b", "context.a.b", "properties.a.length"),
    *("properties.a.\\0", "properties.\\and", "properties.x\\ y", "properties.a\\.b", "properties . a . b"),
]
TEXTS = st.text(st.characters(exclude_characters='"'), max_size=6) | st.sampled_from(["track", "5", "", "a"])
WORDS = st.sampled_from(["track", "null", "true", "false", "foo.bar", "a\\ b", "\\\"\\'", "\\5x"])
NUMBERS = st.integers() | st.decimals(allow_nan=False, allow_infinity=False, min_value=-9, max_value=9)
VALUES = (
    TEXTS.map('"{}"'.format) | WORDS | NUMBERS.map("{:f}".format) | st.sampled_from(["'it\"s'", "+5", "-.5", "007"])
)
SIGNS = st.sampled_from([" = ", " != ", " < ", " <= ", " > ", " >= ", "=", "!= ", "\n<\t"])
PATTERNS = st.sampled_from(['"a*"', '"*a"', '"tr*"', "'*5'"])

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["track", "a", "5", "null", "true", 5, 0])
)
VALUES_IN_EVENTS = st.recursive(
    SCALARS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(KEYS), children, max_size=4),
    max_leaves=8,
)
EVENTS = st.dictionaries(
    st.sampled_from(["type", "event", "name", "userId", "properties", "traits", "context"]), VALUES_IN_EVENTS
)


@st.composite
def conditions(draw: st.DrawFn) -> str:
    """Write one condition."""
    subject = draw(st.sampled_from(SUBJECTS))
    form = draw(st.sampled_from(["comparison", "comparison", "contains", "match"]))
    if form == "comparison" or subject == "type":
        value = draw(VALUES)
        is_refused = value == "null" and subject in {"type", "event"}
        return f"{subject}{draw(SIGNS)}{'null-' if is_refused else value}"
    argument = draw(VALUES if form == "contains" else PATTERNS)
    return f"{draw(st.sampled_from(['', '!']))}{form}({subject}, {argument})"


def _groups(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(parts.map("({})".format) | conditions(), min_size=1, max_size=3)
    return st.tuples(st.sampled_from([" and ", " or ", " "]), several).map(lambda drawn: drawn[0].join(drawn[1]))


TRIGGERS = st.recursive(conditions(), _groups, max_leaves=6)


@given(TRIGGERS, EVENTS)
def test_the_normal_form_is_the_same_trigger(fql: str, event: dict[str, Any]) -> None:
    """Compiling the normal form gives an equal trigger with the same normal form and the same answers."""
    trigger = compile_trigger(fql)
    again = compile_trigger(str(trigger))
    assert again == trigger
    assert hash(again) == hash(trigger)
    assert str(again) == str(trigger)
    assert again(event) is trigger(event)


@given(TRIGGERS, EVENTS)
def test_an_event_is_explained_exactly_when_it_does_not_match(fql: str, event: dict[str, Any]) -> None:
    """The answer is a boolean, the explanation agrees with it, and neither changes the event."""
    before = copy.deepcopy(event)
    trigger = compile_trigger(fql)
    answer = trigger(event)
    assert answer is trigger.matches(event)
    assert (trigger.explain(event) is None) is answer
    assert repr(event) == repr(before)


@given(TRIGGERS, EVENTS)
def test_the_deciding_conditions_are_parts_of_the_trigger_and_all_go_one_way(fql: str, event: dict[str, Any]) -> None:
    """Each is in the normal form, and is by itself true of the event if the trigger is, else false."""
    trigger = compile_trigger(fql)
    conditions = trigger.deciding(event)
    assert conditions
    for condition in conditions:
        assert condition in str(trigger)
        assert compile_trigger(condition)(event) is trigger(event)


@given(TRIGGERS, TRIGGERS, EVENTS)
def test_triggers_that_one_event_satisfies_overlap(one: str, other: str, event: dict[str, Any]) -> None:
    """That two triggers cannot overlap is only said when no event satisfies both."""
    first, second = compile_trigger(one), compile_trigger(other)
    assert first.may_overlap(second) is second.may_overlap(first)
    if first(event) and second(event):
        assert first.may_overlap(second)


@given(
    st.text(max_size=40) | st.lists(TRIGGERS | st.sampled_from(list("()!=<>\"'.,[]\\ \n5")), max_size=6).map("".join)
)
def test_any_text_compiles_or_is_refused_at_a_spot(source: str) -> None:
    """Whatever the text, there is a trigger, or an error with a spot in the text, short and printable."""
    caught: TriggerError | None = None
    try:
        trigger = compile_trigger(source)
    except TriggerError as error:
        caught = error
    if caught is None:
        assert compile_trigger(str(trigger)) == trigger
        return
    message = str(caught)
    assert 0 <= caught.position <= len(source)
    assert "^" in message
    assert len(message) < 1_500
    assert message.encode("utf-8")

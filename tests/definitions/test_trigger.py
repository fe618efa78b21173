"""Triggers: Segment's answers, and errors that a person can act on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kable_destination.definitions.errors import TriggerError
from kable_destination.definitions.trigger import compile_trigger

VECTORS = Path(__file__).parents[1] / "vectors" / "trigger.jsonl"
ROWS = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]
NEVER_NULL, NEEDS_A_SPACE = "is never null in FQL", "`<=` needs a space after it"
OVERRULED = {
    "f-type-7699fa24f6": NEVER_NULL,
    "f-event-name-21dd8c46fd": NEVER_NULL,
    "f-event-name-36daf77845": NEVER_NULL,
    "f-event-name-f5244ec7b3": NEVER_NULL,
    "f-event-name-c3c8ffc7d7": NEVER_NULL,
    "f-event-name-225e66fbdd": NEVER_NULL,
    "f-numbers-8d65a7b34b": NEEDS_A_SPACE,
}
"""Rows that a ruling overrides: `event = null` and `total <=50` are refused, since Segment reads something else.
In a published definition they get Segment's answer."""

TRACK = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u1",
    "properties": {"plan": "pro", "total": 50, "paid": True, "items": [{"sku": "a"}], "nothing": None, "blank": ""},
}


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_gives_segments_answer(row: dict[str, Any]) -> None:
    """Every vector holds: the recorded answer, or an error at compile time."""
    if not row["expected"]["ok"] or row["expected"].get("ruling") == "refuse":
        with pytest.raises(TriggerError):
            compile_trigger(row["fql"])
        return
    if row["id"] in OVERRULED:
        with pytest.raises(TriggerError, match=OVERRULED[row["id"]]):
            compile_trigger(row["fql"])
    trigger = compile_trigger(row["fql"], is_published=row["id"] in OVERRULED)
    assert trigger(row["event"]) is row["expected"]["output"]
    assert (trigger.explain(row["event"]) is None) is row["expected"]["output"]


@pytest.mark.parametrize(
    ("fql", "expected"),
    [
        ('((type = "track") and ((event = "X") or (userId = "u1" and properties.paid = true)))', True),
        ('type = "page" and (contains(event, "Order") or userId = "u1")', False),
        ("type = 'track' and match(event, 'Order*')", True),
        ('type = "track" event = "Other"', False),
        ("properties.items.\\0.sku = a", True),
        ("properties.items\\[0\\].sku = a", True),
        ("properties.items\\.0\\.sku = a", True),
        ("properties.plan.length = 3", True),
        ("properties.plan.\\1 = r", True),
        ("properties.plan.\\7 = null", True),
        ("properties.items.length > 0", True),
        ("properties.items.\\00 = null", True),
        ("properties.total.length = null", True),
        ("properties.nothing.deep = null", True),
        ("properties.blank.deep != null", True),
        ("properties.paid > 0", False),
        ("properties.paid != 5", False),
        ("properties.paid != true", True),
        ("properties.total > 49.99", True),
        ("properties.total <= -.5", False),
        ('properties.total < " 0x33 "', True),
        ('properties.total < "Infinity"', True),
        ("properties.total > false", True),
        ("event != Order\\ Completed", False),
        ("properties.__class__ != null", False),
    ],
)
def test_reads_what_a_person_means(fql: str, expected: bool) -> None:
    """Nested groups, both quotes, escaped paths, lengths and typed comparisons work."""
    assert compile_trigger(fql)(TRACK) is expected


def test_counts_texts_in_utf16_units() -> None:
    """A text's length and places are JavaScript's, in which an emoji is two."""
    event = {"properties": {"mood": "😀!"}}
    assert compile_trigger("properties.mood.length = 3")(event)
    assert compile_trigger("properties.mood.\\2 = '!'")(event)


@pytest.mark.parametrize("event", [None, [], "track", 5, True])
def test_what_is_not_an_object_matches_nothing(event: Any) -> None:
    assert compile_trigger('type != "track"')(event) is False


@pytest.mark.parametrize(
    ("fql", "normal"),
    [
        (" type='track'", 'type = "track"'),
        ('((type = "a" and (event = "b")) and userId = "c")', 'type = "a" and event = "b" and userId = "c"'),
        ('(type = "a" or type = "b") and event = c', '(type = "a" or type = "b") and event = "c"'),
        ('type = "a" type = "b"', 'type = "a" and type = "b"'),
        ("event = 'say \"hi\"'", "event = 'say \"hi\"'"),
        ("event = \\\"\\'", "event = \\\"\\'"),
        ("event = 'null'", 'event = "null"'),
        ("name = null", "name = null"),
        ("userId = 5.0", 'userId = "5"'),
        ("properties.paid != true", 'properties.paid != "true"'),
        ("properties.n = -.5", "properties.n = -0.5"),
        ("properties.n = 0.0000001", "properties.n = 0.0000001"),
        ("properties.n = 12345678901234567890", "properties.n = 12345678901234567890"),
        ('properties.n < "51"', "properties.n < 51"),
        ('properties.n < "EUR"', 'properties.n < "EUR"'),
        ("properties.a\\.b\\[0\\].\\and.x\\ y = 1", "properties.a.b.\\0.\\and.x\\ y = 1"),
        ("!match( event ,'*x' )", '!match(event, "*x")'),
        ("contains(event, 5)", 'contains(event, "5")'),
    ],
)
def test_normal_form(fql: str, normal: str) -> None:
    """`str` gives one spelling for all that ask the same, and compiling it gives an equal trigger."""
    trigger = compile_trigger(fql)
    assert str(trigger) == normal
    assert compile_trigger(normal) == trigger
    assert hash(compile_trigger(normal)) == hash(trigger)


@pytest.mark.parametrize(
    ("fql", "answer"),
    [
        ('type = "track", event = "Order Completed"', 'type = "track" and event = "Order Completed"'),
        ('(type = "track"), contains(event, "x")', 'type = "track" and contains(event, "x")'),
        ('type = "track" and event == "Cart Updated"', 'type = "track" and event = "="'),
        ('event == "A" or event =="B"', 'event = "=" or event = "="'),
        ("properties.n == 5", 'properties.n = "="'),
    ],
)
def test_a_published_definition_gets_segments_answer_for_what_a_user_may_not_write(fql: str, answer: str) -> None:
    with pytest.raises(TriggerError):
        compile_trigger(fql)
    assert str(compile_trigger(fql, is_published=True)) == answer


@pytest.mark.parametrize(
    ("fql", "message"),
    [
        ('type = "track", event = "A" or event = "B"', "`and` and `or` are mixed without parentheses"),
        ('type = "track",', "a condition is missing after `and`, found the end"),
        ('event == type = "track"', "`==` is not an operator"),
        ("event === 5", "expected a value after `==`, found `=`"),
    ],
)
def test_a_published_definition_may_not_hold_what_segment_takes_for_something_else(fql: str, message: str) -> None:
    with pytest.raises(TriggerError, match=re.escape(message)):
        compile_trigger(fql, is_published=True)


def test_triggers_differ_when_they_ask_differently() -> None:
    assert compile_trigger('userId = "5"') == compile_trigger("userId = 5")
    assert compile_trigger('properties.n = "5"') != compile_trigger("properties.n = 5")


def test_an_error_holds_the_trigger_and_the_spot() -> None:
    """The words of errors are pinned by docs/mistakes.md."""
    with pytest.raises(TriggerError) as caught:
        compile_trigger('type = "track"\nand !(event = "X")')
    assert (caught.value.source, caught.value.position) == ('type = "track"\nand !(event = "X")', 19)


@pytest.mark.parametrize(
    ("fql", "position", "phrase"),
    [
        ("", 0, "cannot be empty"),
        ("and", 0, "missing before `and`"),
        ('type = "a" and', 14, "missing after `and`"),
        ('type = "a" and and event = "b"', 15, "missing after `and`"),
        ('(type = "a"', 0, "never closed"),
        ('type = "a" and (', 15, "never closed"),
        ('type = "a")', 10, "closes nothing"),
        (")", 0, "closes nothing"),
        ("()", 1, "nothing between these parentheses"),
        ("type", 4, "expected an operator"),
        ('event in ["A"]', 6, "(event = "),
        ('type == "a"', 5, "Write = for that."),
        ("properties.n <> 5", 13, "Write != for that."),
        ("properties.n>5", 12, "Put a space before it."),
        ('type !="a"', 7, "must be followed by a space"),
        ('! type = "a"', 0, "`!` is allowed only"),
        ('!type = "a"', 0, "Compare with !="),
        ('!contain(event, "a")', 1, 'did you mean "contains"?'),
        ('not (type = "a")', 0, "there is no `not`"),
        ('type = "a" OR event = "b"', 11, "Write or"),
        ('type = "a" or(event = "b")', 11, "with a space after it"),
        ('type = "a" foo = "b"', 11, "expected `and`, `or` or the end"),
        ('type = "a" || event = "b"', 11, "the word or"),
        ('type = "a";', 10, "leave it out"),
        ('type = "a"\x0b\nand event = "b"', 10, "U+000B"),
        ("type = \u201ctrack\u201d", 7, "straight quotes"),
        ('event = "He said \\"hi\\""', 19, "single quotes"),
        ('type = "track', 7, "closing"),
        ("event = lower(x)", 8, "no function `lower`"),
        ("properties.n > 1e5", 16, "no exponent"),
        ("properties.n > 1.2.3", 15, "not a number"),
        ("properties.n > .5", 15, "0.5"),
        ("properties.n > " + "9" * 301, 15, "at most 300 digits"),
        ("properties.1st = 1", 11, ".\\1st"),
        ("properties.and = 1", 11, ".\\and"),
        ("properties..a = 1", 11, "expected a name after the dot"),
        ("properties.na\u00efve = 1", 13, "\\\u00ef"),
        ("properties.a[0] = 1", 12, "\\0"),
        ("properties != null", 0, "needs the name"),
        ("type.x = 1", 0, "has nothing in it"),
        ('contains(type, "a")', 9, "cannot ask about type"),
        ("contains(event)", 14, "expected `,`"),
        ('contains(event, "a", "b")', 19, "expected `)`"),
        ('match(event, "Order")', 13, 'event = "Order"'),
        ('match(event, "*")', 13, 'contains(event, "")'),
        ('match(event, "a*b")', 13, 'match(event, "a*") and match(event, "*b")'),
        ("match(event, 5)", 13, "in quotes"),
        ("type = \\", 7, "backslash"),
    ],
)
def test_a_broken_trigger_is_refused_where_it_breaks(fql: str, position: int, phrase: str) -> None:
    """The error points at the fault and says what to write."""
    with pytest.raises(TriggerError) as caught:
        compile_trigger(fql)
    assert caught.value.position == position
    assert phrase in str(caught.value)


@pytest.mark.parametrize(
    "fql",
    [
        'type = "a" or type = "b" and event = "c" and event = "d" or event = "e"',
        'type = "a" and (event = "b" or name = "c") or userId = "d"',
        'type = "a" or event = "b" userId = "c"',
        "!(properties.a = 5 and (properties.b < 5 or properties.c = true))",
        '!(contains(event, "a") or !match(event, "b*") or name != null)',
    ],
)
def test_every_rewrite_is_itself_accepted(fql: str) -> None:
    with pytest.raises(TriggerError) as caught:
        compile_trigger(fql)
    _, _, _, *advice = str(caught.value).splitlines()
    rewrites = [line.strip() for line in advice if line.startswith("  ")]
    assert rewrites
    for rewrite in rewrites:
        compile_trigger(rewrite)


@pytest.mark.parametrize(
    ("fql", "phrase"),
    [
        ("(" * 100_000 + 'type = "a"' + ")" * 100_000, "nested 100 deep at most"),
        ("(" * 101 + 'type = "a"' + ")" * 101, "nested 100 deep at most"),
        ("x" * 1_000_000, "at most 250000 characters"),
        (f'event = "{"x" * 100_000}"', "fewer than 100000 characters"),
        (f"event = {'x' * 100_000}", "fewer than 100000 characters"),
        ("properties" + ".a" * 60_000 + " = 1", "fewer than 100000 characters"),
        ("properties.n = " + "9" * 200_000, "at most 300 digits"),
        (" or ".join(['event = "a"'] * 5_000) + ' and type = "b"', "mixed"),
        ("!(" + " or ".join(['event = "a"'] * 5_000) + ")", "opposite"),
        ('type = "a" \ud800', "U+D800"),
    ],
    ids=["deep", "one too deep", "long", "text", "word", "path", "number", "mixed", "negated", "surrogate"],
)
def test_a_hostile_trigger_gets_a_short_error(fql: str, phrase: str) -> None:
    with pytest.raises(TriggerError) as caught:
        compile_trigger(fql)
    message = str(caught.value)
    assert phrase in message
    assert len(message) < 1_000
    assert message.encode("utf-8")


def test_parentheses_nest_to_the_documented_depth() -> None:
    fql = 'type = "track"'
    for level in range(100):
        fql = f'({fql}) {"and" if level % 2 else "or"} event = "{level}"'
    trigger = compile_trigger(fql)
    assert compile_trigger(str(trigger)) == trigger
    assert trigger(TRACK) is False
    assert trigger.explain(TRACK)


def test_a_caret_stays_under_its_spot_in_a_long_line() -> None:
    fql = 'event = "A" or ' * 40 + 'type ~ "track"' + ' or event = "A"' * 40
    with pytest.raises(TriggerError) as caught:
        compile_trigger(fql)
    _, line, caret = str(caught.value).splitlines()
    assert len(line) < 110
    assert line[caret.index("^")] == "~"


def test_a_hostile_event_is_answered() -> None:
    """Depth, size, giant numbers and lone surrogates neither raise nor enter an explanation whole."""
    deep: Any = "end"
    for _ in range(100_000):
        deep = {"a": deep}
    event = {
        "type": "x" * 10_000_000,
        "event": "\ud800",
        "properties": {"deep": deep, "big": 10**5_000, "list": [0] * 100_000},
    }
    for fql in (
        'type = "track"',
        'contains(event, "y")',
        f"properties.deep{'.a' * 40_000} = 1",
        "properties.big < 5.5",
        "properties.list = true",
    ):
        trigger = compile_trigger(fql)
        assert trigger(event) is False
        reason = trigger.explain(event)
        assert reason
        assert len(reason) < 300
        assert reason.encode("utf-8")


@pytest.mark.parametrize(
    ("fql", "reason"),
    [
        ('type = "track"', None),
        ('type = "page"', 'type = "page" is not so: the event\'s type is "track"'),
        (
            'type = "track" and event = "API Call"',
            'event = "API Call" is not so: the event\'s event is "Order Completed"',
        ),
        ("properties.seats != null", "properties.seats exists is not so: there is none"),
        ("properties.nothing != null", "properties.nothing exists is not so: it is null"),
        ("properties.plan = null", 'properties.plan = null is not so: the event\'s properties.plan is "pro"'),
        ("properties.plan > 5", 'properties.plan > 5 is not so: the event\'s properties.plan is "pro", not a number'),
        (
            "properties.total = '50'",
            'properties.total = "50" is not so: the event\'s properties.total is 50, not a text',
        ),
        (
            'type = "page" or type = "screen" or properties.items = true',
            (
                'type = "page" and type = "screen" are not so: the event\'s type is "track"; '
                "properties.items = true is not so: the event's properties.items is a list of 1 item, not a boolean"
            ),
        ),
    ],
)
def test_explains_what_decided_against_an_event(fql: str, reason: str | None) -> None:
    assert compile_trigger(fql).explain(TRACK) == reason


@pytest.mark.parametrize(
    ("fql", "conditions"),
    [
        ('type = "track" and event = "Other"', ('event = "Other"',)),
        ('type = "page" or type = "screen"', ('type = "page"', 'type = "screen"')),
        ('type = "page" or type = "track"', ('type = "track"',)),
        ('type = "track" and (event = "Other" or properties.total > 1)', ('type = "track"', "properties.total > 1")),
    ],
)
def test_names_the_conditions_that_decide_about_an_event(fql: str, conditions: tuple[str, ...]) -> None:
    assert compile_trigger(fql).deciding(TRACK) == conditions


def test_an_explanation_stays_short() -> None:
    fql = " or ".join(f"properties.field_{number % 50} = {number}" for number in range(500))
    reason = compile_trigger(fql).explain(TRACK)
    assert reason is not None
    assert reason.endswith("; nor are 470 more")
    long = compile_trigger(f'event = "{"x" * 5_000}"').explain({"event": "y" * 5_000})
    assert long is not None
    assert len(long) < 200


@pytest.mark.parametrize(
    "fql",
    ['type = "\ud800" or type = "a" and type = "b"', '!(type = "\ud800")', 'match(event, "\ud800")', "\ud800 = 1"],
)
def test_errors_can_be_printed_whatever_the_trigger_holds(fql: str) -> None:
    with pytest.raises(TriggerError) as caught:
        compile_trigger(fql)
    assert str(caught.value).encode()


@pytest.mark.parametrize("given", [None, 5, b"type"])
def test_a_trigger_is_a_text(given: Any) -> None:
    with pytest.raises(TriggerError, match="a trigger is a text"):
        compile_trigger(given)

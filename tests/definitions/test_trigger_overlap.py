"""Whether one event may satisfy two triggers."""

from __future__ import annotations

import pytest

from kable_destination.definitions.trigger import compile_trigger


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('type = "track"', 'type = "identify" and context.personas.computation_class != null'),
        ('type = "track" or type = "page"', 'type = "screen" or type = "group"'),
        ('type = "track" and event = "A"', 'type = "track" and event != "A"'),
        ('type = "track" and (event = "A" or event = "B")', 'type = "track" and !match(event, "*A") and event != "B"'),
        ("properties.a != null", "properties.a = null"),
        ("properties.a = true", "properties.a = false"),
        ("properties.a = true", "properties.a = 'true'"),
        ("properties.a = 5", "properties.a = '5'"),
        ("properties.a = 5", "properties.a = 6"),
        ("properties.a = 5", "properties.a != 5"),
        ("properties.a < 5", "properties.a >= 5"),
        ("properties.a <= 5", "properties.a > '5'"),
        ("properties.a > 100000000000000000001", "properties.a < 100000000000000000001"),
        ("properties.a < 'EUR'", "properties.a != null"),
        ('event = "Order"', 'contains(event, "x")'),
        ('event = "Order"', '!contains(event, "rd")'),
        ('match(event, "A*")', 'match(event, "B*")'),
        ('match(event, "*A")', 'match(event, "*B")'),
        ('match(event, "AB*")', '!match(event, "A*")'),
        ('match(event, "*AB")', '!match(event, "*B")'),
        ('match(event, "AB*")', '!contains(event, "B")'),
        ('contains(event, "AB")', '!contains(event, "B")'),
        ('contains(properties.a, "x")', "properties.a = null"),
        ('type = "track" and type = "page"', 'type = "track"'),
        (
            "type = 'track' and (" + " or ".join(f'event = "A{n}"' for n in range(250)) + ")",
            "type = 'track' and (" + " or ".join(f'event = "B{n}"' for n in range(250)) + ")",
        ),
    ],
)
def test_tells_that_no_event_satisfies_both(one: str, other: str) -> None:
    first, second = compile_trigger(one), compile_trigger(other)
    assert not first.may_overlap(second)
    assert not second.may_overlap(first)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('type = "track"', 'type = "track" and event = "A"'),
        ('type = "track"', 'event = "A"'),
        ('event != "A"', "properties.a = 5"),
        ('properties.a != "x"', "properties.a = null"),
        ("properties.a <= 5", "properties.a >= 5"),
        ("properties.a > 5", "properties.a < 5.000001"),
        ('match(event, "A*")', 'match(event, "AB*") and contains(event, "x") and match(event, "*C")'),
        ('contains(event, "A")', '!contains(event, "AB") and !match(event, "A*") and event != "A"'),
    ],
)
def test_tells_that_an_event_may_satisfy_both(one: str, other: str) -> None:
    first, second = compile_trigger(one), compile_trigger(other)
    assert first.may_overlap(second)
    assert second.may_overlap(first)


def test_overlap_is_assumed_where_it_is_too_costly_to_rule_out() -> None:
    fql = " and ".join(f"(properties.a{n} = 1 or properties.b{n} = 1)" for n in range(300))
    assert compile_trigger(f'{fql} and type = "a"').may_overlap(compile_trigger('type = "b"'))

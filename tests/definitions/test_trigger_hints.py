"""Triggers as people write them: what is meant is read where Segment reads it so, and else gets a hint that helps."""

from __future__ import annotations

import pytest

from kable_destination.definitions.errors import TriggerError
from kable_destination.definitions.trigger import compile_trigger


@pytest.mark.parametrize(
    ("fql", "advice"),
    [
        ('properties.first name = "x"', r"Write properties.first\ name."),
        ("properties.product 1.price = 5", r"Write properties.product\ 1.price."),
        ('contains(properties.first name, "x")', r"Write properties.first\ name."),
        ('match(traits.home page url, "http*")', r"Write traits.home\ page\ url."),
        ('type = "track" and context.device os version != "1"', r"Write context.device\ os\ version."),
        (r"properties.a\ b c > 5", r"Write properties.a\ b\ c."),
        ("properties.my list.0 item = 1", r"Write properties.my\ list.\0\ item."),
        ('type = "track", event = "A"', "Replace the comma with `and`"),
        ('(type = "track", event = "A")', "Replace the comma with `and`"),
        ('contains(event, "A"), type = "track"', "Replace the comma with `and`"),
        ("event = Order Completed", "A text of several words needs double quotes"),
        ('type = "track" OR type = "page"', "Write or, in small letters."),
        ('type = "track" Or (type = "page" and event = "A")', "Write or, in small letters."),
        ('userId = "u" and (type = "track" OR type = "page")', "Write or, in small letters."),
    ],
)
def test_what_people_write_gets_the_hint_that_helps(fql: str, advice: str) -> None:
    with pytest.raises(TriggerError) as error:
        compile_trigger(fql)
    assert advice in str(error.value)
    if advice.startswith("Write ") and "\\" in advice:
        name = advice.removeprefix("Write ").removesuffix(".")
        compile_trigger(f"{name} != null")


@pytest.mark.parametrize(
    ("fql", "normal"),
    [
        ('type = "track" AND event = "A"', 'type = "track" and event = "A"'),
        ('type = "track" And event = "A" and userId = "u"', 'type = "track" and event = "A" and userId = "u"'),
        ('type = "track" AND (event = "A" or event = "B")', 'type = "track" and (event = "A" or event = "B")'),
        ('type = "a" or type = "b" OR type = "c"', 'type = "a" or type = "b" or type = "c"'),
        ('type = "a" OR type = "b" or type = "c"', 'type = "a" or type = "b" or type = "c"'),
        ('type = "track"\r\nand event = "A"\r\n', 'type = "track" and event = "A"'),
        ('type\r=\r"track"\rand\rproperties.n >\r5\r', 'type = "track" and properties.n > 5'),
        ("properties.a . b = 5", "properties.a.b = 5"),
        ('\rtype = "track"', 'type = "track"'),
        ("properties.a != null\r", "properties.a != null"),
    ],
)
def test_capitals_and_carriage_returns_are_read_as_meant(fql: str, normal: str) -> None:
    assert str(compile_trigger(fql)) == normal


@pytest.mark.parametrize(
    "fql",
    [
        'type = "a" AND type = "b" or type = "c"',
        'type = "a" or type = "b" AND type = "c"',
        'type = "a" and type = "b" OR type = "c"',
        'AND type = "track"',
        'type = "track" AND',
        'type = "track" and AND event = "A"',
    ],
)
def test_capitals_that_segment_would_misread_are_refused(fql: str) -> None:
    with pytest.raises(TriggerError):
        compile_trigger(fql)

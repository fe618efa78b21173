"""@liquid answers as Segment's engine (liquidjs) does where python-liquid alone would not, or refuses in words."""

from __future__ import annotations

from typing import Any

import pytest

from kable_destination.definitions.errors import MappingError
from kable_destination.definitions.mapping import compile_mapping

EVENT: dict[str, Any] = {
    "name": "Ann",
    "count": 3,
    "no": False,
    "nothing": None,
    "limit": 9,
    "here": {"limit": 5, "if": "yes", "empty": "full", "not": "not so", "a b": "spaced"},
    "there": {"limit": 5, "if": "yes", "empty": "full", "not": "not so", "a b": "spaced"},
    "keys": {"true": "T", "1.5": "F", "null": "N", "": "E"},
    "list": [1, "two", {"key": {"true": 4}}, {"key": {"true": False}}],
}

ANSWERS = [
    ("{% if not no and not nope %}yes{% endif %}", "yes"),
    ("{% if not count == 3 or name %}yes{% endif %}", "yes"),
    ("{% if no and no or name %}yes{% else %}no{% endif %}", "no"),
    (r"{{ 'it\'s\t\u0041' }}{{ ']' | append: '[' }}", "it's\tA]["),
    ("{{ here.limit }}{{ here.if }}{{ here.empty }}{{ here.not }}{{ limit }}", "5yesfullnot so9"),
    ("{{ here['a b'] }}{{ list.1 }}{{ list.-1 }}{{ list[-3] }}", "spacedtwotwo"),
    ("{{ count == 3 }}{% assign some = count > 3 %}{{ some }}{% echo not some %}", "truefalsetrue"),
    ("{% if count > '2' and nothing <= 0 %}yes{% endif %}{% if nil <= 0 %}no{% endif %}", "yes"),
    ("{% if here == here %}same{% endif %}{% if here == there %}equal{% endif %}", "same"),
    ("{% if list contains true %}true{% endif %}{% if list contains 1 %}1{% endif %}", "1"),
    ("{{ nope | json }}|{{ nothing | json }}|{{ nil | json }}|{{ empty }}", "|null|{}|"),
    ("{{ list | where: 'key.true' | size }}{{ list | where: '[\"key\"].true', false | size }}", "11"),
    ("{{ no | default: 'x', allow_false: true }}{{ no | default: 'x' }}", "falsex"),
    ("{% increment count %}{% increment count %}{{ count }}{% decrement count %}{% decrement new %}", "3454-1"),
    ("{% cycle 'a', 'b' %}{% cycle 'c', 'd' %}{% cycle 1: 'a', 'b' %}{% cycle 0, 1, 2 %}", "ada"),
    ("{% liquid\n # note\n assign one = name\n\n if one\n echo one | upcase\n endif %}", "ANN"),
    ("{% block any %}{{ name }}{% endblock %}{% raw %}{{ name }}{% endraw %}", "Ann{{ name }}"),
    ("{% capture said %}{{ (1..count) }}{% endcapture %}{{ said | plus: 1 }}", "124"),
    ("{% unless no %}{{ 1.0 }}{% elsif name %}no{% endunless %}{{ 1.50 }}", "11.5"),
    ("{% capture 'said so' %}{{ name }}{% endcapture %}{{ ['said so'] }}", "Ann"),
    ('{% capture "name" %}Bob{% endcapture %}{{ name }}', "Bob"),
    ("{% echo %}{%echo%}{% if name %}{% echo -%} {% endif %}{{ name }}{% liquid\n echo\n echo count %}", "Ann3"),
    ("{% increment %}{% increment %}{% decrement %}{{ [''] }}", "0111"),
    ("{{ name | }}{{ count| }}{% echo name | upcase | %}{% assign some = 'b' | %}{{ some }}", "Ann3ANNb"),
    ("{% if name | size %}yes{% endif %}{% if no | default: true %}yes{% else %}no{% endif %}", "yesyes"),
    ("{% unless nothing | default: no %}yes{% endunless %}{% unless name | size | minus: 3 %}no{% endunless %}", "yes"),
    ("{% if no %}{% elsif count == 4 | default: 'x' | upcase %}yes{% endif %}", "yes"),
    ("{{ 'abc'.size }}{{ 'abc'[0] }}{{ \"abc\"['size'] | plus: 1 }}{{ 12.size }}{{ empty.size }}", "3a4"),
    ("{{ (1..count).size }}{{ (1..3)[1] }}{{ ((1..3).last..4).first }}{{ name | append: 'abc'.size }}", "323Ann3"),
    ("{% if 'abc'.size == count and not 'abc'.size == 4 %}yes{% endif %}{% cycle 'abc'.size, 1 %}", "yes3"),
    ("{{ '}}' }}{{- \"a}}-}}\" | append: '%}' -}}{{ 'it\\'s }}' }}", "}}a}}-}}%}it's }}"),
    ("{% raw %}{{ '}}' }}{% endraw %}{% comment %}{{ '}}' }}{% endcomment %} it's {{ '}}' }}", "{{ '}}' }} it's }}"),
    ("{{ '' | default: blank }}{{ name | append: empty }}{{ name | replace: 'A', blank }}", "Annnn"),
    ("{{ '' | default: empty | json }}{% if no | default: 1, allow_false: blank %}no{% endif %}", "{}"),
    ("{{ keys[true] }}{{ keys[ 1.5 ] }}{{ keys[nil] }}{{ keys[empty] }}{{ list[1.0] }}{{ [false] }}", "TFNEtwo"),
]


@pytest.mark.parametrize(("template", "text"), ANSWERS, ids=[template for template, _ in ANSWERS])
def test_a_template_makes_the_text_that_segment_makes(template: str, text: str) -> None:
    """The tokens, precedence, comparisons, counters and words are those of liquidjs."""
    assert compile_mapping({"out": {"@liquid": template}})(EVENT) == {"out": text}


REFUSED = [
    ("{{ name limit }}", 'expected an operator, a comma or | at "limit" (line 1, column 9)'),
    ("{{ here .limit }}", 'expected an operator, a comma or | at ".limit" (line 1, column 9)'),
    ("{% cycle 'a' 'b' %}", "expected an operator, a comma or | at \"'b'\" (line 1, column 14)"),
    ("{{ here. }}", "expected an identifier"),
    ("{{ here.! }}", 'expected a value at "!" (line 1, column 9)'),
    ("{{ 'a }}", 'a text has no closing quote (in a tag, write %} as \\u0025}) at "\'a" (line 1, column 4)'),
    ("{% echo '%}' %}", 'a text has no closing quote (in a tag, write %} as \\u0025}) at "\'" (line 1, column 9)'),
    ("{% capture name limit %}{% endcapture %}", 'expected an operator, a comma or | at "limit"'),
    ("{% increment 'a' %}", "expected an identifier"),
    ("{% if name | upcas %}{% endif %}", 'there is no filter "upcas"; did you mean "upcase"?'),
    ("{{ list['abc'.size] }}", "missing or unexpected path segment"),
    ("{{ " + "(" * 50 + "1" + "..2).size" * 50 + " }}", "at most 40 brackets"),
    ("{% if 1 < count < 5 %}{% endif %}", "compare two values at a time, and join comparisons with and"),
    ("{% if count <> 5 %}{% endif %}", "compare two values at a time"),
    ("{% if count == not no %}{% endif %}", "write not before the comparison (line 1, column 16)"),
    ("{% if (no or name) %}{% endif %}", "expected '..'"),
    ("{{ not }}", "expected a primitive expression"),
    ("{{ name | blank }}", 'there is no filter "blank"'),
    ("{{ name | append: }}", 'the filter "append" needs 1 argument'),
    ("{{ name | upcase: by: 1 }}", 'the filter "upcase" has no argument "by"'),
    ("{{ name | default: allow_false: true, 'x' }}", 'the argument "allow_false" of the filter "default" comes last'),
    ("{{ 'now' | date: '%Y' }}", '"now" asks for the time'),
    ("{% liquid\n echo name\n case name %}", 'the tag "case" is disabled in mappings (line 3, column 2)'),
    ("{% liquid if name\n echo name %}", "expected tag endif"),
    ("{% break %}", "belongs in a loop"),
    ("{% if name %}{% else name %}{% endif %}", "did you mean 'elsif'?"),
    ("{% if name %}{% else %}{% else %}{% endif %}", "expected tag endif"),
    ("{% if " + "not " * 50 + "name %}{% endif %}", "at most 40 brackets"),
    ("{% if " + "a or " * 150 + "name %}{% endif %}", "100 operators"),
]


@pytest.mark.parametrize(("template", "reason"), REFUSED, ids=[template[:40] for template, _ in REFUSED])
def test_what_would_be_misread_is_refused_with_the_reason(template: str, reason: str) -> None:
    """Neither is it passed over in silence, as Segment does, nor read in another way, as python-liquid would."""
    with pytest.raises(MappingError) as refused:
        compile_mapping({"out": {"@liquid": template}})
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("path", "reason"), [("first name", "the path of where: expected"), ("a." * 10_000, "more than 1,000 characters")]
)
def test_a_path_of_where_that_cannot_be_read_is_refused(path: str, reason: str) -> None:
    """The path may come from the event, so this is found when the mapping runs."""
    compiled = compile_mapping({"out": {"@liquid": "{{ list | where: name }}"}})
    with pytest.raises(MappingError, match=reason):
        compiled({"list": [1], "name": path})

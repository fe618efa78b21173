"""The work of a Liquid template is bounded by steps and characters, so that no event takes long, without a clock."""

from __future__ import annotations

from typing import Any

import pytest

from kable_destination.definitions import MappingError, compile_mapping

ITEMS = [{"id": number, "name": f"item {number}", "price": number / 7} for number in range(26_000)]
EVENT: dict[str, Any] = {
    "items": ITEMS,
    "text": "a,b c<d>&" * 130_000,
    "signs": "é😀 ,<" * 200_000,
    "numbers": list(range(160_000)),
    "floats": [number / 7 for number in range(90_000)],
    "keys": {f"key {number} {'x' * 40}": None for number in range(25_000)},
    "words": ["ab"] * 200_000,
}
HEAVY = [
    '{{ (1..4999999) | join: "," }}',
    '{{ (1..400000) | join: "," }}',
    "{{ items | json }}{{ items | json }}{{ items | json }}",
    "{{ items | json: 2 }}",
    "{{ keys | json }}{{ keys | json }}{{ keys | json }}",
    "{{ floats | json }}{{ floats | join }}{{ floats }}",
    "{{ numbers | compact | push: 1 | pop | shift | unshift: 2 | join }}",
    "{{ text | split: '' | join: '-' }}",
    "{{ signs | split: '' | size }}",
    "{{ text | slugify }}{{ signs | slugify }}",
    "{{ items | where: 'price' | json }}",
    "{{ numbers | join: text }}",
    "{% if items == items %}{% endif %}" * 25,
    "{{ text | upcase }}" * 40,
    "{% if numbers contains 5.5 %}{% endif %}" * 20,
    "{% capture a %}{{ text }}{% endcapture %}"
    + "{% capture a %}{{ a }}{{ a }}{% endcapture %}" * 15
    + "{{ a | upcase }}",
    "{{ signs.size }}" * 60,
    "{{ signs[900000] }}" * 50,
]


@pytest.mark.parametrize("template", HEAVY)
def test_a_heavy_template_is_refused_or_writes_no_more_than_allowed(template: str) -> None:
    render = compile_mapping({"f": {"@liquid": template}}).resolve
    try:
        rendered = render(EVENT)["f"]
    except MappingError as error:
        assert "the template would" in str(error)  # noqa: PT017 - it may also succeed
    else:
        assert len(rendered) <= 10_000_000


def test_what_ordinary_events_need_is_far_within_the_limits() -> None:
    """Segment takes events of 32 KiB at most; this is more than twenty times that."""
    event = {"properties": {"items": ITEMS[:12_000]}}
    template = "{{ properties.items | json }}"
    assert len(compile_mapping({"f": {"@liquid": template}})(event)["f"]) > 650_000


def test_the_same_event_gets_the_same_answer_on_every_machine() -> None:
    """The limits count work, not time."""
    render = compile_mapping({"f": {"@liquid": "{{ (1..250000) | size }}"}})
    assert render({}) == {"f": "250000"}
    with pytest.raises(MappingError, match="more than 500,000 elements"):
        compile_mapping({"f": {"@liquid": "{{ (1..500001) | size }}"}})({})

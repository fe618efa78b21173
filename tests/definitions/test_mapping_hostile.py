"""A hostile mapping or event gets a right answer or a documented error, in bounded time and space."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.definitions.errors import MappingError
from kable_destination.definitions.mapping import compile_mapping, describe_mapping
from kable_destination.definitions.mapping.limits import MAX_DEPTH, MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

DEPTH = 50_000
TEN_MEGABYTES = 10_000_000


def nested(wrap: Callable[[Any], Any], times: int, value: Any = 1) -> Any:
    """Wrap a value many times over."""
    for _ in range(times):
        value = wrap(value)
    return value


def in_object(value: Any) -> Any:
    return {"a": value}


def in_list(value: Any) -> Any:
    return [value]


DEEP = {"objects": nested(in_object, DEPTH), "lists": nested(in_list, DEPTH)}
FOUND = {"objects": {"@path": "$.objects"}, "lists": {"@path": "$.lists"}}


@pytest.mark.parametrize(
    "mapping",
    [nested(in_object, DEPTH), {"a": nested(in_list, DEPTH)}, nested(lambda value: {"@literal": value}, DEPTH)],
    ids=["objects", "lists", "directives"],
)
def test_a_mapping_of_any_depth_is_refused_with_the_limit(mapping: Any) -> None:
    """A mapping deeper than the limit is refused, and no depth overflows the stack."""
    with pytest.raises(MappingError, match=f"nests at most {MAX_DEPTH} levels deep"):
        compile_mapping(mapping)
    assert describe_mapping(mapping) == "a mapping that is not valid"


def test_a_mapping_at_the_limit_of_depth_compiles() -> None:
    """Conditions nested as deep as a mapping may be are compiled and run."""
    path = {"@path": "$.a"}
    levels = (MAX_DEPTH - 2) // 2
    mapping = nested(lambda then: {"@if": {"exists": path, "then": then, "else": path}}, levels, path)
    assert compile_mapping(mapping)({"a": "x"}) == "x"


def test_a_mapping_of_any_width_is_compiled_or_refused_with_the_limit() -> None:
    """A wide mapping works; a wider one than the limit is refused."""
    wide = {str(index): {"@path": f"$.k{index}"} for index in range(MAX_SIZE // 3)}
    assert compile_mapping(wide)({"k7": 1}) == {"7": 1}
    with pytest.raises(MappingError, match=f"at most {MAX_SIZE:,} values"):
        compile_mapping({str(index): 1 for index in range(MAX_SIZE)})


@pytest.mark.parametrize("kind", ["objects", "lists"])
def test_a_deep_event_is_passed_on_whole(kind: str) -> None:
    """Directives that look at no inside take a value of any depth."""
    found = FOUND[kind]
    mapping = {
        "path": found,
        "case": {"@case": {"operator": "upper", "value": found}},
        "if": {"@if": {"blank": found, "then": "filled"}},
        "text": {"@replace": {"pattern": "1", "value": found}},
    }
    result = compile_mapping(mapping)(DEEP)
    assert result["path"] is DEEP[kind]
    assert result["case"] is DEEP[kind]
    assert result["if"] == "filled"
    assert result["text"] == ""


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({"@json": {"mode": "encode", "value": FOUND["lists"]}}, "[" * DEPTH + "1" + "]" * DEPTH),
        ({"@json": {"mode": "encode", "value": FOUND["objects"]}}, '{"a":' * DEPTH + "1" + "}" * DEPTH),
        ({"@flatten": {"separator": ".", "value": FOUND["objects"]}}, {".".join("a" * DEPTH): 1}),
        ({"@flatten": {"separator": ".", "value": FOUND["lists"]}}, {".".join("0" * DEPTH): 1}),
        ({"@template": "<{{lists}}{{objects}}>"}, "<1[object Object]>"),
        ({"@liquid": "{{ lists }}{{ lists | join }}{% if lists == lists %}same{% endif %}"}, "11same"),
    ],
    ids=["json of lists", "json of objects", "flatten objects", "flatten lists", "template", "liquid"],
)
def test_a_deep_event_is_walked_to_its_end(mapping: Any, expected: Any) -> None:
    """Directives that walk a value walk it to any depth."""
    assert compile_mapping(mapping)(DEEP) == expected


@pytest.mark.parametrize("kind", ["objects", "lists"])
def test_nulls_and_undefined_are_taken_out_of_deep_values(kind: str) -> None:
    """Removing nulls and undefined values from a deep value does not overflow the stack."""
    made = {"found": [{"@path": "$.nope"}, FOUND[kind]]}
    mapping = {
        "nulls": {"@excludeWhenNull": FOUND[kind]},
        "undefined": {"@transform": {"apply": made, "mapping": {"@path": "$.found"}}},
    }
    result = compile_mapping(mapping)(DEEP)
    assert type(result["nulls"]) is type(DEEP[kind])
    assert result["undefined"][0] is None


def test_flattening_what_has_a_leaf_at_every_level_of_a_deep_value_is_refused() -> None:
    """The keys of such a value would be longer together than memory."""
    event = {"t": nested(lambda value: {"a": value, "b": 1}, DEPTH)}
    compiled = compile_mapping({"x": {"@flatten": {"separator": ".", "value": {"@path": "$.t"}}}})
    with pytest.raises(MappingError, match=r"x\.@flatten: .* longer than"):
        compiled(event)


def test_json_that_nests_too_deep_is_refused_and_other_text_comes_back() -> None:
    """Decoding never overflows the stack, whatever the text."""
    compiled = compile_mapping({"@json": {"mode": "decode", "value": {"@path": "$.v"}}})
    assert compiled({"v": "[" * 300 + "]" * 300}) == nested(in_list, 299, [])
    with pytest.raises(MappingError, match="more than 500 levels deep"):
        compiled({"v": "[" * DEPTH})
    for text in ('"' + "[" * TEN_MEGABYTES, '"' + "\\[" * 1_000_000):
        assert compiled({"v": text}) is text
    assert compiled({"v": "9" * TEN_MEGABYTES}) == float("inf")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pattern": "a", "replacement": "b"}, "b"),
        ({"pattern": "A", "replacement": "b", "ignorecase": True}, "b"),
        ({"pattern": "a", "replacement": "$&$&"}, "aa"),
        ({"pattern": "a"}, ""),
    ],
    ids=["plain", "any case", "doubled", "removed"],
)
def test_a_long_text_is_replaced_in(options: dict[str, Any], expected: str) -> None:
    """A million matches are replaced."""
    compiled = compile_mapping({"@replace": {**options, "value": {"@path": "$.v"}}})
    digest = hashlib.sha256(compiled({"v": "a" * 1_000_000}).encode()).digest()
    assert digest == hashlib.sha256(expected.encode() * 1_000_000).digest()


AT = {"@path": "$.v"}
PLACEHOLDERS = "{{x}}" * 8
GROWING = [
    ("rest of the text for each match", {"@replace": {"pattern": "a", "replacement": "$'$'", "value": AT}}),
    ("ten for one", {"@replace": {"pattern": "a", "replacement": "1234567890", "value": AT}}),
    ("many placeholders", {"@template": "{{v}}" * 40}),
    ("very many placeholders", {"@template": "{{v}}" * 100_000}),
    (
        "JSON of JSON",
        nested(lambda value: {"@json": {"mode": "encode", "value": value}}, 28, {"@template": '"{{v}}'}),
    ),
    ("Liquid that appends to itself", {"@liquid": "{% assign x = v %}" + "{% assign x = x | append: x %}" * 30}),
    (
        "Liquid that captures itself",
        {"@liquid": "{% assign x = v %}" + "{% capture x %}{{x}}{{x}}{% endcapture %}" * 20},
    ),
    ("Liquid that replaces each by all", {"@liquid": "{{ v | replace: 'a', v }}"}),
    ("Liquid that splits a long text", {"@liquid": "{{ v | split: '' | size }}"}),
    ("Liquid with a long range", {"@liquid": "{{ (1..99999999999) | size }}"}),
    ("Liquid with a wide date", {"@liquid": "{{ 0 | date: '%999999999Y' }}"}),
]


@pytest.mark.parametrize("mapping", [mapping for _, mapping in GROWING], ids=[name for name, _ in GROWING])
def test_text_that_would_grow_beyond_the_limit_is_refused(mapping: Any) -> None:
    """No combination of directives makes more text than the limit."""
    compiled = compile_mapping({"out": mapping})
    with pytest.raises(MappingError, match=r"characters|elements"):
        compiled({"v": "a" * TEN_MEGABYTES})


def test_text_that_a_mapping_multiplies_from_its_own_text_is_refused() -> None:
    """A template of a template of a template does not multiply beyond the limit."""
    step = {"x": {"@template": PLACEHOLDERS}}
    mapping = nested(lambda then: {"@transform": {"apply": step, "mapping": then}}, 15, {"@path": "$.x"})
    with pytest.raises(MappingError, match="longer than"):
        compile_mapping({"out": mapping})({"x": "abcdefgh"})


def test_values_that_a_mapping_multiplies_from_its_own_values_are_refused() -> None:
    """A mapping cannot repeat what it repeated until nobody can write it down."""
    ten = [{"@path": "$.b"}] * 10
    transform = nested(lambda then: {"@transform": {"apply": {"b": ten}, "mapping": then}}, 20, {"@path": "$."})
    shape = nested(lambda then: {"@arrayPath": [{"@literal": {"b": ten}}, then]}, 10, {"@path": "$."})
    for mapping in (transform, shape, {"@json": {"mode": "encode", "value": transform}}):
        with pytest.raises(MappingError, match="values to map again"):
            compile_mapping({"out": mapping})({"b": [1]})


@pytest.mark.parametrize(
    "text",
    ["{" * TEN_MEGABYTES, "{{" * 200_000 + "}}" * 200_000, "[" * TEN_MEGABYTES],
    ids=["braces", "empty pairs of braces", "brackets"],
)
def test_a_text_made_to_be_slow_to_read_is_read_as_a_path_or_template(text: str) -> None:
    """Reading takes time in proportion to the text."""
    mapping = {"template": {"@template": {"@path": "$.v"}}, "path": {"@path": {"@path": "$.v"}}}
    assert "path" not in compile_mapping(mapping)({"v": text})


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (10**5000, "Infinity"),
        (-(10**5000), "-Infinity"),
        (10**400, str(10**400)),
        (float("inf"), "Infinity"),
        (float("nan"), "NaN"),
        (1e308, "1e+308"),
    ],
    ids=["5000 digits", "-5000 digits", "400 digits", "infinity", "NaN", "1e308"],
)
def test_giant_numbers_are_written(number: float, text: str) -> None:
    """Numbers that Python declines to write, or that JSON does not have, are written as JavaScript does."""
    mapping = {
        "text": {"@template": "{{n}} and"},
        "json": {"@json": {"mode": "encode", "value": {"@path": "$.n"}}},
        "liquid": {"@liquid": "{{ n }}{{ n | times: n | round: 3 | date: '%Y' | size | minus: 4 }}"},
        "constant": number,
    }
    result = compile_mapping(mapping)({"n": number})
    assert result["text"] == f"{text} and"
    assert result["json"] == ("null" if text.strip("-") in {"Infinity", "NaN"} else text)
    assert result["liquid"].startswith(text)
    assert repr(type(result["constant"])) == repr(type(number))


def test_lone_surrogates_pass_through() -> None:
    """Half of a surrogate pair is text like any other, also as a key; JSON escapes it, URLs have no word for it."""
    half = "\ud800"
    mapping = {
        half: {"@path": f"$.{half}"},
        "case": {"@case": {"operator": "upper", "value": {"@path": f"$.{half}"}}},
        "replaced": {
            "@replace": {"pattern": half, "replacement": "x", "ignorecase": True, "value": {"@path": f"$.{half}"}}
        },
        "json": {"@json": {"mode": "encode", "value": {"@path": f"$.{half}"}}},
        "liquid": {"@liquid": "{{ s | size }}{{ s | json }}"},
    }
    event = {half: f"{half}a", "s": half}
    assert compile_mapping(mapping)(event) == {
        half: f"{half}a",
        "case": f"{half}A",
        "replaced": "xa",
        "json": '"\\ud800a"',
        "liquid": '1"\\ud800"',
    }
    with pytest.raises(MappingError, match="surrogate"):
        compile_mapping({"@liquid": "{{ s | url_encode }}"})(event)


@pytest.mark.parametrize(
    "name", ["__class__", "__dict__", "__proto__", "constructor", "prototype", "mro", "get", "keys", "append", "format"]
)
def test_names_of_python_and_javascript_are_keys_like_any_other(name: str) -> None:
    """No path reaches an attribute or a prototype."""
    mapping = {
        "path": {"@path": f"$.a.{name}"},
        "deeper": {"@path": f"$.s.{name}.x"},
        "template": {"@template": f"{{{{a.{name}}}}}"},
        "liquid": {"@liquid": f"{{{{ a.{name} }}}}{{{{ l.{name} }}}}{{{{ {name} }}}}"},
        name: {"@path": f"$.{name}"},
    }
    nothing = {"template": "", "liquid": ""}
    assert compile_mapping(mapping)({"a": {}, "s": "text", "l": []}) == nothing
    assert compile_mapping({"@path": f"$.{name}"})({name: 5}) == 5


@pytest.mark.parametrize(
    "template",
    ["{{ " + "(" * 500, "{{ a" + "[a" * 200 + "]" * 200 + " }}", "{% if a %}" * 40, "{%- " * 200, "{{ '" + "\\" * 900],
)
def test_a_liquid_template_made_to_break_the_parser_is_refused(template: str) -> None:
    """What cannot be read is refused in words, not with a stack overflow."""
    with pytest.raises(MappingError, match="@liquid"):
        compile_mapping({"x": {"@liquid": template}})


def test_values_that_are_not_json_are_refused_or_passed_over() -> None:
    """A mapping holds JSON only; in an event, what is not JSON is found out where it has to be written."""
    with pytest.raises(MappingError) as error:
        compile_mapping({"a": {1, 2}, "b": [object()], 3: 4})
    assert [problem.place for problem in error.value.problems] == ["", "a", "b[0]"]
    with pytest.raises(MappingError, match="the type set is not JSON"):
        compile_mapping({"@json": {"mode": "encode", "value": {"@path": "$.o"}}})({"o": {1}})


@pytest.mark.parametrize(
    "mapping",
    [
        {"\ud800": {"@Path": 1}},
        {"a": {"@\ud800": 1}},
        {"a": {"@json": {"mode": "\x1b[31m", "value": 1}}},
        {"a": {"@liquid": "{{ x | \ud800 }}"}},
    ],
)
def test_errors_can_be_printed_whatever_the_mapping_holds(mapping: Any) -> None:
    """Neither can they move the cursor of a terminal."""
    with pytest.raises(MappingError) as caught:
        compile_mapping(mapping)
    assert str(caught.value).isprintable()


def test_text_that_would_be_merged_character_by_character_is_bounded() -> None:
    merge = compile_mapping({"a": {"@merge": {"objects": [{"@path": "$.v"}], "direction": "left"}}})
    assert merge({"v": "ab"}) == {"a": {"0": "a", "1": "b"}}
    with pytest.raises(MappingError, match="2,000,000 is the most"):
        merge({"v": "a" * TEN_MEGABYTES})


@pytest.mark.parametrize(
    "template",
    [
        "{{ (1..v) | size }}",
        "{{ v | sum }}",
        "{{ v | split: '' | join: v }}",
        "{% if v contains v and v == v %}{{ v | size }}{% endif %}" * 10,
        "{{ v | slice: 1, 1e300 }}",
        "{{ v | round: 1e300 | plus: 1e308 | times: 1e308 }}",
    ],
)
@pytest.mark.parametrize("value", [10**400, -(10**400), 1e308, "9" * 400, [[0]] * 100_000])
def test_liquid_is_bounded_whatever_its_numbers(template: str, value: Any) -> None:
    """It makes text, or refuses with the documented error."""
    try:
        made = compile_mapping({"a": {"@liquid": template}})({"v": value})
    except MappingError:
        return
    assert isinstance(made["a"], str)


@pytest.mark.parametrize(("end", "size"), [("x", "0"), ("3", "3"), ([1], "1"), ({}, "0"), (None, "0")])
def test_a_range_to_what_is_no_number_is_empty(end: Any, size: str) -> None:
    """Segment's `+value` makes NaN of it, and no number lies below that."""
    assert compile_mapping({"a": {"@liquid": "{{ (1..v) | size }}"}})({"v": end}) == {"a": size}

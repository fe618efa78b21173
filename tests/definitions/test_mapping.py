"""The mapping kit gives Segment's answers, says all that is wrong with a mapping, and explains itself."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kable_destination.definitions.errors import MappingError
from kable_destination.definitions.mapping import compile_mapping, describe_mapping
from kable_destination.definitions.missing import MISSING

VECTORS = Path(__file__).parents[1] / "vectors" / "mapping.jsonl"
ROWS = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]
ABSENT = object()
OVERRULED = {"t-invalid-mapping-1fd3b29ac3"}
"""Rows that a ruling overrides: text that begins with `$.` is refused, also below a key like ` @path`."""


def without(value: Any, pointers: list[str]) -> Any:
    """Blank what JSON could not carry, so that the rest can be compared."""
    value = copy.deepcopy(value)
    for pointer in pointers:
        holder = value
        *way, last = pointer.split("/")[1:]
        for key in way:
            holder = holder[int(key) if isinstance(holder, list) else key]
        holder[int(last) if isinstance(holder, list) else last] = ABSENT
    return value


def same(left: Any, right: Any) -> bool:
    """Compare as JSON does: numbers by value, and true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_mapping_gives_the_answer_of_segment(row: dict[str, Any]) -> None:
    """A mapping gives Segment's answer to a payload, or refuses where Segment does, and changes neither."""
    mapping, payload, expected = row["mapping"], row.get("payload", {}), row["expected"]
    before = copy.deepcopy((mapping, payload))
    if expected["ok"] and row["id"] not in OVERRULED:
        output = compile_mapping(mapping)(payload)
        if expected.get("undefined"):
            assert output is MISSING
        else:
            lossy = [pointer for pointer, _ in expected.get("lossy", [])]
            assert same(without(output, lossy), without(expected["output"], lossy)), output
    else:
        with pytest.raises(MappingError):
            compile_mapping(mapping)(payload)
    assert (mapping, payload) == before


def places(error: pytest.ExceptionInfo[MappingError]) -> list[str]:
    return [problem.place for problem in error.value.problems]


def test_all_that_is_wrong_is_reported_at_once_with_its_place() -> None:
    """Every fault of a mapping is reported when it is compiled, also those within lists and options."""
    mapping = {
        "id": {"@Path": "$.messageId"},
        "data": {
            "items": [1, {}, {"@if": {"exists": {"@path": "$.a"}, "then": {"@path": 5}}}],
            "mixed": {"@path": "$.a", "b": 1},
        },
        "text": {"@json": {"mode": "ENCODE", "value": {"@template": None}}},
        "all": {"@merge": {"objects": [{"a": 1}, "b"], "direction": "LEFT"}},
    }
    with pytest.raises(MappingError) as error:
        compile_mapping(mapping)
    assert places(error) == [
        "id",
        "data.items[2].@if.then.@path",
        "data.mixed",
        "text.@json.value.@template",
        "text.@json.mode",
        "all.@merge.direction",
        "all.@merge.objects[1]",
    ]


def test_a_mapping_that_is_null_is_refused() -> None:
    """The absence of a mapping is no mapping."""
    with pytest.raises(MappingError, match="a mapping is an object, got null"):
        compile_mapping(None)


def test_a_template_works_on_an_object_where_there_is_nothing() -> None:
    """Within a list, what is undefined is an empty object to a template, as with Segment."""
    shape = {"t": {"@template": "{{.}}"}, "u": {"@template": "{{a}}"}}
    mapping = {
        "out": {"@arrayPath": [{"@if": {"exists": {"@path": "$.l"}, "then": [{"@path": "$.nope"}, "x"]}}, shape]}
    }
    assert compile_mapping(mapping)({"l": 1}) == {"out": [{"t": "[object Object]", "u": ""}, {"t": "x", "u": ""}]}


FAILING = [
    ({"out": {"@path": {"@path": "$.o"}}}, "out.@path: expected string, got object"),
    ({"out": {"@template": {"@path": "$.nope"}}}, "out.@template: expected string, got undefined"),
    (
        {"out": {"@case": {"operator": "Upper", "value": {"@path": "$.s"}}}},
        'out.@case: the operator is "lower" or "upper", but here it is "Upper"',
    ),
    (
        {"out": {"@arrayPath": ["$.l", {"@transform": {"apply": {"x": 1}, "mapping": {"@path": "$.x"}}}]}},
        "out.@arrayPath[1].@transform: @transform works on an object, but here its payload is number",
    ),
    (
        {"out": {"@liquid": "{{ s | url_decode }}"}},
        "out.@liquid: the text is not URL-encoded: a % in it does not begin a character",
    ),
    (
        {"out": {"@liquid": "{{ now | date: '%Y' }}"}},
        'out.@liquid: "now" asks for the time, and a mapping gives the same answer at any time',
    ),
]


@pytest.mark.parametrize(("mapping", "message"), FAILING, ids=[message[:40] for _, message in FAILING])
def test_a_value_that_a_directive_cannot_work_with_is_named_by_its_place(mapping: Any, message: str) -> None:
    """What fails on one event fails with the place of the directive in the mapping."""
    compiled = compile_mapping(mapping)
    with pytest.raises(MappingError) as error:
        compiled({"o": {"a": 1}, "s": "100%", "l": [1], "now": "now"})
    assert str(error.value) == message


@pytest.mark.parametrize("event", [None, 5, "text", [], True])
def test_an_event_is_an_object(event: Any) -> None:
    """Anything else than an object is refused, whatever the mapping."""
    with pytest.raises(MappingError, match="a mapping works on an event, which is an object"):
        compile_mapping({"a": 1})(event)


def test_a_value_cannot_smuggle_a_placeholder_into_a_template() -> None:
    """The braces in a value are text, where Segment fills the template a second time."""
    compiled = compile_mapping({"out": {"@template": "{{{name}}} {{name}}"}})
    assert compiled({"name": "{{secret}}", "secret": "s3cr3t"}) == {"out": "{{secret}} {{secret}}"}


def test_what_is_undefined_stays_inside_the_mapping_kit() -> None:
    """A missing value drops its key, is null in a list, and overwrites in @merge, as in Segment."""
    missing = {"@path": "$.nope"}
    mapping = {
        "gone": missing,
        "list": [missing, {"k": missing}],
        "merged": {"@merge": {"direction": "right", "objects": [{"a": 1, "b": 2}, {"a": missing}]}},
        "flat": {"@flatten": {"separator": ".", "value": {"x": [missing, 1]}}},
    }
    assert compile_mapping(mapping)({}) == {"list": [None, {}], "merged": {"b": 2}, "flat": {"x.1": 1}}
    assert compile_mapping(missing)({}) is MISSING


def test_calling_and_resolving_are_the_same() -> None:
    """The compiled mapping is a function; `resolve` is that function without a detour."""
    compiled = compile_mapping({"id": {"@path": "$.userId"}})
    assert compiled({"userId": "u"}) == compiled.resolve({"userId": "u"}) == {"id": "u"}


def test_a_mapping_that_was_given_is_kept_as_it_is() -> None:
    """The root directive is expanded without a trace in the mapping that was given."""
    mapping = {"__segment_internal_directive": {"@transform": {"apply": {"a": 1}}}, "x": {"@path": "$.a"}}
    before = copy.deepcopy(mapping)
    compiled = compile_mapping(mapping)
    assert compiled({}) == {"x": 1}
    assert compiled.mapping is mapping
    assert mapping == before


def test_the_constants_of_a_mapping_are_made_anew_for_every_event() -> None:
    """Who changes a result changes neither the mapping nor the next result."""
    mapping = {"tags": ["a", {"b": []}]}
    compiled = compile_mapping(mapping)
    first = compiled({})
    first["tags"][1]["b"].append("changed")
    assert compiled({}) == mapping == {"tags": ["a", {"b": []}]}


def test_the_source_can_be_read() -> None:
    """`source` is plain Python, with the texts of the mapping as literals only."""
    compiled = compile_mapping({"total": {"@path": "$.properties['total']"}, "x\n');import os#": {"@path": "$.a"}})
    assert (
        compiled.source
        == """\
def mapping(event):
    if type(event) is not dict and not isinstance(event, dict):
        raise not_an_object(event)
    v1 = event.get('properties', MISSING)
    v2 = v1.get('total', MISSING) if type(v1) is dict else step(v1, 'total')
    v3 = event.get('a', MISSING)
    v4 = {'total': v2, "x\\n');import os#": v3}
    if v2 is MISSING:
        del v4['total']
    if v3 is MISSING:
        del v4["x\\n');import os#"]
    return v4
"""
    )


def test_a_mapping_knows_which_paths_of_the_event_it_reads() -> None:
    """Each path is told once, also those within @merge and @transform, but not what is read from made values."""
    mapping = {
        "a": {"@path": "$.a.b[0]"},
        "b": {"@template": "{{ c }} {{{d.e}}} {{c}}"},
        "c": {"@if": {"blank": {"@path": "f"}, "then": 1, "else": {"@literal": {"@path": "$.g"}}}},
        "d": {"@merge": {"direction": "left", "objects": [{"@path": "$.h"}, {"x": {"@path": "$.i"}}]}},
        "e": {"@transform": {"apply": {"y": {"@path": "$.j"}}, "mapping": {"@path": "$.y"}}},
        "f": {"@arrayPath": ["$.k", {"z": {"@path": "$.l"}}]},
        "g": {"@liquid": "{% assign own = m.n %}{{ own | append: o[p] }}"},
    }
    expected = ("$.a.b.0", "$.c", "$.d.e", "$.f", "$.g", "$.h", "$.i", "$.j", "$.k", "$.m.n", "$.o", "$.p")
    assert tuple(sorted(compile_mapping(mapping).paths)) == expected
    assert compile_mapping({"@path": {"@path": "$.p"}}).paths == ("$.p", "$")


DESCRIBED = [
    ({"@path": "$.userId"}, "`$.userId`"),
    ({"@template": "Hi {{x}}"}, "the text “Hi {{x}}”"),
    ({"@literal": "usd"}, '"usd"'),
    (5, "5"),
    (
        {"@if": {"exists": {"@path": "$.a"}, "then": {"@path": "$.a"}, "else": {"@path": "$.b"}}},
        "`$.a` if it exists, else `$.b`",
    ),
    (
        {"@if": {"blank": {"@path": "$.a"}, "then": "yes"}},
        '"yes" if `$.a` is not blank, else nothing',
    ),
    ({"@case": {"operator": "upper", "value": {"@path": "$.c"}}}, "`$.c` in upper case"),
    ({"@json": {"mode": "encode", "value": {"@path": "$.c"}}}, "`$.c` as JSON text"),
    ({"@arrayPath": ["$.items"]}, "`$.items`"),
    ({"@liquid": "{{ a }}"}, "the Liquid template “{{ a }}”"),
    ({"a": {"@path": "$.b"}}, '{"a":{"@path":"$.b"}}'),
    ({"@nope": 1}, "a mapping that is not valid"),
]


@pytest.mark.parametrize(("mapping", "words"), DESCRIBED, ids=[words for _, words in DESCRIBED])
def test_a_mapping_is_told_in_plain_words(mapping: Any, words: str) -> None:
    """Docs and previews tell a mapping in words, or as JSON where words would not be plainer."""
    assert describe_mapping(mapping) == words


def test_python_liquid_is_imported_only_for_a_mapping_that_uses_it() -> None:
    """A mapping without @liquid does not wait for python-liquid."""
    code = (
        "import sys\n"
        "from kable_destination.definitions.mapping import compile_mapping\n"
        "compile_mapping({'a': {'@template': '{{b}}'}, 'c': {'@liquid': ''}})({}); assert 'liquid' not in sys.modules\n"
        "compile_mapping({'a': {'@liquid': '{{ b }}'}})({}); assert 'liquid' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""

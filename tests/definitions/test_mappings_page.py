"""The page about mappings: each example gives what the page says, and nothing that the code knows is left out."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from documentation import ROOT, Block, blocks, codes, sections
from kable_destination.definitions import compile_mapping, json_line
from kable_destination.definitions.mapping import limits
from kable_destination.definitions.mapping.directives import _WRITERS
from kable_destination.definitions.mapping.identifier_parts import (
    IDENTIFIER_LIQUID,
    IDENTIFIER_PART,
    IDENTIFIER_TEMPLATE,
)
from kable_destination.definitions.mapping.liquid import tokens
from kable_destination.definitions.mapping.liquid.dates import _CONVERSIONS
from kable_destination.definitions.mapping.liquid.filters import _DISABLED as DISABLED_FILTERS
from kable_destination.definitions.mapping.liquid.filters import FILTERS
from kable_destination.definitions.mapping.liquid.tags import _DISABLED as DISABLED_TAGS
from kable_destination.definitions.mapping.liquid.tags import TAGS
from kable_destination.definitions.mapping.replacing import MAX_PATTERN_LENGTH

PAGE = ROOT / "docs" / "mappings.md"
SECTIONS = {section.heading: section for section in sections(PAGE)}
BLOCKS = blocks(PAGE)
EVENT = json.loads(next(block.text for block in BLOCKS if block.role == "event"))
EXAMPLES = [
    (block, BLOCKS[at + 1]) for at, block in enumerate(BLOCKS) if block.role == "mapping"
]  # a result follows each mapping
DIRECTIVES = _WRITERS.keys() - {IDENTIFIER_LIQUID, IDENTIFIER_PART, IDENTIFIER_TEMPLATE}
INTERNAL_TAGS = {"content", "illegal", "output"}
"""Text, what is refused, and `{{ }}`: python-liquid has them as tags too."""


class Watched(dict[str, Any]):
    """The options of a directive, which note what they are asked for."""

    def __init__(self, options: dict[str, Any], asked: set[str]) -> None:
        super().__init__(options)
        self._asked = asked

    def __getitem__(self, key: str) -> Any:
        self._asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._asked.add(str(key))
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._asked.add(key)
        return super().get(key, default)


def watched(value: Any, asked: dict[str, set[str]], directive: str = "") -> Any:
    """Copy a mapping, so that the options of each directive in it note what they are asked for, by its name."""
    if isinstance(value, list):
        return [watched(item, asked) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {key: watched(item, asked, key if key.startswith("@") else "") for key, item in value.items()}
    is_options = directive and not any(key.startswith("@") for key in copy)
    return Watched(copy, asked.setdefault(directive, set())) if is_options else copy


@pytest.mark.parametrize(("mapping", "result"), EXAMPLES, ids=[str(block) for block, _ in EXAMPLES])
def test_a_mapping_gives_the_result_that_the_page_shows(mapping: Block, result: Block) -> None:
    assert result.role == "result", f"{mapping} has no result"
    assert json.loads(result.text) == sent(compile_mapping(json.loads(mapping.text))(EVENT))


def sent(value: Any) -> Any:
    """Return what is sent of a value: a list may hold what is missing."""
    return json.loads(json_line(value))


def test_every_directive_has_a_section_with_two_examples_and_a_line_in_the_list() -> None:
    listed = [codes(row[0])[0] for row in SECTIONS["Directives"].rows]
    assert sorted(listed) == sorted(DIRECTIVES)
    for name in DIRECTIVES:
        text = SECTIONS[name].text
        assert text.count("```json mapping") >= 2, name
        assert text.count("```json mapping") == text.count("```json result"), name


def test_every_option_that_the_code_asks_for_is_in_the_section_of_its_directive() -> None:
    """They come from the code itself: the examples are compiled with options that note what they are asked for."""
    asked: dict[str, set[str]] = {}
    for mapping, _ in EXAMPLES:
        compile_mapping(watched(json.loads(mapping.text), asked))
    assert {"exists", "blank", "then", "else"} <= asked["@if"]
    assert {"pattern2", "replacement2", "ignorecase", "global"} <= asked["@replace"]
    for name, options in asked.items():
        described = {code for row in SECTIONS[name].rows for code in codes(row[0])}
        assert options - described - {"__segment_internal_directive"} == set(), name


LIQUID_ROWS = [
    (row, codes(row[3])) for name, section in SECTIONS.items() if name.startswith(("Tags", "Filters on", "Conditions"))
    for row in section.rows
]  # fmt: skip


@pytest.mark.parametrize(("row", "output"), LIQUID_ROWS, ids=[row[0] for row, _ in LIQUID_ROWS])
def test_a_liquid_example_writes_what_the_page_shows(row: list[str], output: list[str]) -> None:
    (template,) = codes(row[2])
    assert [compile_mapping({"text": {"@liquid": template}})(EVENT)["text"]] == output
    for name in re.findall(r"\w+|#|[=!<>]+", " ".join(codes(row[0])).partition(":")[0]):
        assert name in template or name in {"elsif", "else", "!=", "<", "<=", ">", "or"}, name


def test_every_filter_is_there_with_its_arguments() -> None:
    described = {}
    for name, section in SECTIONS.items():
        if name.startswith("Filters on"):
            for row in section.rows:
                (signature,) = codes(row[0])
                filter_name, _, arguments = signature.partition(": ")
                described[filter_name] = len([argument for argument in arguments.split(", ") if argument])
    assert described == {name: filter_.known + len(filter_.named) for name, filter_ in FILTERS.items()}


def test_every_tag_is_there() -> None:
    described = {code for row in SECTIONS["Tags"].rows for code in codes(row[0])}
    names = {tag.name for tag in TAGS} - INTERNAL_TAGS
    assert described == names | {"elsif", "else", "raw"}


def test_what_is_disabled_is_named() -> None:
    refused = set(codes(SECTIONS["Filters that are refused"].text.replace("\n", " ")))
    assert refused == DISABLED_FILTERS | {"sample"}
    assert set(codes(SECTIONS["Tags"].text.replace("\n", " "))) >= DISABLED_TAGS


def test_every_sign_of_a_date_format_writes_what_the_page_shows() -> None:
    rows = SECTIONS["Date formats"].rows
    signs = [(sign, output) for row in rows for sign, output in zip(codes(row[0]), codes(row[2]), strict=bool(row[2]))]
    for sign, output in signs:
        assert compile_mapping({"text": {"@liquid": f"{{{{ timestamp | date: '{sign}' }}}}"}})(EVENT)["text"] == output
    assert {sign for row in rows for sign in codes(row[0])} == {f"%{sign}" for sign in _CONVERSIONS}


def test_the_limits_are_those_of_the_code() -> None:
    named = [value for name, value in vars(limits).items() if name.startswith("MAX_")]
    inner = [MAX_PATTERN_LENGTH, tokens._MAX_NESTED, tokens._MAX_OPERATORS]
    shown = [
        int(number.replace(",", "")) for row in SECTIONS["Limits"].rows for number in re.findall(r"[\d,]+", row[1])
    ]
    assert sorted(shown) == sorted([*named, *inner])

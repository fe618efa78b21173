"""The page about triggers: each example holds for what the page says, and nothing that the code knows is left out."""

from __future__ import annotations

import json
import re
import textwrap

import pytest

from documentation import ROOT, blocks, codes, sections
from kable_destination.definitions import TriggerError, compile_trigger
from kable_destination.definitions.trigger import grammar, lexer
from kable_destination.definitions.trigger.conditions import (
    FUNCTIONS,
    OBJECT_SUBJECTS,
    TEXT_SUBJECTS,
    Operator,
    conditions,
)

PAGE = ROOT / "docs" / "triggers.md"
SECTIONS = {section.heading: section for section in sections(PAGE)}
_WITH_EXAMPLES = 5
ROWS = [row for section in SECTIONS.values() for row in section.rows if len(row) == _WITH_EXAMPLES and "{" in row[3]]
EXAMPLES = [tuple(codes(cell)[0] for cell in row[2:]) for row in ROWS]


@pytest.mark.parametrize(("trigger", "holds_for", "not_for"), EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_a_trigger_holds_for_what_the_page_says(trigger: str, holds_for: str, not_for: str) -> None:
    compiled = compile_trigger(trigger)
    assert (compiled(json.loads(holds_for)), compiled(json.loads(not_for))) == (True, False)


def test_every_operator_and_function_is_shown() -> None:
    """The operators come from the compiled examples, so that each of them is really run."""
    shown = {condition.operator for example in EXAMPLES for condition in conditions(compile_trigger(example[0]).node)}
    assert shown == set(Operator)
    described = {code for row in SECTIONS["Functions"].rows for code in codes(row[0])}
    assert {code.lstrip("!").partition("(")[0] for code in described} == set(FUNCTIONS)


def test_every_subject_is_described() -> None:
    described = {codes(row[0])[0].partition(".")[0] for row in SECTIONS["What you can ask about"].rows}
    assert described == {*TEXT_SUBJECTS, *OBJECT_SUBJECTS}


def test_the_grammar_is_that_of_the_parser() -> None:
    lines = (grammar.__doc__ or "").splitlines()
    written = textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))
    (shown,) = [block.text for block in blocks(PAGE) if block.language == "text"]
    assert shown.strip() == written.strip()


def test_the_limits_are_those_of_the_code() -> None:
    after = SECTIONS["Grammar"].text.rpartition("```")[2]
    shown = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\d", after)]
    assert shown == [grammar.MAX_LENGTH, lexer.MAX_TEXT, lexer.MAX_DIGITS]
    assert f"up to {grammar.MAX_DEPTH} levels" in SECTIONS["Join conditions"].text


def _refused() -> list[str]:
    return [codes(row[0])[0] for row in SECTIONS["Differences from Segment"].rows if row[2].startswith("refused")]


@pytest.mark.parametrize("written", _refused())
def test_what_the_page_calls_refused_is_refused(written: str) -> None:
    letters = {letter: f'userId = "{letter}"' for letter in "ABC"}
    trigger = re.sub(r"(?<![\w\"'])[ABC](?![\w\"'])", lambda letter: letters[letter[0]], written)
    with pytest.raises(TriggerError):
        compile_trigger(trigger if "= " in trigger or "(" in trigger or trigger.endswith("=") else f"{trigger} = 1")

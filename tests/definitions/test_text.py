"""Texts and values of unknown size are shown on one line where that is asked for, bounded, and never raise."""

from __future__ import annotations

import json

import pytest

from kable_destination.definitions import indented_json, json_line, one_line, quoted, shortened, visible


@pytest.mark.parametrize("character", ["\x1b", "\x00", "\u202e", "\ud800", "\x85"])
def test_what_would_steer_a_terminal_is_escaped(character: str) -> None:
    for text in (visible(f"a{character}b"), quoted(f"a{character}b"), json_line({"k": f"a{character}b"})):
        assert text.isprintable()
        assert text.encode()


def test_line_breaks_stay_only_where_lines_are_shown() -> None:
    assert visible("a\nb") == "a\nb"
    assert visible("a\nb", keep_lines=False) == "a\\nb"
    assert one_line(" a\n\t b ") == "a b"


def test_a_text_is_cut_to_its_limit() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"


@pytest.mark.parametrize(
    "value", [float("nan"), object(), {1: {2}}, {(1, 2): 3}, "\ud800", b"bytes"], ids=lambda value: type(value).__name__
)
def test_json_for_people_never_fails(value: object) -> None:
    assert json_line(value)
    assert indented_json(value)


def test_json_for_people_holds_large_integers_exactly() -> None:
    assert json_line({"n": 2**70}) == f'{{"n":{2**70}}}'
    assert json.loads(indented_json({"n": 2**70})) == {"n": 2**70}

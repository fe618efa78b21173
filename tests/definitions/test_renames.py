"""Properties Mappings move properties, all at once, and never change what they are given."""

import copy
from typing import Any

import pytest

from kable_destination.definitions import SetupError
from kable_destination.definitions.planning.renames import compile_renames


@pytest.mark.parametrize(
    ("renames", "properties", "moved"),
    [
        pytest.param({"a": "x"}, {"a": 1, "b": 2}, {"x": 1, "b": 2}, id="a property moves"),
        pytest.param({"a": "x"}, {"b": 2}, {"b": 2}, id="a missing source moves nothing"),
        pytest.param({"a": "x"}, {"b": 2, "x": 3}, {"b": 2, "x": 3}, id="without a source the target passes through"),
        pytest.param({"a": "x"}, {"a": 1, "x": 3}, {"x": 1}, id="the mapped value wins"),
        pytest.param({"a": "x"}, {"x": 3, "a": 1}, {"x": 1}, id="the mapped value wins in any order"),
        pytest.param({"a": "x"}, {"a": None}, {"x": None}, id="null is a value"),
        pytest.param({"a.b": "x"}, {"a": {"b": 1, "c": 2}}, {"a": {"c": 2}, "x": 1}, id="dots lead into objects"),
        pytest.param({"a.b": "x"}, {"a": {"b": 1}}, {"x": 1}, id="an object left empty is dropped"),
        pytest.param({"a.b.c": "x"}, {"a": {"b": {"c": 1}}, "d": 2}, {"d": 2, "x": 1}, id="and so on upwards"),
        pytest.param({"a.b": "x"}, {"a": {}}, {"a": {}}, id="an object that was empty stays"),
        pytest.param({"a.b": "x"}, {"a.b": 1, "a": {"b": 2}}, {"x": 1, "a": {"b": 2}}, id="a literal name wins"),
        pytest.param({"a.b": "x"}, {"a": [{"b": 1}]}, {"a": [{"b": 1}]}, id="lists are not entered"),
        pytest.param({"a.b": "x"}, {"a": "text"}, {"a": "text"}, id="nor is text"),
        pytest.param({"a.b": "a"}, {"a": {"b": 1, "c": 2}}, {"a": 1}, id="a target may take its container's name"),
        pytest.param({"a": "x.y"}, {"a": 1}, {"x.y": 1}, id="the target is a literal key"),
        pytest.param({"a": "b", "b": "a"}, {"a": 1, "b": 2}, {"b": 1, "a": 2}, id="names can be exchanged"),
        pytest.param({"a": "b", "b": "c"}, {"a": 1, "b": 2}, {"b": 1, "c": 2}, id="a move takes nothing that moved"),
        pytest.param(
            {"a.b": "x", "a.c": "y"}, {"a": {"b": 1, "c": 2}}, {"x": 1, "y": 2}, id="two moves can empty an object"
        ),
        pytest.param({"a": "a"}, {"a": 1}, {"a": 1}, id="a name may stay"),
    ],
)
def test_moves(renames: dict[str, str], properties: dict[str, Any], moved: dict[str, Any]) -> None:
    before = copy.deepcopy(properties)
    assert compile_renames(renames)(properties) == moved
    assert properties == before


def test_a_renamed_property_keeps_its_place() -> None:
    moved = compile_renames({"b": "x"})({"a": 1, "b": 2, "c": 3})
    assert list(moved) == ["a", "x", "c"]


@pytest.mark.parametrize(
    ("renames", "word"),
    [
        ({"a": "x", "b": "x"}, "same target"),
        ({"a": "x", "a.b": "y"}, 'inside "a"'),
        ({"": "x"}, "name"),
        ({"a..b": "x"}, "dots"),
        ({"a": " "}, "no target"),
    ],
)
def test_renames_that_cannot_be_meant_are_refused(renames: dict[str, str], word: str) -> None:
    with pytest.raises(SetupError, match=word):
        compile_renames(renames)

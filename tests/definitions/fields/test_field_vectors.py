"""Field validation gives Segment's answers, which are recorded in `tests/vectors/fields.jsonl`."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from fields_under_test import fields_of
from kable_destination.definitions.errors import FieldsError, RejectedError

VECTORS = [
    json.loads(line) for line in (Path(__file__).parents[2] / "vectors" / "fields.jsonl").read_text().splitlines()
]


def same(left: Any, right: Any) -> bool:
    """Compare as JavaScript would: it has one number type, of double precision."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return float(left) == float(right)
    return bool(left == right)


def pointer(place: str) -> str:
    steps = place.replace("[", ".").replace("]", "").split(".") if place else []
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


@pytest.mark.parametrize("row", VECTORS, ids=[row["id"] for row in VECTORS])
def test_segments_answer_is_given(row: dict[str, Any]) -> None:
    payload = copy.deepcopy(row["payload"])
    try:
        output = fields_of(row["fields"])(payload)
    except FieldsError:
        assert row["expected"] == {"ok": False, "paths": []}
    except RejectedError as error:
        assert not row["expected"]["ok"]
        ours = {pointer(problem.place) for problem in error.problems if "is required" not in problem.message}
        # Segment names the parent of a missing field, and the object whose condition asked for it.
        missing = {
            pointer(problem.place).rpartition("/")[0] for problem in error.problems if "is required" in problem.message
        }
        asking = {""} if any(" when " in problem.message for problem in error.problems) else set()
        assert ours | missing | asking == {*row["expected"]["paths"]}
    else:
        assert row["expected"]["ok"]
        assert same(output, row["expected"]["output"])
    assert payload == row["payload"]

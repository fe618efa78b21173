"""An identifier is text or the digits of an integer, and is never guessed."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fields_under_test import one, rejection


@pytest.mark.parametrize(
    ("value", "identifier"),
    [("id-1", "id-1"), (" id ", " id "), (5, "5"), (-5, "-5"), (5.0, "5"), (2**53 - 1.0, "9007199254740991"),
     (9007199254740993, "9007199254740993"), ("5.0", "5.0")],
)  # fmt: skip
def test_an_identifier_is_text_or_the_digits_of_an_integer(value: Any, identifier: str) -> None:
    assert one(identifier=True, required=True)({"f": value}) == {"f": identifier}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "Fld is required, but it is missing or empty"),
        (None, "Fld is required, but it is missing or empty"),
        (" \t\u2003", "Fld is blank; an identifier must name something"),
        (True, "but it is the boolean true; map a field that holds the identifier itself"),
        (1.5, "but it is the number 1.5; map"),
        (2.0**53, "is the number 9007199254740992.0, which was not read exactly and may have lost digits; send the"),
        (["id"], "but it is an array of 1 item; map"),
        ({"id": "x"}, "but it is an object; map"),
        (math.nan, "but it is a number that is not finite; map"),
    ],
)
def test_an_identifier_is_never_guessed(value: Any, told: str) -> None:
    assert told in rejection(one(identifier=True, required=True), {"f": value})[0]

"""Secrets are masked by value, in every spelling in which they surface."""

import base64
from urllib.parse import quote

import pytest

from kable_destination.definitions import Redactor

SECRET = 'sk_test."odd"\\key/+=ü'  # noqa: S105 - of nobody


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"{SECRET}:".encode()).decode(),
        '"sk_test.\\"odd\\"\\\\key/+=\\u00fc"',
    ],
)
def test_a_text_is_masked(spelling: str) -> None:
    shown = Redactor([SECRET]).text(f"before {spelling} after")
    assert spelling.strip('"=') not in shown
    assert shown.startswith("before")
    assert shown.endswith("after")


def test_values_are_masked_at_every_depth_and_left_as_they_were() -> None:
    value = {"a": [SECRET, {SECRET: 1}], "b": 2.5, "c": None}
    assert Redactor([SECRET]).value(value) == {"a": ["••••••••", {"••••••••": 1}], "b": 2.5, "c": None}
    assert value["a"] == [SECRET, {SECRET: 1}]


def test_what_is_too_short_to_be_a_secret_is_left_alone() -> None:
    assert Redactor(["abc", ""]).text("abc") == "abc"


def test_what_is_nested_too_deep_is_refused() -> None:
    value: list[object] = []
    for _ in range(10_000):
        value = [value]
    with pytest.raises(ValueError, match="deeper"):
        Redactor([SECRET]).value(value)

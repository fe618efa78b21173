"""Secrets are masked by value, in every spelling in which they surface."""

import base64
import re
from urllib.parse import quote

import pytest

from kable_destination.definitions import Redactor

SECRET = 'sk_test."odd"\\key/+=ü'  # noqa: S105 - of nobody


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        re.sub("%..", lambda found: found[0].lower(), quote(SECRET)),
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


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "somebody:"])
def test_a_secret_is_masked_within_base64_of_more(before: str) -> None:
    """As in Basic credentials, whatever stands before it and after it."""
    encoded = base64.b64encode(f"{before}{SECRET}and more".encode()).decode()
    shown = Redactor([SECRET]).text(encoded)
    assert "••••••••" in shown
    kept = shown.split("••••••••")
    assert sum(map(len, kept)) <= len(base64.b64encode(f"{before}and more".encode())) + 4


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

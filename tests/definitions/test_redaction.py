"""Secrets are masked by value, in every spelling in which they surface."""

import base64
import html
import json
import random
import re
from urllib.parse import quote

import pytest

from kable_destination.definitions import Redactor

SECRET = 'sk_test."odd"\\key/+=ü'  # noqa: S105 - of nobody
FULLY_ENCODED = "".join(f"%{byte:02X}" for byte in SECRET.encode())


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
        json.dumps(SECRET).replace("/", "\\/"),
        json.dumps(json.dumps(SECRET)),
        "".join(f"\\\\u{ord(char):04X}" for char in SECRET),
        quote(quote(SECRET, safe="")),
        FULLY_ENCODED,
        FULLY_ENCODED.lower(),
        html.escape(SECRET),
        "".join(f"&#{ord(char)};" for char in SECRET),
        "".join(f"&#x{ord(char):X};" for char in SECRET),
        repr(SECRET.encode())[2:-1],
        base64.b64encode(quote(SECRET).encode()).decode(),
        base64.b64encode(quote(SECRET, safe="").encode()).decode(),
        quote(base64.b64encode(SECRET.encode()).decode(), safe=""),
    ],
    ids=lambda spelling: spelling[:24],
)
def test_a_text_is_masked(spelling: str) -> None:
    shown = Redactor([SECRET]).text(f"before {spelling} after")
    assert shown.strip('"\\=').removeprefix("before ").removesuffix(" after").strip('"\\=%3D') == "••••••••"


@pytest.mark.parametrize("seed", range(50))
def test_a_mixture_of_spellings_is_masked(seed: int) -> None:
    """As when one program escapes some of the characters, and the next one others."""
    choose = random.Random(seed)  # noqa: S311 - no secret comes of it
    spelling = "".join(choose.choice(_spellings(char)) for char in SECRET)
    assert Redactor([SECRET]).text(f"<{spelling}>") == "<••••••••>"


def _spellings(char: str) -> list[str]:
    return [char, quote(char, safe=""), json.dumps(char)[1:-1], html.escape(char), f"\\u{ord(char):04x}"]


@pytest.mark.parametrize("run", ["\\", "%25", "&#0", "&#x0", "s", "sk_test.", SECRET[:-1]])
def test_no_text_takes_long_to_search(run: str) -> None:
    """A search that went over such runs again from each of their places would take hours."""
    text = run * 200_000
    assert Redactor([SECRET]).text(text) == text


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

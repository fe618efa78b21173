"""Removes secrets from everything that is shown or kept: by value, wherever they are."""

from __future__ import annotations

import base64
import html
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK = "••••••••"
_SHORTEST = 4
_MAX_DEPTH = 254
"""The most levels of a body that can be sent. A walk deeper than this could exceed the recursion limit of Python."""
_ESCAPED_BY_BACKSLASH = frozenset("\"'\\/")
_LAST_ASCII = 0x7F
_MOST_BACKSLASHES = 3
"""JSON within JSON has this many before a quotation mark. The bound keeps the search fast on any text."""


def _patterns(secret: str) -> set[str]:
    """Write the forms in which a secret may surface, the secret itself in any mixture of escapes first.

    Base64 is that of the secret, or of its URL-encoded forms, alone or in the midst of more, and may be in a URL again.
    """
    raw = secret.encode("utf-8", "surrogatepass")
    forms = {raw, *(form.encode("ascii") for form in _urls(secret))}
    encoded = {text for form in forms for text in (*_base64(form), *_within_base64(form))}
    return {_any_spelling(secret), *map(_base64_pattern, encoded)}


def _urls(secret: str) -> Iterator[str]:
    yield quote(secret, errors="replace")
    yield quote(secret, safe="", errors="replace")
    yield quote_plus(secret, errors="replace")


def _base64(raw: bytes) -> Iterator[str]:
    """Encode a form by itself, and as the user's name of Basic credentials, without what only fills the end."""
    for form in (raw, raw + b":"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(form).decode("ascii").rstrip("=")


def _within_base64(raw: bytes) -> Iterator[str]:
    """Yield what base64 makes of a form in the midst of other text, such as a user's name and a colon before it.

    Three bytes become four characters, so there are three ways; those characters that others have a part in are left.
    """
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + raw).decode("ascii")[first:last]


def _base64_pattern(text: str) -> str:
    return "".join(char if char.isalnum() else f"(?:{re.escape(char)}|{_percent(char)})" for char in text)


def _any_spelling(secret: str) -> str:
    return "".join(f"(?:{'|'.join(_spellings(char))})" for char in secret)


def _spellings(char: str) -> Iterator[str]:
    """Write each way to spell a character: as it is, in JSON, in a URL (perhaps twice), in HTML, in a Python text."""
    itself = re.escape(char)
    yield f"\\\\{{0,{_MOST_BACKSLASHES}}}{itself}" if char in _ESCAPED_BY_BACKSLASH else itself
    yield _percent(char)
    if char == " ":
        yield r"\+"
    units = char.encode("utf-16-be", "surrogatepass").hex()
    yield "".join(_backslash(f"u{units[at : at + 4]}") for at in range(0, len(units), 4))
    if ord(char) > _LAST_ASCII:
        yield "".join(_backslash(f"x{byte:02x}") for byte in char.encode("utf-8", "surrogatepass"))
    number = f"{ord(char)}|[xX]0*{_any_case(f'{ord(char):x}')}"
    yield f"&#0*(?:{number});"
    named = html.escape(char)
    if named != char:
        yield re.escape(named)


def _percent(char: str) -> str:
    """Write a character as a URL may: each byte in capitals or not, and the sign itself encoded again or not."""
    return "".join(f"%(?:25){{0,2}}{_any_case(f'{byte:02x}')}" for byte in char.encode("utf-8", "surrogatepass"))


def _backslash(escape: str) -> str:
    return f"\\\\{{1,{_MOST_BACKSLASHES}}}{escape[0]}{_any_case(escape[1:])}"


def _any_case(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


class Redactor:
    """Replaces every occurrence of the given secrets by a mask.

    A secret of fewer than four characters looks like ordinary text and is not masked.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= _SHORTEST}
        longest_first = sorted({form for secret in known for form in _patterns(secret)}, key=len, reverse=True)
        self._pattern = re.compile("|".join(longest_first)) if longest_first else None

    def text(self, text: str) -> str:
        """Mask the secrets in a text."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def value(self, value: Any) -> Any:
        """Mask the secrets in every text of a JSON value, keys included; the value itself is left as it is.

        Raises ValueError for a value that is nested deeper than 254 levels.
        """
        return value if self._pattern is None else self._walk(value, _MAX_DEPTH)

    def _walk(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, dict | list | tuple):
            return value
        if depth == 0:
            raise ValueError(f"the value is nested deeper than {_MAX_DEPTH} levels")
        if isinstance(value, dict):
            return {self.text(str(key)): self._walk(item, depth - 1) for key, item in value.items()}
        return [self._walk(item, depth - 1) for item in value]

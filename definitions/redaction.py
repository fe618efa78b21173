"""Secrets, taken out of everything that is shown or kept: by value, wherever they stand."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "••••••••"
_SHORTEST = 4
_MAX_DEPTH = 200


def _spellings(secret: str) -> set[str]:
    """Give the forms in which a secret may surface: as it is, in JSON, URL-encoded, and base64 (Basic credentials)."""
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = {base64.b64encode(form) for form in (raw, raw + b":")}
    encoded |= {base64.urlsafe_b64encode(form) for form in (raw, raw + b":")}
    texts = {form.decode("ascii").rstrip("=") for form in encoded} | _within_base64(raw)
    escaped = json.dumps(secret)[1:-1]
    urls = {
        quote(secret, errors="replace"),
        quote(secret, safe="", errors="replace"),
        quote_plus(secret, errors="replace"),
    }
    return {secret, escaped, *urls, *texts}


def _pattern_of(spelling: str) -> str:
    """Write the pattern of a form; what is URL-encoded may be so in capitals or not."""
    return re.sub(r"%([0-9A-F]{2})", r"%(?i:\1)", re.escape(spelling))


def _within_base64(raw: bytes) -> set[str]:
    """Give what base64 makes of a secret in the midst of other text, such as a user's name and a colon before it.

    Three bytes become four characters, so there are three ways; those characters that others have a part in are left.
    """
    texts = set()
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            texts.add(encode(bytes(before) + raw).decode("ascii")[first:last])
    return texts


class Redactor:
    """Replaces every occurrence of the given secrets by a mask.

    A secret of fewer than four characters cannot be told from ordinary text and is left alone.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = {form for secret in secrets if len(secret) >= _SHORTEST for form in _spellings(secret)}
        longest_first = sorted(spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern_of, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """Mask the secrets in a text."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def value(self, value: Any) -> Any:
        """Mask the secrets in every text of a JSON value, keys included; the value itself is left as it is.

        Raises ValueError for a value that is nested deeper than 200 levels.
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

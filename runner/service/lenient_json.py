"""JSON objects as SDKs really write them: with `NaN`, and with half of a surrogate pair in a text."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

import msgspec
from msgspec import Raw

Members = dict[str, Raw]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What JavaScript and Python write for numbers that JSON does not have. Strings are matched to be passed over, also one
# without an end: otherwise each quotation mark in it would be tried, in quadratic time.
_WORD_OR_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|-?(?P<word>NaN|Infinity)', re.DOTALL)
# A whole pair and every other escape are matched to be passed over.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_MAY_BE_HALF = re.compile(rb"\\u[dD][89a-fA-F]")

_read_members = msgspec.json.Decoder(Members).decode


@dataclass(frozen=True, slots=True)
class LenientObject:
    """The members of a JSON object as raw text; `restored` returns what was made of them as the sender wrote it."""

    members: Members
    mark: bytes = b""

    def restored(self, text: bytes) -> bytes:
        """Return a text with halves of surrogate pairs as they were sent."""
        return text.replace(self.mark, b"\\") if self.mark else text


def read_object(body: bytes) -> LenientObject:
    """Read a JSON object. `NaN`, `Infinity` and `-Infinity` are null.

    Half of a surrogate pair spoils only the event that it is in: it is hidden while the body is divided into events.
    Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        return LenientObject(_read_members(body))
    except msgspec.DecodeError:
        # By chance, so no text that somebody sends can be taken for a hidden one.
        mark = rb"\\" + secrets.token_hex(8).encode()

        def hide(found: re.Match[bytes]) -> bytes:
            return found[0] if found["half"] is None else mark + found["half"]

        def replace(found: re.Match[bytes]) -> bytes:
            if found["word"] is not None:
                return b"null"
            return _ESCAPE.sub(hide, found[0]) if _MAY_BE_HALF.search(found[0]) else found[0]

        return LenientObject(_read_members(_WORD_OR_TEXT.sub(replace, body)), mark)

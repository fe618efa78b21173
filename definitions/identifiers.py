"""What an identifier may be: text that names something, or an integer, sent as its digits."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from .text import described, quoted

MAX_SAFE_INTEGER: Final = 2**53 - 1
_MAX_BITS = 10_000

PLACEHOLDERS: Final = frozenset({
    "undefined", "null", "NULL", "None", "nil", "<nil>", "<null>", "(null)", "(nil)", "NaN", "nan", "[object Object]",
    "[object Undefined]", "[object Null]", "%!s(<nil>)", "%!v(<nil>)", "%!d(<nil>)", "<no value>", "<NA>", "\\N",
    "Optional(nil)", "00000000-0000-0000-0000-000000000000",
})  # fmt: skip
"""What programs print when they have no value, or print an object: never an identifier, unless the field allows it."""

_LONGEST_READ = 1_000
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
# Letters and marks that print nothing: fillers, joiners, variation selectors and the blank of Braille.
_INVISIBLE = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing: no characters, or only spaces, controls and other invisible ones."""
    if text.isascii():
        return not text.strip() or all(unicodedata.category(character) in _INVISIBLE_CATEGORIES for character in text)
    return all(unicodedata.category(sign) in _INVISIBLE_CATEGORIES or _INVISIBLE.match(sign) for sign in text)


def is_placeholder(text: str) -> bool:
    """Return whether a text is what programs print for no value, apart from spaces around it and what shows nothing."""
    if text in PLACEHOLDERS or text.strip() in PLACEHOLDERS:
        return True
    # Without a limit, a text of megabytes would be looked at sign by sign.
    if len(text) > _LONGEST_READ or (text.isascii() and text.isprintable()):
        return False
    return "".join(sign for sign in text if sign == " " or not is_blank(sign)).strip() in PLACEHOLDERS


def identifier_text(value: Any, *, allows_placeholders: bool = False) -> str | None:
    """Return an identifier as text; None if the value is none."""
    if isinstance(value, str):
        is_wanted = not is_blank(value) and (allows_placeholders or not is_placeholder(value))
        return value if is_wanted else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if value.bit_length() <= _MAX_BITS else None
    is_exact = isinstance(value, float) and value.is_integer() and abs(value) <= MAX_SAFE_INTEGER
    return str(int(value)) if is_exact else None


def identifier_fault(value: Any) -> str:
    """Say why a value is not an identifier, as the end of a sentence."""
    if isinstance(value, str):
        if is_blank(value):
            return "is blank; an identifier must name something"
        return f"is {quoted(value)}, which programs print when there is no value; an identifier must name something"
    if isinstance(value, float) and value.is_integer():
        return (
            f"is {described(value, secret=False)}, which was not read exactly and may have lost digits; "
            "send the identifier as text"
        )
    found = described(value, secret=False)
    return f"must be text or a whole number, but it is {found}; map a field that holds the identifier itself"

"""The trait that an audience sends: its name in snake case.

Segment's documentation says that the trait is the snake_cased name, and that the key can be set. How Engage makes it is
not public. Segment's own library for this is (segmentio/go-snakecase), so its result is used: ASCII letters and digits
stay, a capital after a small letter or a digit begins a word, and everything else separates words. It drops letters of
other scripts. A key without them would be a guess, so such a name needs a key that you give.
"""

from __future__ import annotations

import re
import unicodedata

MOST_CHARACTERS = 200
"""No name and no key is longer."""

_WORD = re.compile(r"[A-Z0-9]+[a-z0-9]*|[a-z0-9]+")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Emoji are joined and coloured by these.
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")


def snake_case(name: str) -> str:
    """Return a name in snake case, as Segment's library makes it; empty if nothing of it is left."""
    return "_".join(_WORD.findall(name)).lower()


def key_of(name: str) -> str:
    """Return the key that a name gives. Raises ValueError with what is wrong, and what to do."""
    lost = sorted({sign for sign in name if not sign.isascii() and unicodedata.category(sign)[0] in "LMN"} - _JOINERS)
    key = snake_case(name)
    if lost:
        makes = f"would send {key}" if key else "would send nothing"
        raise ValueError(
            f"has letters that snake case drops ({', '.join(lost[:5])}), so Segment's own library {makes}; give the "
            "trait with --key"
        )
    if not key:
        raise ValueError("has no letter and no digit that a trait can be made of; give the trait with --key")
    return key


def name_fault(name: str) -> str | None:
    """Return what is wrong with a name or a key, if anything is."""
    if not name.strip():
        return "is blank"
    if len(name) > MOST_CHARACTERS:
        return f"has {len(name):,} characters; at most {MOST_CHARACTERS} are allowed"
    if any(unicodedata.category(sign) in _UNSEEN and sign not in _JOINERS for sign in name):
        return "holds characters that cannot be seen"
    return None

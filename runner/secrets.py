"""Secrets at rest: what is stored of them is encrypted, and can be opened with any of several keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Opened:
    """What was encrypted, and whether with the newest key."""

    content: bytes = field(repr=False)
    is_newest: bool


class Keyring:
    """Keys of Fernet, the newest first: it encrypts, all of them decrypt. Raises ValueError for a malformed key."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._newest = Fernet(keys[0])
        self._older = MultiFernet([Fernet(key) for key in keys[1:]]) if keys[1:] else None

    def encrypt(self, content: bytes) -> bytes:
        """Return some content encrypted, and protected against changes. Equal contents look different each time."""
        return self._newest.encrypt(content)

    def decrypt(self, encrypted: bytes) -> Opened | None:
        """Return what was encrypted; None if no key opens it, or if somebody has changed it."""
        try:
            return Opened(self._newest.decrypt(encrypted), is_newest=True)
        except InvalidToken:
            if self._older is None:
                return None
        try:
            return Opened(self._older.decrypt(encrypted), is_newest=False)
        except InvalidToken:
            return None

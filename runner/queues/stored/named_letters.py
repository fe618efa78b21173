"""Dead letters by the names of their events, for engines in which a name is unique among all accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from .hashes import identity_of

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    from ..contract import DeadLetter


class LetterTable(Protocol):
    """The table of dead letters of an engine. Names and identities are hashes of 16 bytes."""

    def event(self, name: bytes, /) -> bytes | None:
        """Return the event of the dead letter whose identity is a name; None if it is not kept."""

    def add(self, letter: DeadLetter, identity: bytes, name: bytes | None, run: int, now: float, /) -> bool:
        """Store a dead letter, unless one with the same identity is stored; return whether it was stored."""

    def has_named(self, name: bytes, /) -> bool:
        """Return whether there is a dead letter with a name."""

    def delete_named(self, names: Collection[bytes], /) -> None:
        """Delete the dead letters with these names."""


class NamedLetters:
    """What operations ask of dead letters: the part of an engine's tables that needs no account."""

    _dead_letters: LetterTable

    def dead_event(self, account: str, name: Hashable) -> bytes | None:  # noqa: ARG002 - a name holds it
        """Return the event of the dead letter whose identity is that of a name; None if it is not kept."""
        return self._dead_letters.event(cast("bytes", name))

    def add_dead_letter(
        self, letter: DeadLetter, identity: Hashable, name: Hashable | None, run: int, now: float
    ) -> bool:
        """Store a dead letter, unless one with the same identity is stored; return whether it was stored."""
        return self._dead_letters.add(letter, cast("bytes", identity), cast("bytes | None", name), run, now)

    def identity(self, *parts: str | bytes | int) -> bytes:
        """Return the identity of a dead letter, made of its parts."""
        return identity_of(*parts)

    def name_identity(self, account: str, name: Hashable) -> Hashable:  # noqa: ARG002 - a name holds it
        """Return the name: it is unique among all accounts."""
        return name

    def has_named(self, account: str, name: Hashable) -> bool:  # noqa: ARG002 - a name holds it
        """Return whether an account has a dead letter with a name."""
        return self._dead_letters.has_named(cast("bytes", name))

    def delete_named(self, account: str, names: Collection[Hashable]) -> None:  # noqa: ARG002 - a name holds it
        """Delete the dead letters of an account with these names."""
        self._dead_letters.delete_named(cast("Collection[bytes]", names))

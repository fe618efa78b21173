"""Topics with the events of several accounts: a header of each message names the account that its events belong to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .address import KafkaAddress

_MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Chooses the messages of one account by a header, which has its `name`.

    `known` are the names of all accounts: each reader leaves the messages of the others out. A message of none of them
    is lost to all, so one reader keeps it as a dead letter (`keeps_strangers`).
    """

    header: str
    name: str
    known: frozenset[str]
    keeps_strangers: bool

    def takes(self, headers: Sequence[tuple[str, str | bytes | None]] | None) -> bool | str:
        """Return whether a message is of this account; or what is wrong with it, for the reader that keeps it."""
        named = {_text(value) for name, value in headers or () if name == self.header}
        if len(named) == 1 and named <= self.known:
            return self.name in named
        if not self.keeps_strangers:
            return False
        if not named:
            return f'the message has no header "{self.header}", which names the account'
        shown = ", ".join(sorted(named))[:_MOST_SHOWN]
        return f'the header "{self.header}" does not name one account of the configuration: {shown}'


def of_account(address: KafkaAddress, name: str) -> KafkaAddress:
    """Return the address as one account reads it: each has a group of its own, since each reads all partitions."""
    return replace(address, group=f"{address.group}.{name}") if address.group else address


def _text(value: str | bytes | None) -> str:
    return value if isinstance(value, str) else (value or b"").decode(errors="replace")

"""What a store of objects does: it lists a page, and reads a range of one version of an object."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from ..contract import ReplacedError, SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence


LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts of this machine, to which nothing needs to be encrypted."""


MOST_TEXT = 300
"""How many letters of a store's answer an error shows."""

_BUSY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object: its key, its version (such as an ETag or a generation), and its bytes as stored."""

    key: str
    version: str
    size: int


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """Objects, and where the next page begins (`following`): after a key; None after the last page.

    Objects are in the order of their keys then. A store that continues no list at a key gives a token instead, which
    only the store itself reads.
    """

    objects: Sequence[StoredObject]
    following: str | None
    is_token: bool = False


class ObjectStore(Protocol):
    """One bucket. Its methods wait, so they are called in threads.

    They raise BusyError if the same call may work later, ReplacedError if the object is another one by now,
    RemovedError if there is none under the key, ExpiredError if the store must be opened again, and SourceError for all
    else.
    """

    def list_page(self, prefix: str, after: str) -> ObjectPage:
        """Return objects whose keys begin with a prefix, from where the page before says; empty for the first page."""

    def find(self, key: str) -> StoredObject:
        """Return an object as it is now."""

    def read_range(self, stored: StoredObject, start: int, stop: int) -> bytes:
        """Return some bytes of that version of an object, `stop` excluded."""


class BusyError(SourceError):
    """The store, or the way to it, is too busy or broken: try again. `delay` is how many seconds the store asks for."""

    def __init__(self, message: str, delay: float = 0.0) -> None:
        super().__init__(message)
        self.delay = delay


class ExpiredError(BusyError):
    """The credentials have expired. A store that is opened again asks for new ones."""


class RemovedError(ReplacedError):
    """There is no such object any more."""

    def __init__(self, message: str = "was removed while it was read") -> None:
        super().__init__(message)


def is_busy(status: int) -> bool:
    """Return whether the same call may work later, as a status of a store says; 0 if there was no answer."""
    return not status or status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR

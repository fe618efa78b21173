"""A store whose calls are repeated until they work: each page and each range by itself."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, TypeVar

from ..contract import SourceError
from .contract import BusyError, ExpiredError, RemovedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .contract import ObjectPage, ObjectStore, StoredObject

ATTEMPTS = 9
"""How often a call is made: with the waits between them it takes about a minute until it fails."""

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 20.0
_ATTEMPTS_IF_REMOVED = 3
"""A store that is not consistent at once may list an object before it can be read."""

_Result = TypeVar("_Result")


class RetryingStore:
    """Opens a store when it is first used, and makes each of its calls again after a fault. Any thread may call it.

    It opens the store no sooner: some libraries start a thread, and a process that has threads must not be forked.
    """

    def __init__(self, open_store: Callable[[], ObjectStore]) -> None:
        self._open = open_store
        self._store: ObjectStore | None = None
        # Several objects are read at once, and one store is enough for them.
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def list_page(self, prefix: str, after: str) -> ObjectPage:
        """Return a page. An error never counts as the end of the list."""
        return self._called(lambda store: store.list_page(prefix, after))

    def find(self, key: str) -> StoredObject:
        """Return an object as it is now."""
        return self._called(lambda store: store.find(key))

    def read_range(self, stored: StoredObject, start: int, stop: int) -> bytes:
        """Return a range, whole."""
        return self._called(lambda store: _whole(store.read_range(stored, start, stop), stop - start))

    def stop(self) -> None:
        """Let no call wait any longer before it is made again."""
        self._stopped.set()

    def _called(self, call: Callable[[ObjectStore], _Result]) -> _Result:
        attempt, wait = 1, _FIRST_WAIT
        while True:
            store = self._opened()
            try:
                return call(store)
            except (BusyError, RemovedError) as error:
                most = ATTEMPTS if isinstance(error, BusyError) else _ATTEMPTS_IF_REMOVED
                if attempt >= most or self._stopped.is_set():
                    if isinstance(error, BusyError):
                        raise SourceError(f"cannot be read, after {attempt} attempts: {error}") from error
                    raise
                if isinstance(error, ExpiredError):
                    self._close(store)
                # Not all at the same moment: they were refused together.
                self._stopped.wait(max(getattr(error, "delay", 0.0), wait * random.uniform(0.5, 1.0)))  # noqa: S311
                attempt, wait = attempt + 1, min(2 * wait, _LONGEST_WAIT)

    def _opened(self) -> ObjectStore:
        with self._lock:
            if self._store is None:
                self._store = self._open()
            return self._store

    def _close(self, store: ObjectStore) -> None:
        with self._lock:
            if self._store is store:
                self._store = None


def _whole(data: bytes, size: int) -> bytes:
    """Return the bytes of a range. Raises BusyError if there are fewer: the connection ended early."""
    if len(data) != size:
        raise BusyError(f"{len(data):,} of {size:,} bytes came")
    return data

"""End what takes a while to end, such as a server, while the next tests run."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

T = TypeVar("T")


class Closing:
    """Ends contexts in threads; `finish` waits for all of them, and raises what one of them raised."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(thread_name_prefix="closing")
        self._closed: list[Future[bool | None]] = []

    @contextmanager
    def later(self, context: AbstractContextManager[T]) -> Iterator[T]:
        """Enter a context now, and leave it without waiting for its end."""
        value = context.__enter__()
        try:
            yield value
        finally:
            self._closed.append(self._threads.submit(context.__exit__, None, None, None))

    def finish(self) -> None:
        """Wait until everything has ended."""
        self._threads.shutdown()
        for closed in self._closed:
            closed.result()

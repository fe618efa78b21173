"""The queue that the page looks at: that of this process, or an outbox that another process may be using."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from ....definitions import SetupError
from ...outbox import opened_queue, outbox_may_exist, outbox_name
from ...queues.contract import QueueOpenError
from .messages import PageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ...configuration.delivery_options import DeliveryOptions
    from ...delivery.clock import Clock
    from ...queues.contract import Queue


class WatchedQueue(Protocol):
    """A queue to look at, and to change where a person asks for that. `name` is how to name it to people."""

    @property
    def name(self) -> str:
        """The name for people, without what may be a password."""

    def opened(self, *, read_only: bool = True) -> contextlib.AbstractAsyncContextManager[Queue]:
        """Open it. Raises PageError if there is none, or if it cannot be opened."""


@contextlib.contextmanager
def _usable() -> Iterator[None]:
    """Turn damage that only shows when a row is read into an answer: the queue could be opened."""
    try:
        yield
    except QueueOpenError as error:
        told = str(error)
        raise PageError(409, "outbox_unusable", f"{told[:1].upper()}{told[1:]}.") from None


class OwnQueue:
    """The queue of this process, which is open for as long as the process runs."""

    def __init__(self, queue: Queue, options: DeliveryOptions) -> None:
        self._queue = queue
        self.name = outbox_name(options) if options.outbox else "memory"

    @contextlib.asynccontextmanager
    async def opened(self, *, read_only: bool = True) -> AsyncIterator[Queue]:  # noqa: ARG002 - it is open already
        """Return the queue."""
        with _usable():
            yield self._queue


class FoundOutbox:
    """An outbox that may be there. It is opened for each look, so no other process has to wait for this one."""

    def __init__(self, options: DeliveryOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self.name = outbox_name(options) if options.outbox else "none"

    @contextlib.asynccontextmanager
    async def opened(self, *, read_only: bool = True) -> AsyncIterator[Queue]:
        """Open the outbox if it exists: to look at one must not make it. Raises PageError."""
        if not self._options.outbox:
            raise PageError(404, "no_outbox", "The outbox is turned off, so there is nothing to watch.")
        if not outbox_may_exist(self._options):
            advice = f"There is no outbox {self.name} yet. The commands deliver and serve make it."
            raise PageError(404, "no_outbox", advice)
        async with contextlib.AsyncExitStack() as stack:
            try:
                opening = opened_queue(self._options, self._clock, create=False, read_only=read_only)
                queue = await stack.enter_async_context(opening)
            except SetupError as error:
                told = "; ".join(problem.message for problem in error.problems)
                raise PageError(409, "outbox_unusable", f"The outbox {self.name} cannot be opened: {told}.") from None
            with _usable():
                yield queue

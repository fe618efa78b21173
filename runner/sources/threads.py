"""Calls that wait for a disk or a network, in threads that keep no program from ending."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")


def in_thread(call: Callable[[], _Result]) -> asyncio.Future[_Result]:
    """Make a call in a thread of its own; return its result, or what it raises, as a future.

    The threads of asyncio are waited for when the program ends, and a store may not answer for a minute.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Result] = loop.create_future()

    def run() -> None:
        try:
            done = partial(future.set_result, call())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
            done = partial(future.set_exception, error)
        # The loop is closed if nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if future.done() else done())

    threading.Thread(target=run, name="list files", daemon=True).start()
    return future

"""The event loop of a command that sends: uvloop's where it is installed (the extra `fast`), Python's own elsewhere."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


def run_in_loop(program: Coroutine[Any, Any, T]) -> T:
    """Run a program on a loop of its own, as `asyncio.run` does, and return its result."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(program)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes a loop of uvloop; None if it is not installed, which asyncio takes for a loop of its own."""
    if None in {sys.stdin, sys.stdout, sys.stderr}:
        # Python has none for a descriptor that was closed when it began. A socket gets its number then, and libuv
        # aborts the program instead of closing one of these numbers.
        return None
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    return uvloop.new_event_loop

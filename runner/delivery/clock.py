"""Time as the runner sees it: one interface, so tests need not wait."""

from __future__ import annotations

import asyncio
import functools
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the runner needs of time."""

    def monotonic(self) -> float:
        """Return the seconds since some moment; they never go back."""

    def now(self) -> datetime:
        """Return the time, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds."""


class SystemClock:
    """The machine's own clock."""

    monotonic = staticmethod(time.monotonic)
    now = staticmethod(functools.partial(datetime.now, UTC))
    sleep = staticmethod(asyncio.sleep)

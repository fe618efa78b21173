"""The limiter in front of the transport: requests in flight and requests a second, fewer when the server is busy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock


class Limiter:
    """Bounds the requests of one lane: `most` in flight, `rate` a second (None: any).

    A server that is busy (429, 503) halves what may be in flight, and each success brings a part of it back. `paused`
    is told for how many seconds such a server is left alone.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        most: int,
        rate: float | None = None,
        paused: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._paused = paused
        self._most = float(most)
        self._allowed = float(most)
        self._interval = 0.0 if rate is None else 1.0 / rate
        self._next_at = clock.monotonic()
        self._paused_until = clock.monotonic()
        self._in_flight = 0
        self._freed = asyncio.Event()

    @property
    def allowed(self) -> int:
        """How many requests may be in flight by now."""
        return int(self._allowed)

    @property
    def pause(self) -> float:
        """For how many seconds nothing may be sent."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    def try_acquire(self) -> bool:
        """Take the right to send a request, if it can be had at once."""
        now = self._clock.monotonic()
        if max(self._paused_until, self._next_at) > now or self._in_flight >= self.allowed:
            return False
        self._in_flight += 1
        self._next_at = now + self._interval
        return True

    async def change(self) -> None:
        """Wait until it may be possible to send a request."""
        wait = max(self._paused_until, self._next_at) - self._clock.monotonic()
        if wait > 0:
            await self._clock.sleep(wait)
        elif self._in_flight >= self.allowed:
            # Otherwise it is possible by now: this may begin later than it was asked for.
            self._freed.clear()
            await self._freed.wait()

    def release(self) -> None:
        """Say that a request has ended."""
        self._in_flight -= 1
        self._freed.set()

    def speed_up(self) -> None:
        """Say that a request was a success."""
        self._allowed = min(self._most, self._allowed + 1 / self._allowed)
        self._freed.set()

    def slow_down(self, seconds: float) -> None:
        """Say that the server is busy, and leave it alone for so long."""
        self._allowed = max(1.0, self._allowed / 2)
        if seconds > self.pause:
            self.keep_pause(seconds)
            self._paused(seconds)

    def keep_pause(self, seconds: float) -> None:
        """Send nothing for so long, at least."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

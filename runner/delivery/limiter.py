"""The limiter of a lane: requests in flight and requests per second, adapted to what the server can take."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .found_rate import FoundRate

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock

FIRST_IN_FLIGHT = 2

_LEAST_RESPONSES = 5
_HELPED = 0.9
_SLOWER = 2.0
_NOISE_SECONDS = 0.1
_SHORT_TERM = 0.2
_LESS = 0.75
_NEWS_SECONDS = 0.25
"""If less is left of a pause that the queue knows, this process has kept it already."""


class Limiter:
    """Bounds the requests of one lane: at most `most` in flight and `rate` a second (None: any number).

    Within these bounds it adapts. It starts with few requests in flight and doubles them with every round of good
    responses until something slows down; from then on it adds one per round. A busy server (429, 503) halves them and
    bounds the requests per second below what got through, to one in ten seconds at least; what was sent before the
    server said so, and is refused after that, changes nothing more. Responses that take more than twice their usual
    time, and 100 ms more than that, take away a quarter, for as long as that makes them quicker. While responses stay
    good, both grow again.
    """

    def __init__(self, clock: Clock, *, most: int, rate: float | None = None) -> None:
        now = clock.monotonic()
        self._clock = clock
        self._paused: Callable[[float], None] = lambda _: None
        self._changed: Callable[[int, float | None], None] = lambda _in_flight, _per_second: None
        self._most = float(most)
        self._allowed = float(min(most, FIRST_IN_FLIGHT))
        self._is_starting = True
        self._most_per_second = self._most_of_all = rate
        self._found = FoundRate(now)
        self._next_at = now
        self._paused_until = now
        self._in_flight = 0
        self._freed = asyncio.Event()
        self._latency = _Latency()

    def watch(self, paused: Callable[[float], None], changed: Callable[[int, float | None], None]) -> None:
        """Call `paused` with the seconds for which a busy server is left alone, and `changed` with both bounds."""
        self._paused, self._changed = paused, changed

    def share(self, processes: int) -> None:
        """Divide the most requests a second among a number of processes."""
        self._most_per_second = None if self._most_of_all is None else self._most_of_all / processes

    @property
    def allowed(self) -> int:
        """How many requests may be in flight now."""
        return int(self._allowed)

    @property
    def per_second(self) -> float | None:
        """How many requests may be sent per second now; None means any number."""
        return min(
            (bound for bound in (self._found.per_second, self._most_per_second) if bound is not None), default=None
        )

    @property
    def pause(self) -> float:
        """For how many seconds nothing may be sent."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    def try_acquire(self) -> bool:
        """Take the right to send a request, if it can be had at once."""
        now = self._clock.monotonic()
        if max(self._paused_until, self._next_at) > now or self._in_flight >= int(self._allowed):
            return False
        self._in_flight += 1
        rate = self.per_second
        if rate is not None:
            self._next_at = now + 1.0 / rate
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

    def release(self, seconds: float | None = None) -> None:
        """Note that a request has ended: well, after so many seconds, or not (None)."""
        self._in_flight -= 1
        if seconds is not None:
            self._note_good(seconds)
        self._freed.set()

    def slow_down(self, seconds: float, *, asked: float = 0.0) -> None:
        """Send less, since a request failed; a server that is busy is left alone for so many seconds (0: it is not).

        `asked` is what the server itself asked for. Only that makes a pause longer for what was sent before it.
        """
        pause = self.pause
        if seconds and pause:
            seconds = asked
        else:
            self._allowed = max(1.0, self._allowed / 2)
            self._is_starting = False
            if seconds:
                self._found.cut(self._clock.monotonic(), seconds)
        if seconds > pause:
            self._pause(seconds)
            self._paused(seconds)
        self._changed(int(self._allowed), self.per_second)

    def keep_pause(self, seconds: float) -> None:
        """Send nothing for these seconds, and less after that: the server has asked another process for it."""
        if seconds > _NEWS_SECONDS and not self.pause:
            self._found.cut(self._clock.monotonic(), seconds)
        self._pause(seconds)

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def _note_good(self, seconds: float) -> None:
        before = int(self._allowed), self._found.per_second
        self._found.note_good(self._clock.monotonic())
        self._latency.note(seconds)
        if self._latency.is_too_high:
            self._is_starting = False
            if self._latency.asks_for_less(int(self._allowed)):
                self._allowed = max(1.0, self._allowed * _LESS)
        else:
            more = 1.0 if self._is_starting else 1.0 / self._allowed
            self._allowed = min(self._most, self._allowed + more)
        if (int(self._allowed), self._found.per_second) != before:
            self._changed(int(self._allowed), self.per_second)


class _Latency:
    """How long good responses take: usually, and lately."""

    def __init__(self) -> None:
        self._usual = float("inf")
        self._lately = 0.0
        self._before_less: float | None = None
        self._until_next = self._until_new = 0

    def note(self, seconds: float) -> None:
        """Take over the time of one response."""
        self._lately += (seconds - self._lately) * (_SHORT_TERM if self._lately else 1.0)
        self._usual = min(self._usual, seconds)
        self._until_next -= 1
        if not self.is_too_high:
            self._before_less = None
        elif self._before_less is not None and self._until_next > self._until_new:
            # This request was sent before the change.
            self._before_less = max(self._before_less, self._lately)

    @property
    def is_too_high(self) -> bool:
        """Whether responses take much longer than usual."""
        return self._lately > _SLOWER * self._usual + _NOISE_SECONDS

    def asks_for_less(self, in_flight: int) -> bool:
        """Return whether to send less: once, and again when what was sent since has been answered.

        Where sending less did not make responses quicker, the server is slower for a reason of its own: that becomes
        usual.
        """
        if self._until_next > 0:
            return False
        # The requests that are in flight now, and as many that are sent after the change.
        self._until_next = max(_LEAST_RESPONSES, 2 * in_flight)
        self._until_new = self._until_next - in_flight
        if self._before_less is not None and self._lately > self._before_less * _HELPED:
            self._usual, self._before_less = self._lately, None
            return False
        self._before_less = self._lately
        return True

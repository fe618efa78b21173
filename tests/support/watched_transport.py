"""A transport that watches the requests of a run in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kable_destination.definitions import RetryableError

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from kable_destination.runner.transports.contract import Transport
    from virtual_clock import VirtualClock


@dataclass
class Watched:
    """A way on which the moments of requests and how many were in flight are noted, and some requests fail."""

    fails: Callable[[httpx.Request], bool] = lambda _: False
    seconds: float = 0.0
    transport: Transport | None = None
    clock: VirtualClock | None = None
    moments: list[float] = field(default_factory=list)
    in_flight: int = 0
    most: int = 0

    def wrap(self, transport: Transport, clock: VirtualClock) -> Watched:
        """Stand before the transport of a run."""
        self.transport, self.clock = transport, clock
        return self

    async def send(self, request: httpx.Request) -> httpx.Response:
        assert self.transport is not None
        assert self.clock is not None
        self.moments.append(self.clock.monotonic())
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            if self.fails(request):
                raise RetryableError("no answer")
            return await self.transport.send(request)
        finally:
            self.in_flight -= 1

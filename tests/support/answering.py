"""A transport on which the test answers some requests, and the sandbox the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from kable_destination.runner.transports.contract import Transport
    from virtual_clock import VirtualClock


@dataclass
class Answering:
    """A way on which some requests are answered here, and the others by the sandbox."""

    answers: Callable[[httpx.Request], httpx.Response | None]
    transport: Transport | None = None
    requests: list[httpx.Request] = field(default_factory=list)

    def wrap(self, transport: Transport, _clock: VirtualClock) -> Answering:
        """Stand before the transport of a run."""
        self.transport = transport
        return self

    async def send(self, request: httpx.Request) -> httpx.Response:
        assert self.transport is not None
        self.requests.append(request)
        answer = self.answers(request)
        if answer is None:
            return await self.transport.send(request)
        answer.request = request
        return answer


def busy(seconds: int) -> httpx.Response:
    """Make the answer of a server that asks to be left alone."""
    return httpx.Response(429, headers={"Retry-After": str(seconds)})

"""The transport contract: one method, so every fault can be tested without patching."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import httpx


class Transport(Protocol):
    """Sends requests."""

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its response, read. Raises RetryableError or ConfigurationError without one."""

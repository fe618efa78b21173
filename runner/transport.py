"""Sending one request and reading its answer, with every size and time bounded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, Self

import httpx

from ..definitions import RetryableError

if TYPE_CHECKING:
    from types import TracebackType

MAX_ANSWER_BYTES = 64 * 1024
"""No more of an answer is read: it is enough for its words."""

_DEADLINE_FACTOR = 2


class Transport(Protocol):
    """What sends requests: one method, so that every fault can be tested without patching."""

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its answer. Raises RetryableError when there is none."""


class HttpTransport:
    """Sends over one pool of connections; follows no redirect, and reads at most 64 KiB of an answer.

    `connections` is the most requests in flight; httpcore's pool slows down beyond eight.
    `timeout` is for each wait, in seconds; a whole exchange may take twice that.
    """

    def __init__(self, *, connections: int, timeout: float, trust_environment: bool) -> None:
        self._deadline = timeout * _DEADLINE_FACTOR
        self._client = httpx.AsyncClient(
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            timeout=httpx.Timeout(timeout, pool=None),
            follow_redirects=False,
            trust_env=trust_environment,
        )

    async def __aenter__(self) -> Self:
        """Open the pool."""
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the pool."""
        await self._client.__aexit__(kind, error, traceback)

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its answer. Raises RetryableError when there is none."""
        host = request.url.netloc.decode("ascii")
        try:
            async with asyncio.timeout(self._deadline):
                return await self._exchange(request)
        except (httpx.TimeoutException, TimeoutError):
            raise RetryableError(f"{host} did not answer in time") from None
        except httpx.ConnectError as error:
            raise RetryableError(f"{host} cannot be reached: {error}") from None
        except httpx.TransportError as error:
            detail = str(error) or type(error).__name__
            raise RetryableError(f"the connection to {host} failed: {detail}") from None

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for block in response.aiter_raw():
                body += block
                if len(body) >= MAX_ANSWER_BYTES:
                    break
        finally:
            await response.aclose()
        headers = [
            (name, value) for name, value in response.headers.multi_items() if name.lower() != "content-encoding"
        ]
        return httpx.Response(
            response.status_code,
            headers=headers,
            content=bytes(body[:MAX_ANSWER_BYTES]),
            request=request,
            extensions={"reason_phrase": response.extensions.get("reason_phrase", b"")},
        )

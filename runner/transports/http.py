"""Sending one request and reading its answer, with every size and time bounded."""

from __future__ import annotations

import os
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Self

import aiohttp
from yarl import URL

from ...definitions import ConfigurationError, RetryableError
from .certificates import certificate_fault, trusted_certificates
from .connections import ConnectionUse, WatchedBody, WatchingConnector, connection_use
from .proxies import DEFAULT_PORT, proxy_for
from .response_body import AnswerBody, ReadResponse

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    import httpx

    from ...definitions import AnswerError
    from .proxies import Proxy

MAX_ANSWER_BYTES = 64 * 1024
"""No more of an answer is read: it is enough for its words."""

MAX_TOLD_BYTES = 4 * 1024 * 1024
"""No more is read of a welcome answer in JSON, which may have a result for each event."""

_DEADLINE_FACTOR = 2
_MADE_ANEW = frozenset({b"host", b"content-length"})
_PASSING = frozenset({408, 425, 429})
_WELCOME_CLASS = 2
_SERVER_ERRORS = 500
_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@lru_cache
def _url(text: str) -> URL:
    return URL(text, encoded=True)


@lru_cache(maxsize=1024)
def _headers(raw: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    """Return the headers for aiohttp. Requests of a destination differ in little but the length of the body."""
    headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in raw if name.lower() not in _MADE_ANEW]
    if not any(name.lower() == "accept-encoding" for name, _ in headers):
        headers.append(("Accept-Encoding", "identity"))
    return tuple(headers)


class HttpTransport:
    """Sends over one pool of connections; follows no redirect, and reads at most 64 KiB of an answer.

    `connections` is the most requests in flight. `timeout` is for each wait, in seconds; a whole exchange may take
    twice that. `trust_environment` lets the proxies of the environment be used. Use it in an `async with`.
    """

    # aiohttp takes less than half the time of httpx's own client for a request, and does not slow down with more in
    # flight; requests and answers are httpx's anyway, as for every runner.

    def __init__(self, *, connections: int, timeout: float, trust_environment: bool) -> None:
        self._connections = connections
        self._timeout = aiohttp.ClientTimeout(
            total=timeout * _DEADLINE_FACTOR, sock_connect=timeout, sock_read=timeout, ceil_threshold=timeout
        )
        self._trust_environment = trust_environment
        self._proxies: dict[tuple[str, int], Proxy | None] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the pool."""
        self._session = aiohttp.ClientSession(
            connector=WatchingConnector(limit=self._connections),
            timeout=self._timeout,
            # It would also send a password of ~/.netrc to the host, or to the proxy. See proxy_to.
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_NOT_ADDED,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its answer.

        Raises RetryableError when there is none, ConfigurationError when a proxy on the way refuses to let it pass or
        a certificate cannot be verified. None repeats what a server has said: nothing could find a secret in it.
        """
        host = request.url.netloc.decode("ascii")
        try:
            return await self._send_again_if_lost(request)
        except TimeoutError:
            raise RetryableError(f"{host} did not answer in time") from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise ConfigurationError(certificate_fault(error, host)) from None
        except aiohttp.ClientHttpProxyError as error:
            raise _refused_by_proxy(host, error.status) from None
        except aiohttp.ClientProxyConnectionError as error:
            raise RetryableError(f"the proxy on the way to {host} cannot be reached: {error.strerror}") from None
        except aiohttp.ClientConnectorError as error:
            raise RetryableError(f"{host} cannot be reached: {error.strerror or error}") from None
        except aiohttp.ClientResponseError:
            raise RetryableError(f"what {host} answered is not HTTP") from None
        except aiohttp.ClientPayloadError:
            raise RetryableError(f"the connection to {host} ended in the midst of the answer") from None
        except aiohttp.ServerDisconnectedError:
            raise RetryableError(f"{host} ended the connection without an answer") from None
        except (aiohttp.ClientError, OSError) as error:
            detail = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            raise RetryableError(f"the connection to {host} failed: {detail}") from None

    def proxy_to(self, url: httpx.URL) -> Proxy | None:
        """Return the proxy on the way to an address. Raises SetupError if the environment names none that can be used.

        Only https goes through a proxy: http is for this machine.
        """
        if not self._trust_environment or url.scheme != "https":
            return None
        key = url.host, url.port or DEFAULT_PORT
        if key not in self._proxies:
            self._proxies[key] = proxy_for(*key, os.environ)
        return self._proxies[key]

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        """What https verifies certificates with. To read those of the system takes as long as a thousand requests."""
        return trusted_certificates()

    async def _send_again_if_lost(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and at once again if its connection had ended before: servers close idle ones at any time."""
        use = ConnectionUse()
        try:
            return await self._exchange(request, use)
        except TimeoutError:
            raise
        except (aiohttp.ClientConnectionError, OSError):
            if not use.was_lost_while_idle:
                raise
        # Another one of the pool has probably ended too.
        return await self._exchange(request, ConnectionUse(needs_new=True))

    async def _exchange(self, request: httpx.Request, use: ConnectionUse) -> httpx.Response:
        if self._session is None:
            raise RuntimeError("the transport is used before it is opened")
        proxy = self.proxy_to(request.url)
        connection_use.set(use)
        async with self._session.request(
            request.method,
            _url(str(request.url)),
            data=WatchedBody(request.content, use),
            headers=_headers(tuple(request.headers.raw)),
            ssl=self._certificates if request.url.scheme == "https" else True,
            allow_redirects=False,
            proxy=None if proxy is None else proxy.url,
            proxy_headers=None if proxy is None else proxy.headers,
        ) as response:
            received = [item for item in response.raw_headers if item[0].lower() != b"content-encoding"]
            content = await _read(response)
            if use.is_early:
                # Nobody reads the rest of the request.
                use.abort()
                if response.status // 100 == _WELCOME_CLASS:
                    told = f"{request.url.netloc.decode('ascii')} answered {response.status}"
                    raise RetryableError(f"{told} before it had the whole request, so the answer does not count")
            return ReadResponse(
                response.status,
                headers=received,
                content=content,
                request=request,
                extensions={"reason_phrase": (response.reason or "").encode("utf-8", "surrogateescape")},
            )


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read what is wanted of a body. Raises RetryableError for a welcome answer that cannot be decoded."""
    is_welcome = response.status // 100 == _WELCOME_CLASS
    is_json = "json" in response.headers.get("Content-Type", "").lower()
    most = MAX_TOLD_BYTES if is_welcome and is_json else MAX_ANSWER_BYTES
    try:
        body = AnswerBody(response.headers.get("Content-Encoding", ""), most)
        async for block in response.content.iter_any():
            body.add(block)
            if body.is_full:
                response.close()
                break
    except ValueError:
        response.close()
        if not is_welcome:
            return b""  # the status says enough
        host = response.url.raw_authority
        raise RetryableError(f"{host} answered {response.status} in a content encoding that cannot be read") from None
    return body.content


def _refused_by_proxy(host: str, status: int) -> AnswerError:
    """Say what the answer of a proxy means that was asked for a way to a host."""
    told = f"the proxy on the way to {host} answered {status}"
    if status in _PASSING or status >= _SERVER_ERRORS:
        return RetryableError(told, status_code=status)
    return ConfigurationError(f"{told}; see its address and credentials in HTTPS_PROXY", status_code=status)

"""Who may use the page: this machine, or anyone who has the token. And what a browser may do with it."""

from __future__ import annotations

import hmac
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ....definitions import is_loopback
from ..answers import AnswerError
from ..rate import Rate
from .messages import PageError, fault_answer
from .operation import MARK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.datastructures import Headers
    from starlette.requests import Request
    from starlette.responses import Response

    from ....definitions import Redactor
    from ...delivery.clock import Clock

    Handler = Callable[[Request], Awaitable[Response]]

_REQUESTS_PER_SECOND = 50.0
_GUESSES_PER_SECOND = 0.5
_MOST_CLIENTS = 1_000
_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""Headers by which a proxy is known: through one, anybody may reach what listens to this machine only."""

_POLICY = (
    "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer of the page has. Nothing is loaded from elsewhere, and no text becomes a script or a style."""


class Access:
    """Lets requests through to the page, or refuses them.

    Without a `token`, only this machine may use it, and not through a proxy (`is_proxied`: the service is behind one).
    `public_url` is the address at which a proxy is reached. The Host header must be an address or a known name: a page
    of another host whose name comes to resolve to this machine is refused by it. Requests that a page of another
    origin causes are refused, and so is whatever does not bear the mark of the page: no form and no link can send it.
    """

    def __init__(
        self,
        *,
        host: str,
        token: str | None,
        public_url: str | None,
        is_proxied: bool,
        clock: Clock,
        redactor: Redactor,
    ) -> None:
        self._token = token
        self._is_here = is_loopback(host) and not is_proxied
        self._names = {
            "localhost",
            host.lower(),
            *([] if public_url is None else [urlsplit(public_url).hostname or ""]),
        }
        self._rate = Rate(clock, _REQUESTS_PER_SECOND)
        self._clock = clock
        self._guesses: dict[str, Rate] = {}
        self._redactor = redactor

    @property
    def is_possible(self) -> bool:
        """Whether anybody may use the page at all: this machine, or anyone who has the token."""
        return self._is_here or self._token is not None

    def to_files(self, handler: Handler) -> Handler:
        """Return a handler of the page's own files, which hold no data. A link on another site may lead to them."""

        async def handle(request: Request) -> Response:
            return await self._answered(request, handler, self._check_host)

        return handle

    def to_api(self, handler: Handler) -> Handler:
        """Return a handler of the API, for the page alone."""

        async def handle(request: Request) -> Response:
            return await self._answered(request, handler, self._check)

        return handle

    async def _answered(self, request: Request, handler: Handler, check: Callable[[Request], None]) -> Response:
        try:
            check(request)
            found = await handler(request)
        except AnswerError as error:
            found = fault_answer(error, self._redactor)
        for name, value in HEADERS.items():
            found.headers.setdefault(name, value)
        found.headers.setdefault("Cache-Control", "no-store")
        return found

    def _check(self, request: Request) -> None:
        """Raise PageError for a request of the API that is not let through."""
        self._check_host(request)
        headers = request.headers
        self._check_origin(request)
        if headers.get(MARK) != "1":
            raise PageError(403, "not_allowed", f"Requests of the page carry the header {MARK}: 1.")
        if request.method == "POST" and headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise PageError(415, "not_json", "The Content-Type of a request of the page is application/json.")
        self._check_token(request)
        if (seconds := self._rate.wait(1)) > 0:
            raise PageError(
                429, "too_many_requests", "There are too many requests; wait a little.", retry_after=int(seconds) + 1
            )

    def _check_host(self, request: Request) -> None:
        name = _host_name(request.headers.get("host", ""))
        if name not in self._names and not _is_address(name):
            told = "The page is not there under this host name. Use the address, or set publicUrl to this host."
            raise PageError(421, "wrong_host", told)

    @staticmethod
    def _check_origin(request: Request) -> None:
        headers = request.headers
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
        own = f"{request.url.scheme}://{headers.get('host', '')}"
        # A proxy that ends TLS leaves the scheme of this process as it is.
        is_own = origin is None or urlsplit(origin).netloc.lower() == urlsplit(own).netloc.lower()
        if not is_own or origin == "null" or site not in {"same-origin", "none"}:
            raise PageError(403, "wrong_origin", "A page of another origin may not use this one.")

    def _check_token(self, request: Request) -> None:
        if self._is_here and self._token is None:
            if _is_through_proxy(request):
                raise PageError(401, "token_needed", "Through a proxy the page needs a token; set pageTokenEnv.")
            return
        if self._token is None:
            raise PageError(403, "token_needed", "The page is not for other machines; set pageTokenEnv for a token.")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if not given:
            raise PageError(401, "token_needed", "The page needs its token.")
        guesses = self._guesses_of(request)
        # Also the right token has to wait then: otherwise guessing would cost nothing.
        if (seconds := guesses.wait(0)) > 0:
            raise PageError(
                429,
                "too_many_guesses",
                "There were too many wrong tokens; wait a little.",
                retry_after=int(seconds) + 1,
            )
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode()):
            return
        guesses.wait(1)
        raise PageError(401, "wrong_token", "This is not the token of the page.")

    def _guesses_of(self, request: Request) -> Rate:
        """Return what limits the guesses of one client: nobody can keep out another."""
        client = "" if request.client is None else request.client.host
        if client not in self._guesses and len(self._guesses) >= _MOST_CLIENTS:
            del self._guesses[next(iter(self._guesses))]
        return self._guesses.setdefault(client, Rate(self._clock, _GUESSES_PER_SECOND))


def _is_through_proxy(request: Request) -> bool:
    """Return whether a proxy has passed a request on. Browsers use HTTP/1.1 at least; proxies often do not."""
    headers: Headers = request.headers
    client = request.client
    is_here = client is not None and is_loopback(client.host)
    return not is_here or request.scope.get("http_version") == "1.0" or any(name in headers for name in _PROXIES)


def _host_name(host: str) -> str:
    """Return the host of a Host header without its port, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

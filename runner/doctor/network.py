"""The way to the destination: names, proxy, TLS, credentials, and the clock of its server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from ...definitions import AnswerError, SetupError
from ..transports.certificates import check_certificate_files, trusted_certificates
from ..transports.http import HttpTransport
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from datetime import datetime

    import httpx

    from ...definitions import Destination
    from ..delivery.clock import Clock

_TIMEOUT = 10.0
_MOST_SECONDS_OFF = 60
_HTTPS_PORT = 443
_HTTP_PORT = 80


async def network(
    destination: Destination, environment: Mapping[str, str], clock: Clock, *, may_ask: bool
) -> AsyncIterator[Finding]:
    """Yield what is found on the way to a destination. Nothing is billed.

    `may_ask`: the settings are valid, so the credentials are tested.
    """
    url = destination.request.url("/")
    is_https = url.scheme == "https"
    http = HttpTransport(connections=1, timeout=_TIMEOUT, trust_environment=is_https)
    try:
        if is_https:
            check_certificate_files(environment)
        proxy = http.proxy_to(url)
    except SetupError as error:
        for problem in error.problems:
            yield Finding("proxy" if "proxy" in problem.place.lower() else "tls", "failed", str(problem))
        return
    if proxy is None:
        yield Finding("proxy", "ok", "none")
        for finding in await _direct(url):
            yield finding
    else:
        yield Finding("proxy", "ok", f"{proxy.url} (from {proxy.variable})")
        yield Finding("dns", "skipped", "the proxy finds the host")
        yield Finding("tls", "skipped", "goes through the proxy; the credentials are tested that way")
    if not may_ask:
        yield Finding("credentials", "skipped", "correct the settings first")
        return
    for finding in await _asked(destination, http, clock):
        yield finding


async def _direct(url: httpx.URL) -> list[Finding]:
    """Look the host up, and connect to it."""
    port = url.port or (_HTTPS_PORT if url.scheme == "https" else _HTTP_PORT)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        told = f"{url.host} is not found: {error.strerror or error}; check the network, and what resolves names here"
        return [Finding("dns", "failed", told), Finding("tls", "skipped", "there is no address to connect to")]
    addresses = ", ".join(dict.fromkeys(str(address[4][0]) for address in found))
    dns = Finding("dns", "ok", f"{url.host} is {addresses}")
    if url.scheme != "https":
        return [dns, Finding("tls", "skipped", "http, which stays on this machine")]
    return [dns, await _handshake(url.host, port)]


async def _handshake(host: str, port: int) -> Finding:
    try:
        async with asyncio.timeout(_TIMEOUT):
            _, writer = await asyncio.open_connection(host, port, ssl=trusted_certificates())
    except ssl.SSLCertVerificationError as error:
        told = f"the certificate of {host} is not trusted: {error.verify_message}; see SSL_CERT_FILE and the clock"
        return Finding("tls", "failed", told)
    except TimeoutError:
        return Finding(
            "tls", "failed", f"{host}:{port} did not answer in {_TIMEOUT:.0f} s; a firewall may be in between"
        )
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
        return Finding("tls", "failed", f"no connection to {host}:{port}: {reason}")
    tls = writer.get_extra_info("ssl_object")
    text = f"{tls.version()}, the certificate is valid until {tls.getpeercert()['notAfter']}"
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return Finding("tls", "ok", text)


async def _asked(destination: Destination, http: HttpTransport, clock: Clock) -> list[Finding]:
    """Test the credentials, and compare the clocks by the answer."""
    try:
        request = destination.authentication_request()
    except SetupError as error:
        return [Finding("credentials", "skipped", str(error))]
    if request is None:
        return [Finding("credentials", "skipped", f"{destination.definition.name} has no test of credentials")]
    try:
        async with http:
            response = await http.send(request)
    except AnswerError as error:
        return [
            Finding("credentials", "failed", destination.redactor.text(str(error))),
            Finding("clock", "skipped", "there was no answer to compare with"),
        ]
    fault = destination.read_authentication(response)
    told = f"{destination.definition.name} accepts them" if fault is None else destination.redactor.text(str(fault))
    return [
        Finding("credentials", "ok" if fault is None else "failed", told),
        *_clock(response.headers.get("Date", ""), clock.now()),
    ]


def _clock(date: str, now: datetime) -> Iterator[Finding]:
    try:
        off = (now - parsedate_to_datetime(date)).total_seconds()
    except (ValueError, TypeError):
        yield Finding("clock", "skipped", "the server does not say what time it is")
        return
    if abs(off) <= _MOST_SECONDS_OFF:
        yield Finding("clock", "ok", "agrees with the server's")
    else:
        side = "ahead of" if off > 0 else "behind"
        yield Finding("clock", "failed", f"is {abs(off):,.0f} s {side} the server's; set it, or let NTP keep it right")

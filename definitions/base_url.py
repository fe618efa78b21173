"""The base URL of a destination: which are refused, and why no connection could be made to an address."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import Problem, SetupError

if TYPE_CHECKING:
    import httpx

BASE_URL = "base URL"
"""The place of a problem with a base URL. A caller who knows where the URL was written can be more exact."""

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_PLAIN = re.compile(
    r"(https?)://((?!.*xn--)[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::(?!0|80\b|443\b)([0-9]{1,5}))?(?:/[a-z0-9/-]*)?"
)
"""A URL that any reader reads in the same way: nothing in it is escaped, encoded, or left out as a default."""

_LONGEST_HOST = 253
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL without a trailing slash, and its parts. `port` is None if it is the scheme's own."""

    text: str
    scheme: str
    host: str
    port: int | None

    @property
    def netloc(self) -> str:
        """Host and port, as they are in the URL."""
        return self.text.partition("://")[2].partition("/")[0]


def read_base_url(text: str) -> Address:
    """Return a base URL with its parts; only https may leave this machine, http is for loopback. Raises SetupError."""
    if plain := _PLAIN.fullmatch(str(text)):
        scheme, host, port = plain[1], plain[2], plain[3]
        address = Address(text.rstrip("/"), scheme, host, int(port) if port else None)
        fault = _host_fault(host, address.port)
    else:
        address, fault = _read_any(text)
    if fault:
        wrong = fault
    elif address.scheme == "http" and not is_loopback(address.host):
        wrong = "should begin with https://, since secrets go there; http is for loopback addresses only"
    else:
        return address
    raise SetupError.of([Problem(BASE_URL, wrong)])


def _read_any(text: str) -> tuple[Address, str]:
    """Read a URL as the transport does; return also what is wrong with it, empty if nothing is."""
    # Most base URLs are plain, and the import takes a fifth of the time of a command that sends nothing.
    import httpx  # noqa: PLC0415

    try:
        url = httpx.URL(text)
        host = url.host  # decoded only now, if it is an internationalised name
    except (httpx.InvalidURL, TypeError, ValueError):
        url, host = httpx.URL(""), ""
    # An empty query or fragment is one, too: the path of a request would become a part of it.
    if url.userinfo or {"?", "#"} & {*str(text)}:
        fault = "should hold neither credentials nor a query nor a fragment"
    elif not host or url.scheme not in {"https", "http"} or "\\" in text:
        fault = "should be a URL such as https://api.example.com"
    else:
        fault = address_fault(url)
    return Address(str(url).rstrip("/"), url.scheme, host, url.port), fault


def address_fault(url: httpx.URL) -> str:
    """Return why no connection can be made to the host and port of a URL; empty if one may be possible.

    A name that can never resolve would look like a network fault, and be retried for days.
    """
    return _host_fault(url.raw_host.decode("ascii"), url.port)


def _host_fault(host: str, port: int | None) -> str:
    if not _is_ip_address(host) and not _is_host_name(host):
        return "names a host that cannot exist; a name such as api.example.com or an IP address is expected"
    if port is not None and not 0 < port <= _LAST_PORT:
        return f"should have a port from 1 to {_LAST_PORT}"
    return ""


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_host_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    # By RFC 3696, no top level domain is a number. What ends with one is a wrong IP address.
    return (
        len(host) <= _LONGEST_HOST
        and all(_LABEL.fullmatch(label) is not None for label in labels)
        and not labels[-1].isdigit()
    )

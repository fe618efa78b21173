"""The base URL of a destination: which are refused, and why no connection could be made to an address."""

from __future__ import annotations

import ipaddress
import re

import httpx

from .errors import Problem, SetupError

BASE_URL = "base URL"
"""The place of a problem with a base URL. Whoever knows where that was written can say it more exactly."""

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_HOST = 253
_LAST_PORT = 65_535


def check_base_url(text: str) -> str:
    """Return a base URL without a trailing slash; only https may leave this machine, http is for loopback.

    Raises SetupError.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError):
        url = httpx.URL("")
    if url.userinfo or url.query or url.fragment:
        wrong = "should hold neither credentials nor a query nor a fragment"
    elif not url.host or url.scheme not in {"https", "http"} or "\\" in text:
        wrong = "should be a URL such as https://api.example.com"
    elif fault := address_fault(url):
        wrong = fault
    elif url.port is not None and not 1 <= url.port <= _LAST_PORT:
        wrong = f"has the port {url.port}; ports are 1 to {_LAST_PORT:,}"
    elif url.scheme == "http" and not is_loopback(url.host):
        wrong = "should begin with https://, since secrets go there; http is for loopback addresses only"
    else:
        return str(url).rstrip("/")
    raise SetupError.of([Problem(BASE_URL, wrong)])


def address_fault(url: httpx.URL) -> str:
    """Return why no connection can be made to the host and port of a URL; empty if one may be possible.

    A name that can never resolve would look like a network fault, and be retried for days.
    """
    host = url.raw_host.decode("ascii")
    if not _is_ip_address(host) and not _is_host_name(host):
        return "names a host that cannot exist; a name such as api.example.com or an IP address is expected"
    if url.port is not None and not 0 < url.port <= _LAST_PORT:
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

"""The request builder that actions are given: bound to a destination's host and headers, and not a client."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx

from .errors import Problem, RejectedError, SetupError
from .json_body import encode_json
from .missing import MISSING

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE_URL = "base URL"
"""The place of a problem with a base URL. Whoever knows where that was written can say it more exactly."""

_MAX_HEADER = 8_000
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_HOST = 253
_LAST_PORT = 65_535
_CARRIED = f"printable ASCII without spaces around it is expected, of {_MAX_HEADER:,} characters at most"


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What all requests of a destination share: host, headers, and Basic credentials if it uses them."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    username: str | None = None
    password: str | None = field(default=None, repr=False)


class RequestBuilder:
    """Builds `httpx.Request`s: `request("POST", "/api/v1/events/create", json=payload)`.

    Paths begin with a slash and are joined to the base URL, so that no data can choose a host. Bodies are compact
    JSON in UTF-8. Raises RejectedError for what JSON cannot carry.
    """

    def __init__(self, options: RequestOptions) -> None:
        self._base = check_base_url(options.base_url)
        common = dict(options.headers)
        if options.username is not None or options.password is not None:
            pair = f"{options.username or ''}:{options.password or ''}".encode()
            common["Authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
        self.headers = httpx.Headers(common)
        self._json_headers = _with(self.headers, {"Content-Type": "application/json"})
        self.url = lru_cache(maxsize=256)(self._join)
        self._template = lru_cache(maxsize=256)(self._build_template)

    def __call__(
        self,
        method: str,
        path: str,
        *,
        json: Any = MISSING,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        """Build one request; `json` may be any JSON value, `headers` are added to the destination's own.

        A header may hold text of an event, so an event is rejected if HTTP cannot carry its text.
        """
        if json is not MISSING and params is None and headers is None:
            return self._from_template(method, path, encode_json(json))
        merged = self.headers if json is MISSING else self._json_headers
        if headers:
            _check_added_headers(headers)
            merged = _with(merged, headers)
        content = None if json is MISSING else encode_json(json)
        return httpx.Request(method, self.url(path), params=params, headers=merged, content=content)

    def _from_template(self, method: str, path: str, content: bytes) -> httpx.Request:
        """Build a request like one that was built before, which takes a third of the time."""
        template = self._template(method, path)
        headers = template.headers.copy()
        headers["Content-Length"] = str(len(content))
        request = httpx.Request(template.method, template.url, headers=headers, stream=httpx.ByteStream(content))
        request.read()
        return request

    def _build_template(self, method: str, path: str) -> httpx.Request:
        return httpx.Request(method, self.url(path), headers=self._json_headers, content=b"{}")

    def _join(self, path: str) -> httpx.URL:
        if not path.startswith("/"):
            raise ValueError(f'the path of a request begins with a slash and names no host, but it is "{path}"')
        return httpx.URL(self._base + path)


_LARGEST_PORT = 65_535


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
    elif url.port is not None and not 1 <= url.port <= _LARGEST_PORT:
        wrong = f"has the port {url.port}; ports are 1 to {_LARGEST_PORT:,}"
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


def _with(headers: httpx.Headers, more: Mapping[str, str]) -> httpx.Headers:
    merged = headers.copy()
    for name, value in more.items():
        merged[name] = value
    return merged


def _can_be_carried(value: str) -> bool:
    return len(value) <= _MAX_HEADER and (not value or _HEADER_VALUE.fullmatch(value) is not None)


def _check_added_headers(headers: Mapping[str, str]) -> None:
    problems = [
        Problem("", f"makes a header {name} that HTTP cannot carry: {_CARRIED}")
        for name, value in headers.items()
        if not _can_be_carried(value)
    ]
    if problems:
        raise RejectedError.of(problems)


def check_headers(headers: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Refuse header values that HTTP cannot carry, naming the setting they come from and never the value.

    Raises SetupError.
    """
    problems = []
    for name, value in headers.items():
        if _can_be_carried(value):
            continue
        sources = [key for key, setting in settings.items() if isinstance(setting, str) and setting in value]
        place = f"settings.{sources[0]}" if sources else "settings"
        problems.append(
            Problem(
                place,
                f"goes out as the header {name}: {_CARRIED}",
            )
        )
    if problems:
        raise SetupError.of(problems)

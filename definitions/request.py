"""The request builder that actions are given: bound to a destination's host and headers, and not a client."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from .errors import Problem, RejectedError, SetupError
from .missing import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LOOKS_NOT_FINITE = re.compile(r"\b(?:nan|inf)\b")
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What every request of a destination has in common: host, headers, and Basic credentials where it uses them."""

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
        self._known: Any = MISSING
        self._known_text = b""
        self.url = lru_cache(maxsize=256)(self._join)

    def carrying(self, value: Any, text: bytes) -> RequestBuilder:
        """Give a builder that has the JSON text of one value, and sends it when asked to send that value."""
        builder = object.__new__(RequestBuilder)
        builder.__dict__.update(self.__dict__)
        builder._known, builder._known_text = value, text
        return builder

    def __call__(
        self,
        method: str,
        path: str,
        *,
        json: Any = MISSING,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        """Build one request; `json` may be any JSON value, `headers` are added to the destination's own."""
        url = self.url(path)
        content = None if json is MISSING else self._encode(json)
        merged = self.headers if json is MISSING else self._json_headers
        if headers:
            merged = _with(merged, headers)
        return httpx.Request(method, url, params=params, headers=merged, content=content)

    def _encode(self, value: Any) -> bytes:
        return self._known_text if value is self._known else encode_json(value)

    def _join(self, path: str) -> httpx.URL:
        if not path.startswith("/"):
            raise ValueError(f'the path of a request begins with a slash and names no host, but it is "{path}"')
        return httpx.URL(self._base + path)


def check_base_url(text: str) -> str:
    """Give a base URL without a trailing slash; only https may leave this machine, http is for loopback.

    Raises SetupError.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError):
        url = httpx.URL("")
    if url.userinfo or url.query or url.fragment:
        wrong = "should hold neither credentials nor a query nor a fragment"
    elif not url.host or url.scheme not in {"https", "http"}:
        wrong = "should be a URL such as https://api.example.com"
    elif url.scheme == "http" and not _is_loopback(url.host):
        wrong = "should begin with https://, since secrets go there; http is for loopback addresses only"
    else:
        return str(url).rstrip("/")
    raise SetupError.of([Problem("base URL", wrong)])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _with(headers: httpx.Headers, more: Mapping[str, str]) -> httpx.Headers:
    merged = headers.copy()
    for name, value in more.items():
        merged[name] = value
    return merged


def encode_json(value: Any) -> bytes:
    """Write a value as compact JSON in UTF-8.

    Raises RejectedError for what JSON cannot carry: NaN and infinities, integers beyond 64 bits, text that is not
    valid Unicode, nesting deeper than 254 levels, values of other types.
    """
    try:
        text = orjson.dumps(value)
    except TypeError as error:
        raise RejectedError.of([Problem("", f"cannot be written as JSON: {error}")]) from None
    # A null may stand for None, or for a number that is not finite.
    if b"null" in text and _LOOKS_NOT_FINITE.search(repr(value)):
        problems = [Problem(place, "is not a finite number, which JSON cannot carry") for place in _not_finite(value)]
        if problems:
            raise RejectedError.of(problems)
    return text


def _not_finite(value: Any, place: str = "") -> Iterator[str]:
    if isinstance(value, float):
        if value - value != 0:
            yield place
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _not_finite(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _not_finite(item, f"{place}[{index}]")


def check_headers(headers: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Refuse header values that HTTP cannot carry, naming the setting they come from and never the value.

    Raises SetupError.
    """
    problems = []
    for name, value in headers.items():
        if _HEADER_VALUE.fullmatch(value) or not value:
            continue
        sources = [key for key, setting in settings.items() if isinstance(setting, str) and setting in value]
        place = f"settings.{sources[0]}" if sources else "settings"
        problems.append(
            Problem(place, f"goes out as the header {name}: printable ASCII without spaces around it is expected")
        )
    if problems:
        raise SetupError.of(problems)

"""The proxy on the way to a host, as the environment names it, checked before anything is sent."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, NoReturn
from urllib.request import getproxies, proxy_bypass

from ...definitions import Problem, SetupError, address_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT = 443
"""The port of https."""

_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_SYSTEM = "the proxy in the settings of this system"
_SEPARATORS = re.compile(r"[,\s]+")
_Address = IPv4Address | IPv6Address
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_EXAMPLE = "http://proxy.example:3128"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its URL without credentials, the header that holds them, and the variable that names it."""

    url: str
    variable: str
    headers: dict[str, str] | None = field(default=None, repr=False)


def proxy_for(host: str, port: int, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy on the way to an https host; None if requests go there directly.

    As with curl, the first of https_proxy, HTTPS_PROXY, all_proxy and ALL_PROXY that is set decides; if it is empty,
    there is no proxy. `no_proxy` names hosts, domains and ranges of addresses (10.0.0.0/8) that need none. Raises
    SetupError, which names the variable and never shows its value: it may hold a password.
    """
    named = next((name for name in _VARIABLES if name in environment), None)
    if named is None:
        # macOS and Windows have settings for this; elsewhere, only the environment is asked again.
        text, named = getproxies().get("https", ""), _SYSTEM
    else:
        text = environment[named]
    excepted = environment.get("no_proxy", environment.get("NO_PROXY", ""))
    plain = host.lower().strip(".")
    if not text or any(_is_excepted(plain, port, entry.lower()) for entry in _SEPARATORS.split(excepted)):
        return None
    return None if named == _SYSTEM and proxy_bypass(host) else _read(text, named)


def _is_excepted(host: str, port: int, entry: str) -> bool:
    """Return whether an entry of `no_proxy` names a host, its domain, its range or all, with or without a port."""
    name = entry if _address(entry) else entry.removesuffix(f":{port}").removeprefix("*.").strip(".")
    name = name.removeprefix("[").removesuffix("]")
    if (address := _address(host)) is not None:
        return entry == "*" or _holds(name, address)
    return entry == "*" or (bool(name) and (host == name or host.endswith(f".{name}")))


def _address(text: str) -> _Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _holds(range_or_address: str, address: _Address) -> bool:
    """Return whether a range, or a single address, holds an address."""
    try:
        return address in ip_network(range_or_address, strict=False)
    except ValueError:
        return False


def _read(text: str, variable: str) -> Proxy:
    scheme = _SCHEME.match(text)
    if scheme is None:
        _refuse(variable, f"should begin with http:// or https://, such as {_EXAMPLE}")
    if scheme[1].lower() not in {"http", "https"}:
        _refuse(variable, f"should be an http:// or https:// proxy; {scheme[1].lower()}:// is not supported")
    import httpx  # noqa: PLC0415 - few have a proxy, and it takes a fifth of the time of `check`

    try:
        url = httpx.URL(text)
        credentials = f"{url.username}:{url.password}" if url.userinfo else ""
    except (httpx.InvalidURL, ValueError):
        _refuse(variable, f"is not the URL of a proxy, such as {_EXAMPLE}")
    fault = address_fault(url)
    if fault:
        _refuse(variable, fault)
    host = url.raw_host.decode("ascii")
    port = "" if url.port is None else f":{url.port}"
    headers = None
    if credentials:
        basic = base64.b64encode(credentials.encode("utf-8", "surrogateescape")).decode("ascii")
        headers = {"Proxy-Authorization": f"Basic {basic}"}
    return Proxy(f"{url.scheme}://{f'[{host}]' if ':' in host else host}{port}", variable, headers)


def _refuse(variable: str, message: str) -> NoReturn:
    raise SetupError.of([Problem(variable, message)])

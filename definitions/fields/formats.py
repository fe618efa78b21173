"""The formats that a text field may name, and which texts have them.

Segment checks them with ajv-formats; so a date-time may lack its zone, an IPv4 part may begin with a zero, and a UUID
may begin with `urn:uuid:`. Patterns match ASCII only and in time that grows with the length, which is bounded.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..javascript.dates import Reading
from .datetimes import WHITESPACE, datetime_fault, moment_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_LENGTH = 65_536


@dataclass(frozen=True, slots=True)
class TextFormat:
    """A format: what a person calls it, and the test of a text."""

    name: str
    accepts: Callable[[str], bool]


_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:z|[+-]\d\d(?::?\d\d)?)?", re.ASCII | re.IGNORECASE)
_DATE_TIME_SEPARATOR = re.compile(rf"[Tt{WHITESPACE}]")
_LAST_SECOND, _LEAP_SECOND = (23, 59, 59), (23, 59, 60)
_MAX_HOSTNAME = 253


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day = map(int, match.groups())
    return moment_fault(Reading(year, month, day)) is None


def _is_time(text: str) -> bool:
    match = _TIME.fullmatch(text)
    if match is None:
        return False
    parts = tuple(map(int, match.groups()))
    return parts == _LEAP_SECOND or all(part <= last for part, last in zip(parts, _LAST_SECOND, strict=True))


def _is_date_time(text: str) -> bool:
    date, *times = _DATE_TIME_SEPARATOR.split(text, maxsplit=2)
    return len(times) == 1 and _is_date(date) and _is_time(times[0])


def _is_ipv6(text: str) -> bool:
    if "%" in text:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _matching(pattern: str, flags: int = re.ASCII | re.IGNORECASE) -> Callable[[str], bool]:
    fullmatch = re.compile(pattern, flags).fullmatch
    return lambda text: len(text) <= MAX_LENGTH and fullmatch(text) is not None


_OCTET = r"(?:25[0-5]|2[0-4]\d|[01]?\d\d?)"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_H16 = r"[0-9a-f]{1,4}"
_IPV6_TAIL = rf"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6_HEADS = "|".join(
    [rf"(?:{_H16}:){{6}}", rf"::(?:{_H16}:){{5}}"]
    + [rf"(?:(?:{_H16}:){{0,{4 - rest}}}{_H16})?::(?:{_H16}:){{{rest}}}" for rest in (4, 3, 2, 1, 0)]
)
_IPV6 = rf"(?:(?:{_IPV6_HEADS}){_IPV6_TAIL}|(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}|(?:(?:{_H16}:){{0,6}}{_H16})?::)"
_ESCAPED = r"%[0-9a-f]{2}"
_IP_LITERAL = rf"\[(?:{_IPV6}|v[0-9a-f]+\.[a-z0-9\-._~!$&'()*+,;=:]+)\]"
_HOST = rf"(?:{_IP_LITERAL}|{_IPV4}|(?:[a-z0-9\-._~!$&'\"()*+,;=]|{_ESCAPED})*)"
_PCHAR = rf"(?:[a-z0-9\-._~!$&'\"()*+,;=:@]|{_ESCAPED})"
_PATH = rf"(?:/{_PCHAR}*)*"
_AUTHORITY = rf"/?/(?:(?:[a-z0-9\-._~!$&'()*+,;=:]|{_ESCAPED})*@)?{_HOST}(?::\d*)?{_PATH}"
_HIERARCHY = rf"(?:{_AUTHORITY}|/(?:{_PCHAR}+{_PATH})?|{_PCHAR}+{_PATH})"
_QUERY_AND_FRAGMENT = rf"(?:\?(?:[/?]|{_PCHAR})*)?(?:\#(?:[/?]|{_PCHAR})*)?"
_SCHEME = r"[a-z][a-z0-9+\-.]*:"
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LABEL = r"[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*+"
_SHORT_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_VARIABLE = rf"(?:[a-z0-9_]|{_ESCAPED})+(?::[1-9][0-9]{{0,3}}|\*)?"

_is_hostname = _matching(rf"{_SHORT_LABEL}(?:\.{_SHORT_LABEL})*\.?")

FORMATS: Final[Mapping[str, TextFormat]] = {
    "date": TextFormat("date", _is_date),
    "time": TextFormat("time", _is_time),
    "date-time": TextFormat("date and time", _is_date_time),
    "date-like": TextFormat("date and time", lambda text: datetime_fault(text) is None),
    "uri": TextFormat("URI", _matching(rf'(?![^"]*+"){_SCHEME}{_HIERARCHY}{_QUERY_AND_FRAGMENT}')),
    "uri-reference": TextFormat("URI reference", _matching(rf"(?:{_SCHEME})?{_HIERARCHY}?{_QUERY_AND_FRAGMENT}")),
    "uri-template": TextFormat(
        "URI template",
        _matching(rf"(?:[^\x00-\x20\"'<>%\\^`{{|}}]|{_ESCAPED}|\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}})*"),
    ),
    "email": TextFormat("email address", _matching(rf"{_ATEXT}(?:\.{_ATEXT})*+@{_LABEL}(?:\.{_LABEL})++", re.ASCII)),
    "hostname": TextFormat(
        "host name", lambda text: len(text.removesuffix(".")) <= _MAX_HOSTNAME and _is_hostname(text)
    ),
    "ipv4": TextFormat("IPv4 address", _matching(_IPV4)),
    "ipv6": TextFormat("IPv6 address", _is_ipv6),
    # Segment asks JavaScript's RegExp. Python's syntax differs from that, so it cannot refuse a text.
    "regex": TextFormat("regular expression", lambda text: len(text) <= MAX_LENGTH),
    "uuid": TextFormat("UUID", _matching(r"(?:urn:uuid:)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")),
    "json-pointer": TextFormat("JSON pointer", _matching(r"(?:/(?:[^~/]|~0|~1)*)*")),
    "password": TextFormat("password", lambda _: True),
    "text": TextFormat("text", lambda _: True),
}

"""`Retry-After`: how long a server asks to be left alone (RFC 9110, section 10.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """What a server asks for: a number of seconds, or a moment if it did not send its own time."""

    seconds: float | None = None
    moment: datetime | None = None


def read_retry_after(headers: httpx.Headers) -> RetryAfter:
    """Read `Retry-After`; both parts are None when it is absent or makes no sense.

    A date is measured against the response's own `Date` when there is one, so no error of our clock matters.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return RetryAfter(seconds=float(text if len(text) <= _MAX_DIGITS else 10**_MAX_DIGITS))
    until = _date(text)
    if until is None:
        return RetryAfter()
    now = _date(headers.get("Date", ""))
    if now is None:
        return RetryAfter(moment=until)
    return RetryAfter(seconds=max(0.0, (until - now).total_seconds()))


def _date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)

"""What all requests of a destination share, and the headers that HTTP can carry."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import Problem, RejectedError, SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_HEADER = 8_000
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_CARRIED = f"printable ASCII without spaces around it is expected, of {_MAX_HEADER:,} characters at most"


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What all requests of a destination share: host, headers, and Basic credentials if it uses them."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def _can_be_carried(value: str) -> bool:
    return len(value) <= _MAX_HEADER and (not value or _HEADER_VALUE.fullmatch(value) is not None)


def check_added_headers(headers: Mapping[str, str]) -> None:
    """Raise RejectedError for header values that HTTP cannot carry: they hold text of an event."""
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

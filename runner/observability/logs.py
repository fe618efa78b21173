"""The log: a structured record per notice on standard error, with secrets masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from msgspec.structs import fields

from ...definitions import visible
from ..delivery.notices import Notice
from .options import LogFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...definitions import Redactor
    from ..delivery.notices import Observer

_LEVELS = {
    "dead": "warning",
    "postponed": "warning",
    "parked": "warning",
    "slowed": "warning",
    "full": "error",
    "stopped": "error",
    "lost": "warning",
    "replaced": "warning",
    "halted": "error",
    "gap": "error",
    "unreachable": "warning",
    "lag": "debug",
    "released": "debug",
    "tombstones": "debug",
    "limits": "debug",
    "attempted": "debug",
}
_DEFAULTS = {item.name: item.default for item in fields(Notice) if item.name != "kind"}
_DIGITS = 3


class _LineLogger:
    """What structlog calls with a rendered record."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.debug = self.info = self.warning = self.error = write


def log_observer(
    log_format: LogFormat, redactor: Redactor, write: Callable[[str], None], *, colors: bool = False
) -> Observer:
    """Return an observer that writes the log, as text for a person or as one JSON object a line."""
    renderers: list[Any] = (
        [structlog.processors.JSONRenderer()]
        if log_format is LogFormat.JSON
        else [
            lambda _logger, _method, record: _visible(record),
            structlog.dev.ConsoleRenderer(colors=colors),
        ]
    )
    logger = structlog.wrap_logger(
        _LineLogger(write),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            lambda _logger, _method, record: _masked(record, redactor),
            *renderers,
        ],
    )

    def log(notice: Notice) -> None:
        values = {name: getattr(notice, name) for name in _DEFAULTS}
        record = {name: _rounded(value) for name, value in values.items() if value != _DEFAULTS[name]}
        getattr(logger, _LEVELS.get(notice.kind, "info"))(notice.kind, **record)

    return log


def _masked(record: Any, redactor: Redactor) -> Any:
    return {key: redactor.text(value) if isinstance(value, str) else value for key, value in record.items()}


def _visible(record: Any) -> Any:
    """Escape what would steer a terminal. JSON has escapes of its own."""
    return {key: visible(value, keep_lines=False) if isinstance(value, str) else value for key, value in record.items()}


def _rounded(value: Any) -> Any:
    return round(value, _DIGITS) if isinstance(value, float) else value

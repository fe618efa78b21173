"""Which observers a run has. Light to import, because the command line reads it for `--help`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LogFormat(StrEnum):
    """How a log is written."""

    CONSOLE = "console"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ObserverOptions:
    """The observers that were asked for; by default none. `colors`: whether a log as text has them."""

    log_format: LogFormat | None = None
    metrics_port: int | None = None
    traces: bool = False
    colors: bool = False

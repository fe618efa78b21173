"""Faults of the program itself, as libraries report them to Python's logging: shown, without secrets."""

from __future__ import annotations

import contextlib
import json
import logging
from typing import TYPE_CHECKING

from ...definitions import visible
from .options import LogFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...definitions import Redactor

_LOGGERS = ("uvicorn.error", "asyncio")


class _FaultHandler(logging.Handler):
    """Writes a fault with its traceback: as lines for a person, or as one JSON object."""

    def __init__(self, log_format: LogFormat, redactor: Redactor, write: Callable[[str], None]) -> None:
        # What a client did wrong is in its answer; a line for each would fill the disk.
        super().__init__(logging.ERROR)
        self._format = log_format
        self._redactor = redactor
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        text = self._redactor.text(self.format(record))
        if self._format is LogFormat.JSON:
            text = json.dumps({"event": "fault", "level": "error", "error": text})
        self._write(visible(text))


@contextlib.contextmanager
def shown_faults(log_format: LogFormat, redactor: Redactor, write: Callable[[str], None]) -> Iterator[None]:
    """Show the faults of the program for as long as the block lasts."""
    handler = _FaultHandler(log_format, redactor, write)
    for name in _LOGGERS:
        logging.getLogger(name).addHandler(handler)
    try:
        yield
    finally:
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(handler)

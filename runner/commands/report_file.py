"""The file in which a report is written as JSON."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ...definitions import Problem
    from ..delivery.run_report import RunReport


def check_report(path: Path | None) -> None:
    """Raise SetupError if the report cannot be written, before anything is sent."""
    from ...definitions import SetupError
    from ..delivery.private_file import open_to_append

    if path is None:
        return
    try:
        if not path.exists():
            os.close(open_to_append(path))
        elif path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        elif not os.access(path, os.W_OK):
            # A pipe must not be opened to look at it: that would wait for its reader, or end it.
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise SetupError.of([unwritable(path, error)]) from None


def write_report(path: Path | None, report: RunReport) -> str | None:
    """Write the report and return None, or the reason why it cannot be written: the delivery itself is done."""
    from ...definitions import indented_json

    if path is None:
        return None
    try:
        # Without O_NONBLOCK, opening a named pipe that nobody reads would wait for ever.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0), 0o666)
        os.set_blocking(file, True)
        with os.fdopen(file, "w", encoding="utf-8") as report_file:
            report_file.write(f"{indented_json(report.as_json())}\n")
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}"
    return None


def unwritable(path: Path, error: OSError) -> Problem:
    """Return what is wrong with an output file that cannot be written."""
    from ...definitions import Problem

    return Problem(str(path), f"cannot be written: {error.strerror}")

"""How commands print: plain text that is never taken for markup and never steers a terminal, JSON, and times."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import typer

from .shown import fitted, painted, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import ReadableBuffer

_NO_UTF_8 = re.compile("[\udc80-\udcff]")
_COLORS = {"error": "red", "stopped": "red", "warning": "yellow"}
_CANNOT_WRITE = frozenset({errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EAGAIN})


def prepare_output() -> None:
    """Let output show what its encoding lacks as escapes, instead of failing in the middle of a text."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str, *, error: bool = False) -> None:
    """Print a line to standard output, or to standard error, if it takes one: the outcome never depends on it."""
    stream = sys.stderr if error else sys.stdout
    if stream is None:
        return
    try:
        stream.write(f"{_with_color(fitted(_visible(text), stream), error=error)}\n")
        stream.flush()
    except (OSError, ValueError):
        discard(stream)


def inform(text: str, *, error: bool = False) -> None:
    """Print a line that nobody needs who wants errors and results only (--quiet)."""
    if not shown.quiet:
        say(text, error=error)


def discard(stream: TextIO | None) -> None:
    """Let what is still to be written to a stream go nowhere: Python would try again at exit, and fail."""
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class StandardOutput(io.RawIOBase):
    """Standard output for bytes. It is written whole, also if others have made it non-blocking. Raises OSError."""

    def write(self, data: ReadableBuffer) -> int:
        """Write all of some data."""
        from ..observability.detached import write_some

        if sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        left = memoryview(data)
        while left:
            left = left[write_some(sys.stdout.fileno(), bytes(left)) :]
        return memoryview(data).nbytes


def cannot_write(error: OSError) -> bool:
    """Return whether an error says that output cannot be written. One that names a file is about that file."""
    return error.errno in _CANNOT_WRITE and error.filename is None


def echo(text: str, *, err: bool = False, sign: str = "", color: str = "", indent: int | None = None) -> None:
    """Print a text, in which escapes replace what would steer a terminal.

    `sign` comes before it, in a colour. Where a line is too long for a terminal, it continues below, after `indent`.
    """
    before = f"{sign} " if sign else ""
    fitting = fitted(f"{before}{_visible(text)}", sys.stderr if err else sys.stdout, indent).removeprefix(before)
    before = f"{painted(sign, color, error=err)} " if sign else ""
    typer.echo(f"{before}{_with_color(fitting, error=err)}", err=err, color=True)


def echo_whole(text: str) -> None:
    """Print a text likewise, and leave its lines as they are, also in a terminal: they are JSON, code or a command."""
    typer.echo(_visible(text), color=True)


def _with_color(text: str, *, error: bool) -> str:
    """Return a text whose first word has a colour if it is an error or a warning."""
    word, colon, rest = text.partition(":")
    color = _COLORS.get(word) if colon else None
    return text if color is None else f"{painted(f'{word}:', color, error=error)}{rest}"


def _visible(text: str) -> str:
    """Return a text in which escapes replace what would steer a terminal.

    Names of files may hold bytes that are not UTF-8; they show as in the report.
    """
    from ...definitions import visible

    return visible(_NO_UTF_8.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text))


def echo_lines(lines: Iterable[str]) -> None:
    """Print some lines at once, likewise: to print takes longer than to make a line, and there may be thousands."""
    typer.echo(fitted("\n".join(map(_visible, lines)), sys.stdout))


def print_json(value: Any) -> None:
    """Print a value as indented JSON, in which escapes replace what would steer a terminal."""
    typer.echo(json_text(value))


def json_text(value: Any) -> str:
    """Return a value as indented JSON, in which escapes replace what would steer a terminal."""
    import msgspec

    from ...definitions import visible_json

    return visible_json(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def time_text(seconds: float) -> str:
    """Return a time (seconds since 1970) as text, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"

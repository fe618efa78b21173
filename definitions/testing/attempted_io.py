"""Finds out whether some code tries to reach the outside, and stops it there.

Python calls an audit hook before it opens a socket, file or process. A hook cannot be removed, so
there is one for the whole process, which looks up only while somebody watches.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORBIDDEN = ("socket.", "subprocess.", "os.", "shutil.", "ftplib.", "http.client.", "urllib.", "sqlite3.", "smtplib.")
_HARMLESS = frozenset({"os.listdir", "os.scandir", "os.walk", "os.fwalk", "os.putenv", "os.unsetenv"})
_MAX_SHOWN = 80

_watching: list[tuple[list[str], bool]] = []


class AttemptedIOError(RuntimeError):
    """Code that should only compute has tried to reach the outside."""


@contextmanager
def attempts(*, reading: bool) -> Iterator[list[str]]:
    """Collect the calls by which code tries to reach the outside; each raises AttemptedIOError where it is made.

    Files that are only read count if `reading`: the first run of any code reads the modules that it imports late, and
    Python may keep them compiled.
    """
    _install()
    found: list[str] = []
    _watching.append((found, reading))
    try:
        yield found
    finally:
        _watching.pop()


def _install() -> None:
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_hook)


_installed: list[bool] = []


def _hook(name: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    found, reading = _watching[-1]
    if not reading and any("__pycache__" in str(argument) for argument in arguments):
        return
    if name == "open":
        if not reading and not _writes(arguments):
            return
    elif name in _HARMLESS or not name.startswith(_FORBIDDEN):
        return
    call = f"{name}({', '.join(map(_shown, arguments))})"
    found.append(call)
    raise AttemptedIOError(f"planning an event does no I/O, but it called {call}")


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = (*arguments, None, None, None)[:3]
    if isinstance(mode, str):
        return not mode.startswith("r") or "+" in mode
    return isinstance(flags, int) and bool(flags & 3)  # O_WRONLY or O_RDWR


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value) if isinstance(value, int | bytes | tuple) else ""
    return (text or type(value).__name__)[:_MAX_SHOWN]

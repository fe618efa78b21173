"""Who holds a lease: a process, named so that others on the same machine can tell whether it still lives."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from pathlib import Path

_STARTED_FIELD = 19  # of /proc/PID/stat, counted from behind the name
_ENDED = frozenset("ZXx")


def own_name() -> str:
    """Name this process: its machine, its number, when it started, and something that nothing else has."""
    return " ".join((_machine(), str(os.getpid()), _started(os.getpid()), uuid.uuid4().hex))


def is_leased(owner: str | None, leased_until: float | None, now: float) -> bool:
    """Tell whether there is a lease that still holds: it has not expired, and its process has not ended."""
    return owner is not None and leased_until is not None and leased_until >= now and not is_gone(owner)


def is_gone(name: str) -> bool:
    """Tell whether a process has certainly ended. One on another machine cannot be asked about."""
    machine, _, rest = name.partition(" ")
    number, _, rest = rest.partition(" ")
    started, _, _ = rest.partition(" ")
    if machine != _machine() or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return _started(int(number)) != started


def _machine() -> str:
    """Name the machine as far as process numbers reach: until it boots again, and within its namespace."""
    if sys.platform != "linux":
        return socket.gethostname().replace(" ", "_")
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname().replace(" ", "_")


def _started(number: int) -> str:
    """Tell when a process started, so that a number that was given again is noticed; empty where that is not known.

    What has ended and only waits for its parent to notice has not started.
    """
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "ended" if fields[0] in _ENDED else fields[_STARTED_FIELD]

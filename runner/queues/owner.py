"""Who holds a lease: a process, named so others on the same machine can find out whether it still runs."""

from __future__ import annotations

import functools
import os
import socket
import sys
import uuid
from pathlib import Path

import psutil

_TOLERANCE = 2.0
"""Seconds by which the start of one process may differ, as two others see it: the clock of the machine is adjusted."""


def own_name() -> str:
    """Return a name for this process: its machine, its number, when it started, and something that nothing else has."""
    try:
        started = f"{_started(psutil.Process()):.2f}"
    except psutil.Error:
        started = "unknown"
    return " ".join((_machine(), str(os.getpid()), started, uuid.uuid4().hex))


def has_ended(name: str) -> bool:
    """Return whether a process has certainly ended. One on another machine cannot be asked about."""
    machine, _, rest = name.partition(" ")
    number, _, rest = rest.partition(" ")
    started, _, _ = rest.partition(" ")
    if machine != _machine() or not number.isdigit():
        return False
    try:
        process = psutil.Process(int(number))
        if process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
            return True
        return _is_another(started, process)
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, OSError, OverflowError, ValueError):
        return False


def _is_another(started: str, process: psutil.Process) -> bool:
    """Return whether the number was given to a new process.

    A start without a decimal point is unknown, or one of format 2 and earlier, which counted in units of its own.
    """
    return "." in started and abs(float(started) - _started(process)) > _TOLERANCE


def _started(process: psutil.Process) -> float:
    """Return when a process started, in seconds since the machine did: the clock may be set meanwhile."""
    return process.create_time() - psutil.boot_time()


@functools.cache
def _machine() -> str:
    """Return a name of the machine, as far as process numbers reach: until it boots again, within one namespace."""
    if sys.platform != "linux":
        return socket.gethostname().replace(" ", "_")
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname().replace(" ", "_")

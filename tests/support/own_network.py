"""A network of a test's own, which it cuts: packets vanish, and nobody is told."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET in unshare(2)."""


def in_own_network(work: Callable[[], None]) -> None:
    """Do something in a thread whose network has only a loopback device; also its threads and programs are there.

    The test is skipped if that is not allowed.
    """
    failed: list[BaseException] = []

    def run() -> None:
        try:
            assert ctypes.CDLL(None).unshare(_NEW_NETWORK) == 0
            restore()
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised again
            failed.append(error)

    if os.name != "posix" or os.getuid() != 0:
        pytest.skip("a network of its own needs root")
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def cut() -> None:
    """Let packets vanish in the network of this thread."""
    _set("down")


def restore() -> None:
    """Let packets through again."""
    _set("up")


def _set(state: str) -> None:
    subprocess.run(("ip", "link", "set", "lo", state), check=True)  # noqa: S607 - on every system elsewhere

"""A disk of a few megabytes, which a test fills and empties."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = bytes(4096)


class SmallDisk:
    """A file system of its own. `folder` is for the program under test, and belongs to its user."""

    def __init__(self, mounted: Path, user: str | None) -> None:
        self.folder = mounted / "data"
        self.folder.mkdir(mode=0o700)
        if user is not None:
            account = pwd.getpwnam(user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._ballast = mounted / "ballast"

    def fill(self) -> None:
        """Leave no room at all, also where some was given back."""
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(_BLOCK):
                pass

    def empty(self) -> None:
        """Give back the room that was taken."""
        self._ballast.unlink()


@contextlib.contextmanager
def small_disk(megabytes: int, user: str | None) -> Iterator[SmallDisk]:
    """Mount a disk in memory. The test is skipped if that is not allowed."""
    mounted = Path(tempfile.mkdtemp(prefix="kable-disk-"))
    mounted.chmod(0o755)
    command = ("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(mounted))
    if os.getuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        mounted.rmdir()
        pytest.skip("a disk of its own can only be mounted by root")
    try:
        yield SmallDisk(mounted, user)
    finally:
        # A process that still holds a file of it does not keep it.
        subprocess.run(("umount", "--lazy", str(mounted)), check=True)  # noqa: S607 - on every system elsewhere
        mounted.rmdir()

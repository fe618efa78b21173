"""Installing what tests need into a folder of its own, once, also if tests run in several processes."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class UnavailableError(Exception):
    """Something cannot be installed. The message says why."""


def installed(folder: Path, key: bytes, install: Callable[[Path], None]) -> Path:
    """Return a folder; make it again if it is not there, or was made from something else than `key`.

    Raises UnavailableError.
    """
    name, made_from = folder.name, folder.with_name(f"{folder.name}.made-from")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made_from.exists() or made_from.read_bytes() != key:
            made_from.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            try:
                install(folder)
            except subprocess.CalledProcessError:
                raise UnavailableError(f"{name} could not be installed; its registry must be reachable") from None
            made_from.write_bytes(key)
    return folder


def install_node(source: Path, folder: Path, *names: str) -> None:
    """Install the packages of a lock file, and copy some files beside them. Raises UnavailableError."""
    npm = require("npm", "nodejs npm")
    require("node", "nodejs npm")
    # Modules are looked for beside the program that imports them.
    for name in ("package.json", "package-lock.json", *names):
        shutil.copy(source / name, folder)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    subprocess.run([npm, "ci", *options], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def require(program: str, packages: str) -> str:
    """Return where a program is. Raises UnavailableError, with Debian's packages for it."""
    found = shutil.which(program)
    if found is None:
        raise UnavailableError(f"{program} is not installed (Debian: apt-get install {packages})")
    return found

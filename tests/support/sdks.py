"""Segment's SDKs as they are published, installed into folders of their own. `make sdks` runs this file."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent.parent
SDKS = ROOT / "tests" / "sdks"
INSTALLED = ROOT / "build" / "sdks"
REQUIRED = "KABLE_SDKS"
"""The variable that CI sets to `required`: a test of an SDK then fails where it would be skipped."""

_NODE = ("node", "npm")


class MissingProgramError(Exception):
    """A program that an SDK needs is not installed. The message says which."""


def installed_python(name: str) -> Path:
    """Return the folder with an SDK for Python, installed from `tests/sdks/{name}.txt` if it is not there yet."""
    requirements = SDKS / f"{name}.txt"

    def install(folder: Path) -> None:
        options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--target", folder)
        subprocess.run([sys.executable, "-m", "pip", "install", *options, "--requirement", requirements], check=True)

    return _installed(name, requirements.read_bytes() + sys.version.encode(), install)


def installed_node() -> Path:
    """Return the folder with the SDKs for Node and browsers, installed from the lock file if they are not there yet.

    Raises MissingProgramError.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        missing = [program for program in _NODE if shutil.which(program) is None]
        raise MissingProgramError(f"{' and '.join(missing)} not installed (Debian: apt-get install nodejs npm)")

    def install(folder: Path) -> None:
        # Modules are looked for beside the program that imports them.
        for name in ("package.json", "package-lock.json", "send.js"):
            shutil.copy(SDKS / name, folder)
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        subprocess.run([npm, "ci", *options], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    parts = ("package.json", "package-lock.json", "send.js")
    return _installed("node", b"".join((SDKS / part).read_bytes() for part in parts), install)


def _installed(name: str, key: bytes, install: Callable[[Path], None]) -> Path:
    """Return the folder of a name; make it again if it is not there, or was made from something else."""
    folder, made_from = INSTALLED / name, INSTALLED / f"{name}.made-from"
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with (INSTALLED / f"{name}.lock").open("a") as lock:
        # Tests run in several processes.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made_from.exists() or made_from.read_bytes() != key:
            made_from.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            install(folder)
            made_from.write_bytes(key)
    return folder


def is_required() -> bool:
    """Return whether no test of an SDK may be skipped."""
    return os.environ.get(REQUIRED) == "required"


if __name__ == "__main__":
    for sdk in ("python", "python-old"):
        installed_python(sdk)
    try:
        installed_node()
    except MissingProgramError as error:
        print(f"The SDKs for Node and browsers are not tested: {error}.", file=sys.stderr)  # noqa: T201
        sys.exit(is_required())

"""Segment's SDKs as they are published, installed into folders of their own. `make sdks` runs this file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from installing import UnavailableError, install_node, installed

ROOT = Path(__file__).parent.parent.parent
SDKS = ROOT / "tests" / "sdks"
INSTALLED = ROOT / "build" / "sdks"
REQUIRED = "KABLE_SDKS"
"""The variable that CI sets to `required`: a test of an SDK then fails where it would be skipped."""

_SENDER = "send.js"


def installed_python(name: str) -> Path:
    """Return the folder with an SDK for Python, installed from `tests/sdks/{name}.txt` if it is not there yet.

    Raises UnavailableError.
    """
    requirements = SDKS / f"{name}.txt"

    def install(folder: Path) -> None:
        options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--target", folder)
        subprocess.run([sys.executable, "-m", "pip", "install", *options, "--requirement", requirements], check=True)

    return installed(INSTALLED / name, requirements.read_bytes() + sys.version.encode(), install)


def installed_node() -> Path:
    """Return the folder with the SDKs for Node and browsers, installed from the lock file if they are not there yet.

    Raises UnavailableError.
    """
    parts = ("package.json", "package-lock.json", _SENDER)
    key = b"".join((SDKS / part).read_bytes() for part in parts)
    return installed(INSTALLED / "node", key, lambda folder: install_node(SDKS, folder, _SENDER))


def is_required() -> bool:
    """Return whether no test of an SDK may be skipped."""
    return os.environ.get(REQUIRED) == "required"


if __name__ == "__main__":
    try:
        for sdk in ("python", "python-old"):
            installed_python(sdk)
        installed_node()
    except UnavailableError as error:
        print(f"Not all SDKs are tested: {error}.", file=sys.stderr)  # noqa: T201
        sys.exit(is_required())

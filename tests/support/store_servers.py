"""A local Google Cloud Storage and a local Azure, as they are published. `make stores` runs this file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from installing import UnavailableError, install_node, installed, require

ROOT = Path(__file__).parent.parent.parent
STORES = ROOT / "tests" / "stores"
INSTALLED = ROOT / "build" / "stores"
REQUIRED = {"gs": "KABLE_GCS", "abfs": "KABLE_AZURE"}
"""The variables that ask for the tests of a store if they are `required`. Each of them fails if there is none then."""

_FAKE_GCS = "github.com/fsouza/fake-gcs-server@v1.56.1"


def installed_gcs() -> Path:
    """Return the program of a local Google Cloud Storage, built by Go if it is not there yet.

    Raises UnavailableError.
    """
    go = require("go", "golang")

    def install(folder: Path) -> None:
        subprocess.run([go, "install", _FAKE_GCS], env={**os.environ, "GOBIN": str(folder)}, check=True)

    return installed(INSTALLED / "gcs", _FAKE_GCS.encode(), install) / "fake-gcs-server"


def installed_azure() -> Path:
    """Return the program of a local Azure, installed from the lock file if it is not there yet.

    Raises UnavailableError.
    """
    key = b"".join((STORES / part).read_bytes() for part in ("package.json", "package-lock.json"))
    folder = installed(INSTALLED / "azure", key, lambda folder: install_node(STORES, folder))
    return folder / "node_modules" / ".bin" / "azurite-blob"


def is_required(scheme: str) -> bool:
    """Return whether no test of a store may be skipped."""
    return os.environ.get(REQUIRED[scheme]) == "required"


if __name__ == "__main__":
    try:
        installed_gcs()
        installed_azure()
    except UnavailableError as error:
        print(f"Not all object stores are tested: {error}.", file=sys.stderr)  # noqa: T201
        sys.exit(any(map(is_required, REQUIRED)))

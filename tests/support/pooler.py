"""A real pgbouncer in front of the PostgreSQL of tests, in transaction mode with fewer connections than clients."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postgres_server import REQUIRED, free_port, server_user

if TYPE_CHECKING:
    from collections.abc import Iterator

_MISSING = "pgbouncer is not installed: apt-get install pgbouncer"


@contextlib.contextmanager
def pooler(target: int, *, connections: int) -> Iterator[int]:
    """Run pgbouncer in front of a port of this machine; yield its own port. Skips the test if it is not installed."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        if REQUIRED:
            pytest.fail(_MISSING)
        pytest.skip(_MISSING)
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "users").write_text('"kable" ""\n')
        (folder / "ini").write_text(
            f"[databases]\n* = host=127.0.0.1 port={target}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
            f"auth_type = trust\nauth_file = {folder}/users\npool_mode = transaction\nunix_socket_dir =\n"
            f"default_pool_size = {connections}\n"
        )
        process = subprocess.Popen([program, "-q", str(folder / "ini")], user=server_user())
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert process.poll() is None, "pgbouncer has ended"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return

"""A real PostgreSQL for tests: its own data, on loopback, started and stopped as a test needs it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUIRED = os.environ.get("KABLE_POSTGRES") == "required"
MISSING = "PostgreSQL is not installed: apt-get install postgresql"
NOT_ASKED = "tests with PostgreSQL are run by make test-servers, or with KABLE_POSTGRES=required"
_SECONDS = 60.0
_SETTINGS = {
    "shared_buffers": "64MB",
    "max_connections": "60",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "autovacuum_naptime": "5s",
    "log_min_messages": "fatal",
}


def _programs() -> Path | None:
    """Return the folder of the server's programs; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    path = shutil.which("postgres")
    return None if path is None else Path(path).resolve().parent


def require_postgres() -> Path:
    """Return the folder of the server's programs. Skips the test unless it is asked for; then it needs a server."""
    if not REQUIRED:
        pytest.skip(NOT_ASKED)
    programs = _programs()
    if programs is None:
        pytest.fail(MISSING)
    return programs


def server_user() -> str | None:
    """Return as whom to run the server: it refuses to be run by root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return name
    return None


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


class PostgresServer:
    """A server with data of its own. `log_folder` is where its write-ahead log is, if not beside its data.

    `copy_of` is a server whose standby this is: it copies its data, and follows it.
    """

    def __init__(
        self, *, is_durable: bool = False, log_folder: Path | None = None, copy_of: PostgresServer | None = None
    ) -> None:
        self._programs = require_postgres()
        self._user = server_user()
        self.folder = Path(tempfile.mkdtemp(prefix="kable-postgres-"))
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self.port = free_port()
        self._settings = {**_SETTINGS, "port": str(self.port), "fsync": "on" if is_durable else "off"}
        self._process: subprocess.Popen[bytes] | None = None
        arguments = ("-D", str(self.folder / "data"), "-U", "kable", "--no-sync")
        if copy_of is None:
            # Small files of the log, so a small disk holds several.
            place = () if log_folder is None else ("--wal-segsize=1", "-X", str(log_folder))
            self._run("initdb", *arguments, "-A", "trust", "-E", "UTF8", "--locale=C", *place)
        else:
            source = ("-h", "127.0.0.1", "-p", str(copy_of.port), "-c", "fast")
            self._run("pg_basebackup", *arguments, *source, "--write-recovery-conf")
        self.start()

    @property
    def url(self) -> str:
        """The URL of its database."""
        return f"postgresql://kable@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self.folder / "data"), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self.folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                self.execute("SELECT 1")
            except Exception:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """End it as a power cut does: all of its processes at once."""
        assert self._process is not None
        main = psutil.Process(self._process.pid)
        # Each of its processes has a group of its own. While the first is frozen, it starts no other.
        main.suspend()
        processes = [main, *main.children()]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(_SECONDS)
        psutil.wait_procs(processes, _SECONDS)

    def stop(self) -> None:
        """End it, and delete its data."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def is_running(self) -> bool:
        """Return whether it has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement as an administrator, and return its rows."""
        import psycopg  # noqa: PLC0415 - an extra

        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def outbox(self, folder: Path, options: str = "uniqueFor=400") -> str:
        """Return the URL of the outbox that belongs to a folder: a schema of its own."""
        return f"{self.url}?schema={schema_of(folder)}&{options}"

    def has_outbox(self, folder: Path) -> bool:
        """Return whether the outbox that belongs to a folder was made."""
        ((found,),) = self.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{schema_of(folder)}.outbox",))
        return bool(found)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True,
            user=self._user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


def schema_of(folder: Path) -> str:
    """Return the schema of the outbox that belongs to a folder."""
    return f"t_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"


_shared: list[PostgresServer] = []


def shared_server() -> PostgresServer:
    """Return the server that all tests of this process share; the first one starts it."""
    if not _shared:
        _shared.append(PostgresServer())
    return _shared[0]


def stop_shared_server() -> None:
    """Stop the server that tests shared."""
    while _shared:
        _shared.pop().stop()


@contextlib.contextmanager
def own_server(*, log_folder: Path | None = None, copy_of: PostgresServer | None = None) -> Iterator[PostgresServer]:
    """Run a server that a test may kill, with every commit on disk."""
    server = PostgresServer(is_durable=True, log_folder=log_folder, copy_of=copy_of)
    try:
        yield server
    finally:
        server.stop()

"""How the file of an outbox is opened: for its owner alone, and every commit on disk before it returns."""

from __future__ import annotations

import contextlib
import os
import pwd
import sqlite3
import stat
import time
from contextlib import closing
from typing import TYPE_CHECKING

from ..contract import QueueOpenError
from .migrations import migrate
from .schema import APPLICATION_ID, TABLES, VERSION, statements
from .sqlite_errors import is_full, is_locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..engine import EngineOptions

_PAGE_BYTES = 4_096
"""Each commit writes pages that hold small rows as a whole, so smaller pages mean fewer bytes."""

_LOG_BYTES = 32 * 1024 * 1024
"""A log of so many bytes is folded into the file. A longer one writes little less and takes longer to recover."""

_CACHE_KIB = 16_384
_RETRY_SECONDS = 0.01


def connect(path: Path, options: EngineOptions) -> sqlite3.Connection:
    """Open an outbox, make it if there is none, and bring it to this format. Raises QueueOpenError."""
    try:
        _find_or_make(path, options)
    except OSError as error:
        # A name that is too long, or a folder that nobody may look into.
        raise QueueOpenError(f"the outbox {path} cannot be used: {_with_reason(error, path)}") from None
    try:
        if options.read_only:
            return _open_to_read(path, options)
        connection = _open(path, "rw", options.busy_seconds)
        try:
            _prepare(connection, options.busy_seconds)
            _make_tables(connection, options.clock.now().timestamp())
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, QueueOpenError) as error:
        raise _unusable(path, error) from None
    return connection


def _find_or_make(path: Path, options: EngineOptions) -> None:
    """Make the file if there is none and one may be made. Raises QueueOpenError, and OSError."""
    if options.create and not options.read_only:
        _make_file(path)
    if path.is_dir():
        raise QueueOpenError(f"the outbox {path} is a folder; --outbox names a file")
    if path.exists() and not path.is_file():
        raise QueueOpenError(f"the outbox {path} cannot be used: it is not a file; name a file that can be created")
    if not path.exists():
        raise QueueOpenError(f"there is no outbox at {path}; deliver makes one, and --outbox names another")
    if not options.read_only and not os.access(path, os.W_OK):
        # SQLite would open it to read only, and say so not before something is to be written.
        raise QueueOpenError(f"the outbox {path} cannot be used: it cannot be written ({_lacking_permissions(path)})")


def connect_to_read(path: Path, options: EngineOptions) -> sqlite3.Connection:
    """Open an outbox to read it only, in any thread. Raises QueueOpenError and sqlite3.Error."""
    return _open_to_read(path, options)


def connect_as_it_is(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open an outbox of any format to read it only, and migrate nothing. Raises QueueOpenError."""
    if not _exists(path):
        raise QueueOpenError(f"there is no outbox at {path}; deliver makes one, and --outbox names another")
    try:
        connection = _open_only_to_read(path, busy_seconds)
        try:
            _version(connection)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, QueueOpenError, OSError) as error:
        raise _unusable(path, error) from None
    return connection


def format_of(path: Path) -> int:
    """Return the number of the format of an outbox. Raises QueueOpenError."""
    try:
        with closing(_open(path, "ro", 0)) as connection:
            return _version(connection)
    except (sqlite3.Error, QueueOpenError) as error:
        raise _unusable(path, error) from None


def _make_file(path: Path) -> None:
    """Make an empty file if there is none, so nobody else can ever read what is written to it."""
    if path.is_symlink() and not path.exists():
        # SQLite would make the file that it points to, for everybody to read.
        raise QueueOpenError(f"the outbox {path} is a link to a file that does not exist")
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileNotFoundError:
        raise QueueOpenError(f"the outbox {path} cannot be made: there is no folder {path.parent}") from None
    except OSError as error:
        raise QueueOpenError(f"the outbox {path} cannot be made: {_with_reason(error, path)}") from None


def _with_reason(error: OSError, path: Path) -> str:
    """Return what an error says, and whose an outbox is if that is why."""
    lacking = _lacking_permissions(path)
    return f"{error.strerror} ({lacking})" if lacking else str(error.strerror)


def _open(path: Path, mode: str, busy_seconds: float) -> sqlite3.Connection:
    # With a mode, SQLite makes no file: if it is deleted in between, that is an error.
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        # An export is read in one thread after the other. Nothing uses a connection in two at once.
        check_same_thread=False,
    )


def _open_to_read(path: Path, options: EngineOptions) -> sqlite3.Connection:
    """Open an outbox that is not written to. One of an earlier format is brought to this one in memory."""
    connection = _open_only_to_read(path, options.busy_seconds)
    try:
        has_tables = _has_tables(connection)
        if has_tables and _version(connection) == VERSION:
            return connection
        copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.backup(copy)
        connection.close()
    except BaseException:
        connection.close()
        raise
    try:
        _make_tables(copy, options.clock.now().timestamp())
    except BaseException:
        copy.close()
        raise
    return copy


def _open_only_to_read(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open a file so nothing of it can be changed, and nothing is left beside it."""
    # SQLite makes files beside the outbox, also to read it. A user who may write deletes them in the end. Those of a
    # user who may only read would stay, and the owner of the outbox could not write it any more; but they are not
    # needed as long as nobody has it open.
    if os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK):
        connection = _open(path, "rw", busy_seconds)
        connection.execute("PRAGMA query_only = ON")
        return connection
    is_alone = not _exists(path.with_name(f"{path.name}-wal"))
    return _open(path, "ro&immutable=1" if is_alone else "ro", busy_seconds)


def _unusable(path: Path, error: Exception) -> QueueOpenError:
    """Return an error that says why an outbox cannot be used, and what to do about it."""
    if isinstance(error, sqlite3.Error) and is_locked(error):
        error = QueueOpenError("another program has it to itself; end that program, or wait for it, and run again")
    elif isinstance(error, sqlite3.Error) and (lacking := _lacking_permissions(path)):
        error = QueueOpenError(f"{error} ({lacking})")
    elif isinstance(error, sqlite3.Error) and is_full(error):
        error = QueueOpenError(f"{error}; it is as it was, so make room and run again")
    return QueueOpenError(f"the outbox {path} cannot be used: {error}")


def _lacking_permissions(path: Path) -> str:
    """Return whose an outbox and its folder are, if this process may not use them; empty if it may."""
    folder = path.absolute().parent
    # Within a folder that may not be entered nothing can be asked about.
    closed = [item for item in reversed((folder, *folder.parents)) if not os.access(item, os.X_OK)][:1]
    needed = closed or [
        item
        for item in (path.with_name(f"{path.name}-wal"), path, folder)
        if _exists(item) and not os.access(item, os.R_OK | os.W_OK)
    ]
    lacking = [
        f"{item} belongs to {_owner(item)} and has the permissions {stat.filemode(item.stat().st_mode)}"
        for item in needed
        if _exists(item)
    ]
    return f"{'; '.join(lacking)}; this process runs as {_user(os.geteuid())}" if lacking else ""


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        # Its name is too long, for instance.
        return False


def _owner(path: Path) -> str:
    return _user(path.stat().st_uid)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _prepare(connection: sqlite3.Connection, busy_seconds: float) -> None:
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    _keep_log(connection, busy_seconds)
    connection.execute("PRAGMA synchronous = FULL")
    # Some builds overwrite all that is deleted, and so write twice what is delivered.
    connection.execute("PRAGMA secure_delete = FAST")
    # An outbox of an earlier version has larger pages.
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_BYTES // _pragma(connection, 'page_size')}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def _keep_log(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Have the file keep a log. SQLite waits for nobody here: of two that begin a new file, it refuses one at once."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not is_locked(error) or time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _make_tables(connection: sqlite3.Connection, now: float) -> None:
    """Make the tables if there are none, or bring them to this format."""
    # Most often there is nothing to do, and somebody may be writing meanwhile: to look takes no lock.
    with _transaction(connection, "BEGIN"):
        if _has_tables(connection) and _version(connection) == VERSION:
            return
    with _transaction(connection, "BEGIN IMMEDIATE"):
        if not _has_tables(connection):
            for statement in statements(TABLES):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
            return
    while (version := _version(connection)) < VERSION:
        # Each step is a transaction, so whatever ends this process leaves a file of one format or the next.
        with _transaction(connection, "BEGIN IMMEDIATE"):
            # Another process may have taken the step while this one waited for the lock.
            if _version(connection) == version:
                migrate(connection, version, now)
                connection.execute(f"PRAGMA user_version = {version + 1}")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    """Return the format of an outbox. Raises QueueOpenError if it is none, or one of a later version."""
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise QueueOpenError("it is another program's database")
    version = _pragma(connection, "user_version")
    if not 1 <= version <= VERSION:
        raise QueueOpenError(
            f"it has format {version}, and this version of the program reads formats 1 to {VERSION}; install the"
            " version that wrote it, or a later one"
        )
    return version


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    with closing(connection.execute(f"PRAGMA {name}")) as cursor:
        return int(cursor.fetchone()[0])


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])

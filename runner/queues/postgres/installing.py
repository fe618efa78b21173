"""How an outbox comes to be in a database, and how one of an earlier format is brought to this one."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from ..contract import QueueOpenError
from .connecting import begin
from .dead_letters import COUNT_LETTERS
from .schema import AUDIENCES, LETTER_COUNTS, TABLES, VERSION, statements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .address import Address
    from .statements import Statements

_SALT_BYTES = 16


def from_1(database: Statements) -> None:
    """Make room for audiences, which no earlier version synced."""
    for statement in statements(AUDIENCES):
        database.script(statement)


def from_2(database: Statements) -> None:
    """Count dead letters as they come and go: one by one, they were counted at each look."""
    for statement in (*statements(LETTER_COUNTS), COUNT_LETTERS):
        database.script(statement)


STEPS: Mapping[int, Callable[[Statements], None]] = {1: from_1, 2: from_2}
"""By the format that a step begins with."""


def later_format(address: Address, version: int) -> QueueOpenError:
    """Return the error about an outbox of a format that this version does not know."""
    return QueueOpenError(f"the outbox {address.shown} was made by a later version (format {version}); update this")


def lock_key(address: Address, *parts: str | int) -> int:
    """Return the number of an advisory lock. Outboxes in other schemas of a database have others."""
    text = "\0".join(("kable-destination", address.schema, *map(str, parts)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def install(database: Statements, address: Address, *, create: bool, read_only: bool) -> bytes:
    """Make the tables if there are none, or migrate them; return the salt of IDs. Raises QueueOpenError."""
    version, salt = _installed(database, address)
    if version == VERSION:
        return salt
    if read_only or (version is None and not create):
        if version is None:
            raise QueueOpenError(
                f"there is no outbox {address.shown}; deliver makes one, and --outbox names another",
            )
        raise QueueOpenError(f"the outbox {address.shown} has format {version}, and can only be read after deliver ran")
    database.script("; ".join(begin(address, lock_timeout="60s")))
    try:
        # One process installs or migrates at a time. The lock ends with the transaction, also behind pgbouncer.
        database.run("SELECT pg_advisory_xact_lock(%s)", (lock_key(address, "format"),))
        version, salt = _installed(database, address)
        if version is None:
            salt = _make(database, address)
        else:
            _migrate(database, version)
    except BaseException:
        if database.connection is not None and not database.connection.closed:
            database.script("ROLLBACK")
        raise
    database.script("COMMIT")
    return salt


def _installed(database: Statements, address: Address) -> tuple[int | None, bytes]:
    """Return the format of the outbox and its salt; no format if there is no outbox. Raises QueueOpenError."""
    # The catalogue itself: after a wait for a lock, to_regclass may still answer from before it.
    found = database.row(
        "SELECT 1 FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace AS schemas ON schemas.oid = relnamespace"
        " WHERE nspname = %s AND relname = 'outbox'",
        (address.schema,),
    )
    if found is None:
        return None, b""
    row = database.row(f"SELECT version, salt FROM {address.quoted}.outbox")  # noqa: S608 - the name was checked
    if row is None:
        return None, b""
    version, salt = row
    if version > VERSION:
        raise later_format(address, version)
    return version, salt


def _make(database: Statements, address: Address) -> bytes:
    salt = secrets.token_bytes(_SALT_BYTES)
    if database.row("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", (address.schema,)) is None:
        # A schema that an administrator has made needs no right to make one.
        database.script(f"CREATE SCHEMA {address.quoted}")
    for statement in statements(TABLES):
        database.script(statement)
    database.run("INSERT INTO outbox (version, salt) VALUES (%s, %s)", (VERSION, salt))
    return salt


def _migrate(database: Statements, version: int) -> None:
    # Processes of the earlier version look at this table first: they wait from now on, and then find a later format.
    database.script("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
    while version < VERSION:
        STEPS[version](database)
        version += 1
        database.run("UPDATE outbox SET version = %s", (version,))

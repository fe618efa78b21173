"""Members that a query returns, from SQLite, and from PostgreSQL where one can be had."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.audience.columns import NO_COLUMNS, Columns
from kable_destination.runner.audience.members import Faults, MembersError
from kable_destination.runner.audience.query import QueryMembers
from postgres_server import require_postgres, shared_server

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A database with some customers."""
    path = tmp_path / "customers.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE customers (user_id INTEGER, plan TEXT, spend REAL, at TEXT)")
        rows = [(number, "pro" if number % 3 else "free", number / 4, "10:30") for number in range(30_000)]
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?)", rows)
        connection.execute("CREATE TABLE numbers (n TEXT)")
        connection.executemany("INSERT INTO numbers VALUES (?)", [("1",)] * 25_000 + [("{",)])
    return f"sqlite:///{path}"


def lines(query: str, database: str, columns: Columns = NO_COLUMNS) -> list[bytes]:
    """Return all members of a query."""
    faults = Faults()
    found = [line for some in QueryMembers(query, database, columns).lines(faults) for line in some]
    faults.raise_any("the query")
    return found


def test_a_query_returns_members(database: str) -> None:
    found = lines(
        "SELECT plan, user_id FROM customers WHERE plan = 'pro' AND at = '10:30' AND plan LIKE 'p%'", database
    )
    assert (len(found), found[0]) == (20_000, b"1\0true")
    assert lines("SELECT user_id AS who FROM customers WHERE user_id < 2", database) == [b"0\0true", b"1\0true"]


def test_a_query_returns_values(database: str) -> None:
    query = "SELECT user_id, spend FROM customers WHERE user_id IN (1, 4)"
    assert lines(query, database, Columns(None, "spend")) == [b"1\x000.25", b"4\x001.0"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT json_extract(n, '$') AS id FROM numbers", "the query failed, so nothing was changed: malformed JSON"),
        ("SELECT missing FROM customers", "no such column: missing"),
        ("SELECT", "the query failed"),
        ("SELECT plan, at FROM customers", "no column userId or user_id or id"),
        ("SELECT NULL AS id", "row 1 has no ID"),
        ("SELECT 1.5 AS id", "must be text or a whole number"),
        ("SELECT x'00ff' AS id", "must be text or a whole number"),
        ("DELETE FROM customers", "returns no rows"),
    ],
)
def test_a_query_that_fails_is_refused_also_in_the_middle(database: str, query: str, message: str) -> None:
    with pytest.raises(MembersError, match=message):
        lines(query, database)
    # Whatever the query does, it changes nothing.
    assert len(lines("SELECT user_id FROM customers", database)) == 30_000


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "is not a URL of SQLAlchemy"),
        ("nosuch://host/name", "SQLAlchemy does not know"),
        ("oracle://me:S3cret@host/name", "needs the driver|which SQLAlchemy does not know"),
        ("sqlite:////nowhere/at/all.sqlite", "does not exist"),
    ],
)
def test_a_database_that_cannot_be_asked_is_refused_without_its_password(url: str, message: str) -> None:
    with pytest.raises(MembersError, match=message) as refused:
        lines("SELECT 1 AS id", url)
    assert "S3cret" not in str(refused.value)
    assert "S3cret" not in repr(QueryMembers("SELECT 1", url))


@pytest.fixture(scope="module")
def postgres() -> str:
    """A database of PostgreSQL, as SQLAlchemy names it."""
    require_postgres()
    return shared_server().url.replace("postgresql://", "postgresql+psycopg://")


def test_a_query_of_postgresql_is_a_stream(postgres: str) -> None:
    query = "SELECT n::text AS id, '10:30'::time AS at FROM generate_series(1, 30000) AS n WHERE 'x:y' LIKE '%:y'"
    found = lines(query, postgres)
    assert (len(found), found[0]) == (30_000, b"1\0true")
    assert lines(f"{query} AND n = 8", postgres, Columns(None, "at")) == [b'8\0"10:30:00"']
    exact = "SELECT 12345678901234567890::numeric AS id, 1.10::numeric AS spend"
    assert lines(exact, postgres, Columns(None, "spend")) == [b"12345678901234567890\x001.1"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT 1 / (25000 - n) AS id FROM generate_series(1, 30000) AS n", "nothing was changed: division by zero"),
        ("SELECT missing FROM nowhere", 'relation "nowhere" does not exist'),
    ],
)
def test_a_query_of_postgresql_that_fails_is_refused(postgres: str, query: str, message: str) -> None:
    with pytest.raises(MembersError, match=message):
        lines(query, postgres)


def test_a_password_is_in_no_message(postgres: str) -> None:
    url = postgres.replace("kable@", "nobody:S3cret@")
    with pytest.raises(MembersError, match="the query failed") as refused:
        lines("SELECT 1 AS id", url)
    assert "S3cret" not in str(refused.value)

"""What administrators set, grant, change and take away: the outbox works, or says what to do, and loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import psycopg
import pytest

from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import Put, QueueLockedError, QueueOpenError, Settlement, Token
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.postgres import schema
from kable_destination.runner.queues.postgres.address import address_of
from kable_destination.runner.queues.suite.opened import LANE, batch, keys_of
from postgres_server import own_server, require_postgres, schema_of, shared_server
from postgres_work import Work, opened, sent_once
from running_service import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"


@pytest.fixture
def role(tmp_path: Path) -> str:
    """A role that owns the schema of the outbox, and nothing else; both have the same name."""
    require_postgres()
    name = schema_of(tmp_path)
    shared_server().execute(f"CREATE ROLE {name} LOGIN")
    shared_server().execute(f"CREATE SCHEMA {name} AUTHORIZATION {name}")
    return name


def url_of(tmp_path: Path, role: str) -> str:
    """Return the URL of the outbox for a role."""
    return shared_server().outbox(tmp_path).replace("kable@", f"{role}@")


@contextlib.contextmanager
def own_database(tmp_path: Path, options: str = "") -> Iterator[str]:
    """Make a database, and yield its URL."""
    require_postgres()
    name = schema_of(tmp_path)
    shared_server().execute(f"CREATE DATABASE {name} {options}")
    yield shared_server().url.replace("/postgres", f"/{name}")


@pytest.mark.parametrize(
    "setting",
    [
        "statement_timeout = 20",
        "lock_timeout = 1",
        "idle_session_timeout = 20",
        "idle_in_transaction_session_timeout = 1",
        "default_transaction_isolation = serializable",
        "default_transaction_deferrable = on",
        "client_encoding = latin1",
        "timezone = 'Pacific/Auckland'",
        "datestyle = 'German, DMY'",
        "bytea_output = escape",
        "search_path = pg_temp",
        "synchronous_commit = off",
    ],
)
def test_what_is_set_for_the_role_changes_nothing(tmp_path: Path, role: str, setting: str) -> None:
    shared_server().execute(f"ALTER ROLE {role} SET {setting}")

    async def run() -> None:
        url, work = url_of(tmp_path, role), Work()
        await work.run([url] * 3, batches=20)
        await sent_once(work, url)
        async with opened(url) as queue:
            assert [item async for item in queue.export()]

    asyncio.run(run())


def test_tables_of_the_same_name_elsewhere_are_not_looked_at(tmp_path: Path, role: str) -> None:
    """The role finds those of another schema first, even before those of the server itself."""
    server = shared_server()
    for statement in (
        f"CREATE SCHEMA other_{role} AUTHORIZATION {role}",
        f"CREATE TABLE other_{role}.pg_class (oid oid, relname text, relnamespace oid, relkind text)",
        f"CREATE TABLE other_{role}.batches (id bigint)",
        f"ALTER ROLE {role} SET search_path = other_{role}, pg_catalog, {role}",
    ):
        server.execute(statement)
    asyncio.run(_put_and_lease(url_of(tmp_path, role)))
    asyncio.run(_put_and_lease(url_of(tmp_path, role), key="b"))


@pytest.mark.parametrize("name", ["order", "user", "select", "public"])
def test_a_schema_may_have_the_name_of_a_word_of_sql(tmp_path: Path, name: str) -> None:
    with own_database(tmp_path) as url:
        asyncio.run(_put_and_lease(f"{url}?schema={name}"))


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_may_have_another_encoding(tmp_path: Path, encoding: str) -> None:
    with own_database(tmp_path, f"ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'") as url:
        asyncio.run(_put_and_lease(url, key="é\U0001f512"))


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("ALTER ROLE {} SET default_transaction_read_only = on", "read-only; name the primary in the URL, or several"),
        ("ALTER SCHEMA {} OWNER TO kable", "no schema has been selected .*; the role of the URL must own its schema"),
        ("DROP SCHEMA {}", "permission denied for database .*; the role of the URL must own its schema"),
        ("ALTER ROLE {} CONNECTION LIMIT 0", "too many connections for role"),
        ("ALTER ROLE {} NOLOGIN", "not permitted to log in"),
    ],
)
def test_an_outbox_that_cannot_be_opened_says_what_to_do(
    tmp_path: Path, role: str, statement: str, message: str
) -> None:
    shared_server().execute(statement.format(role))
    with pytest.raises(QueueOpenError, match=f"^the outbox in the schema {role} .* cannot be opened: .*{message}"):
        open_queue(url_of(tmp_path, role), clock=SystemClock(), busy_seconds=0.1)


def test_values_of_a_url_are_read_as_libpq_reads_them() -> None:
    address = address_of(
        "//u:p%2Bw+x@host/db?options=-c%20work_mem%3D1MB&password=a+b%2B&application_name=", writes=False
    )
    read = psycopg.conninfo.conninfo_to_dict(address.url)
    assert (read["options"], read["password"], read["application_name"]) == ("-c work_mem=1MB", "a+b+", "")


def test_a_process_stops_writing_once_a_later_version_has_changed_the_format(tmp_path: Path, role: str) -> None:
    async def run() -> None:
        async with opened(url_of(tmp_path, role)) as queue:
            await queue.put(Put(Token(1, 1), [batch("a")]))
            shared_server().execute(f"UPDATE {role}.outbox SET version = {schema.VERSION + 1}")  # noqa: S608 - of this test
            for ask in (queue.put(Put(Token(1, 2), [batch("b")])), queue.lease({LANE: 5}), queue.status()):
                with pytest.raises(QueueOpenError, match=r"made by a later version \(format \d+\); update this"):
                    await ask
            shared_server().execute(f"UPDATE {role}.outbox SET version = {schema.VERSION}")  # noqa: S608 - of this test
            assert keys_of(await queue.lease({LANE: 5})) == ["a"]

    asyncio.run(run())


def test_the_format_changes_only_between_the_transactions_of_others(tmp_path: Path, role: str) -> None:
    """One that has begun may write until it ends, and the next one finds the later format."""
    server, url = shared_server(), url_of(tmp_path, role)

    async def run() -> None:
        async with opened(url) as queue:
            await queue.put(Put(Token(1, 1), [batch("a")]))
            server.execute(f"UPDATE {role}.outbox SET version = 2")  # noqa: S608 - of this test
            server.execute(f"DROP TABLE {role}.letter_counts")
            with psycopg.connect(server.url) as other:
                other.execute(f"SELECT version FROM {role}.outbox".encode())  # noqa: S608 - of this test
                opening = asyncio.create_task(asyncio.to_thread(open_queue, url, clock=SystemClock()))
                query = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
                await asyncio.to_thread(until, lambda: server.execute(query, (f"{role}.outbox",)), bool)
                assert not opening.done()
            await (await opening).close()
            assert keys_of(await queue.lease({LANE: 5})) == ["a"]

    asyncio.run(run())


def test_an_outbox_that_was_made_again_is_not_mixed_with_the_former(tmp_path: Path, role: str) -> None:
    """Its IDs are hashed in another way, so an event would be taken for a new one."""
    url = url_of(tmp_path, role)

    async def run() -> None:
        async with opened(url) as queue:
            await queue.put(Put(Token(1, 1), [batch("a")]))
            shared_server().execute(f"DROP SCHEMA {role} CASCADE")
            shared_server().execute(f"CREATE SCHEMA {role} AUTHORIZATION {role}")
            async with opened(url) as other:
                await other.put(Put(Token(2, 1), [batch("a")]))
                with pytest.raises(QueueOpenError, match="was deleted and made again meanwhile; start this again"):
                    await queue.put(Put(Token(1, 2), [batch("b")]))

    asyncio.run(run())


def test_a_connection_that_is_not_to_be_had_is_waited_for(tmp_path: Path, role: str) -> None:
    """Others have all that the role may have."""
    server, url = shared_server(), url_of(tmp_path, role)
    server.execute(f"ALTER ROLE {role} CONNECTION LIMIT 1")

    async def run() -> None:
        async with opened(url) as queue:
            await queue.put(Put(Token(1, 1), [batch("a")]))
            server.execute(_OTHERS, (role,))
            with psycopg.connect(server.url.replace("kable@", f"{role}@")):
                putting = asyncio.create_task(queue.put(Put(Token(1, 2), [batch("b")])))
                done, _ = await asyncio.wait({putting}, timeout=0.3)
                assert not done
            assert (await putting).accepted == [1]
            assert keys_of(await queue.lease({LANE: 5})) == ["a", "b"]

    asyncio.run(run())


def test_a_process_that_starts_waits_for_a_connection(tmp_path: Path, role: str) -> None:
    server, url = shared_server(), url_of(tmp_path, role)
    server.execute(f"ALTER ROLE {role} CONNECTION LIMIT 1")

    async def run() -> None:
        with psycopg.connect(server.url.replace("kable@", f"{role}@")):
            opening = asyncio.create_task(asyncio.to_thread(open_queue, url, clock=SystemClock()))
            done, _ = await asyncio.wait({opening}, timeout=0.3)
            assert not done
        await (await opening).close()

    asyncio.run(run())


def test_a_password_may_change_while_a_process_runs(tmp_path: Path) -> None:
    """It is read from its file whenever a connection is made, so the file may change before or after the server."""
    file = tmp_path / "passwords"

    def write(password: str) -> None:
        file.write_text(f"*:*:*:*:{password}\n")
        file.chmod(0o600)

    async def run(url: str) -> None:
        write("first")
        async with opened(url, busy_seconds=0.5) as queue:
            await queue.put(Put(Token(1, 1), [batch("a")]))
            server.execute("ALTER ROLE rotated PASSWORD 'second'")
            assert (await queue.put(Put(Token(1, 2), [batch("b")]))).accepted == [1], "its connection lasts"
            server.execute(_OTHERS, ("rotated",))
            with pytest.raises(QueueLockedError, match="password authentication failed"):
                await queue.put(Put(Token(1, 3), [batch("c")]))
            write("second")
            assert (await queue.put(Put(Token(1, 3), [batch("c")]))).accepted == [1]
            assert keys_of(await queue.lease({LANE: 5})) == ["a", "b", "c"]

    require_postgres()
    with own_server() as server:
        server.execute("CREATE ROLE rotated LOGIN PASSWORD 'first'")
        server.execute("CREATE SCHEMA kable AUTHORIZATION rotated")
        rules = server.folder / "data" / "pg_hba.conf"
        rules.write_text("host all rotated 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        server.execute("SELECT pg_reload_conf()")
        asyncio.run(run(f"{server.url.replace('kable@', 'rotated@')}?passfile={file}"))


def test_a_server_in_recovery_is_not_written_to(tmp_path: Path) -> None:
    require_postgres()
    with own_server() as primary, own_server(copy_of=primary) as standby:
        place = standby.outbox(tmp_path)
        with pytest.raises(QueueOpenError, match="name the primary in the URL, or several hosts"):
            open_queue(place, clock=SystemClock(), busy_seconds=0.1)
        asyncio.run(_put_and_lease(primary.outbox(tmp_path)))
        query = f"SELECT to_regclass('{schema_of(tmp_path)}.batches')"
        until(lambda: standby.execute(query), lambda rows: rows != [(None,)])

        async def look() -> None:
            queue = open_queue(place, clock=SystemClock(), read_only=True)
            assert [lane.action for lane in (await queue.status()).lanes] == [LANE.action]
            await queue.close()

        asyncio.run(look())


async def _put_and_lease(url: str, key: str = "a") -> None:
    async with opened(url) as queue:
        token = Token(ord(key[0]), 1)
        assert (await queue.put(Put(token, [batch(key)]))).accepted == [1]
        (lease,) = (await queue.lease({LANE: 5})).leases
        assert keys_of([lease]) == [key]
        assert [*await queue.settle(Settlement(lease, delivered=(0,)))] == []

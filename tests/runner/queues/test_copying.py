"""A copy of an outbox in another engine holds the same, and behaves the same."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.definitions import RefusedError, RetryableError
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import (
    Checkpoint,
    DeadLetter,
    DeadLetterFilter,
    ExportedIds,
    MembershipPut,
    Movement,
    Put,
    QueueOpenError,
    Settlement,
    Token,
    dead_letter_of,
)
from kable_destination.runner.queues.copying import copy_outbox
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.sqlite import known_ids
from kable_destination.runner.queues.suite.audiences import audience
from kable_destination.runner.queues.suite.opened import LANE, batch, keys_of
from kable_destination.runner.sources.contract import Origin
from postgres_server import require_postgres, shared_server

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from kable_destination.runner.queues.contract import Queue

CLOCK = SystemClock()
ENGINES = ("sqlite", "postgres")


@pytest.fixture(autouse=True)
def _generations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let SQLite make generations of few IDs."""
    monkeypatch.setattr(known_ids, "_MOST_RECENT", 1_000)


def place_of(engine: str, folder: Path, name: str) -> str:
    """Return an outbox that is not there yet."""
    if engine == "sqlite":
        return str(folder / f"{name}.sqlite")
    require_postgres()
    return shared_server().outbox(folder / name)


def use(place: str, work: Callable[[Queue], Coroutine[Any, Any, Any]]) -> Any:
    """Open an outbox, use it and close it."""

    async def opened() -> Any:
        queue = open_queue(place, clock=CLOCK)
        try:
            return await work(queue)
        finally:
            await queue.close()

    return asyncio.run(opened())


async def fill(queue: Queue) -> None:
    """Put something of everything that an outbox can hold."""
    await queue.put(
        Put(
            Token(1, 1),
            [batch("delivered", "refused", "again"), batch("queued", None, shard=2), batch("e", account="other")],
            [DeadLetter("rejected", "nö \0", Origin("f", 3), b"{}", account="account", key="k\0", recurs=True)],
            [Checkpoint("key", "name", b"state"), Checkpoint("end", "name", b"", is_end=True)],
            {"records/\0a": b"\0\1"},
            compares_contents=True,
        )
    )
    first = (await queue.lease({LANE: 1})).leases[0]
    due = CLOCK.now().timestamp() + 3600
    letter = dead_letter_of(first.queued, 1, RefusedError("no"), "refused")
    await queue.settle(Settlement(first, (0,), {1: letter}, (2,), due, 1, RetryableError("busy")))
    await queue.mark(LANE, stopped="wrong key")
    _, hold = await queue.audiences.hold(audience("Big spenders"), create=True)
    gone = MembershipPut(hold, [(b"a", b"true", 1, 0), ("ö".encode(), None, 1, 1)], Movement(entered=2, left=1))
    await queue.put(Put(Token(4, 1), memberships=gone))
    await queue.audiences.release(hold)
    for number in range(4):
        await queue.put(Put(Token(2, number + 1), [batch(*[f"{number} {at}" for at in range(500)])]))


async def shown(queue: Queue) -> list[Any]:
    """Return everything that an outbox exports, whatever the engine; IDs by themselves."""
    items: list[Any] = [item async for item in queue.export()]
    ids = sorted(itertools.chain.from_iterable(item.names for item in items if isinstance(item, ExportedIds)))
    rest = [item for item in items if not isinstance(item, ExportedIds)]
    status = await queue.status()
    return [*map(repr, rest), ids, status.dead, status.known_ids, await queue.outcomes(1)]


@pytest.mark.parametrize(("first", "second"), [*itertools.permutations(ENGINES, 2), ("postgres", "postgres")])
def test_a_copy_holds_the_same_and_so_does_a_copy_of_it(tmp_path: Path, first: str, second: str) -> None:
    places = [place_of(first, tmp_path, "one"), place_of(second, tmp_path, "two"), place_of(first, tmp_path, "three")]
    use(places[0], fill)
    before = use(places[0], shown)
    for source, target in itertools.pairwise(places):
        copied = copy_outbox(source, target, CLOCK)
        assert (copied.rows["dead_letters"], copied.ids) == (2, 2_005)
        assert use(target, shown) == before
    assert use(places[0], shown) == before, "the source stays as it is"


@pytest.mark.parametrize(("first", "second"), [*itertools.permutations(ENGINES, 2)])
def test_a_copy_knows_what_was_done(tmp_path: Path, first: str, second: str) -> None:
    """Duplicates, contents, repeated puts and the numbers of what comes next."""
    source, target = place_of(first, tmp_path, "one"), place_of(second, tmp_path, "two")
    use(source, fill)
    copy_outbox(source, target, CLOCK)

    async def look(queue: Queue) -> None:
        last = Put(Token(2, 4), [batch(*[f"3 {at}" for at in range(500)])])
        assert (await queue.put(last)).accepted == [500], "a repeated put"
        again = await queue.put(Put(Token(3, 1), [batch("delivered", "refused", "again", "queued", "0 1", "new")]))
        states = {each.key: each.state for each in again.duplicates}
        assert states == {
            "delivered": "delivered", "refused": "refused", "again": "queued", "queued": "queued", "0 1": "queued",
        }  # fmt: skip
        assert again.accepted == [1]
        other = await queue.put(Put(Token(3, 2), [batch("e", account="other", place=9)], compares_contents=True))
        assert len(other.duplicates) == 1
        letters = await queue.dead_letters.ids(DeadLetterFilter())
        await queue.put(Put(Token(3, 3), dead_letters=[DeadLetter("rejected", "x", Origin("f", 1), b"")]))
        assert max(await queue.dead_letters.ids(DeadLetterFilter())) > max(letters)
        stored, hold = await queue.audiences.hold(audience("Big spenders"), create=False)
        assert [row[0] for row in await queue.audiences.memberships(stored.id, b"", 9)] == [b"a", "ö".encode()]
        await queue.audiences.complete(hold)
        await queue.audiences.hold(audience("Another", id="aud_other"), create=True)
        leased = await queue.lease({LANE: 1000})
        assert {"again", "queued", "new"} - {*keys_of(leased)} == {"again"}, "what is due later waits"

    use(target, look)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_copy_is_refused_while_another_process_sends(tmp_path: Path, engine: str) -> None:
    place = place_of(engine, tmp_path, "one")

    async def hold(queue: Queue) -> None:
        await queue.put(Put(Token(1, 1), [batch("a")]))
        assert (await queue.lease({LANE: 1})).leases
        with pytest.raises(QueueOpenError, match="another process sends from the outbox"):
            await asyncio.to_thread(copy_outbox, place, str(tmp_path / "copy.sqlite"), CLOCK)

    use(place, hold)
    assert not (tmp_path / "copy.sqlite").exists()
    assert copy_outbox(place, str(tmp_path / "copy.sqlite"), CLOCK).ids == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_copy_is_refused_where_something_is_already(tmp_path: Path, engine: str) -> None:
    source, target = place_of("sqlite", tmp_path, "one"), place_of(engine, tmp_path, "two")
    use(source, fill)
    use(target, lambda queue: queue.put(Put(Token(1, 1), records={"a": b""})))
    with pytest.raises(QueueOpenError, match="is not empty"):
        copy_outbox(source, target, CLOCK)
    assert use(target, lambda queue: queue.records("")) == {"a": b""}


def test_only_files_and_databases_are_copied(tmp_path: Path) -> None:
    with pytest.raises(QueueOpenError, match="a queue memory: cannot be copied"):
        copy_outbox("memory:", str(tmp_path / "copy.sqlite"), CLOCK)

"""Messages between the accepting process and a planner: chunks, and their plans, as compact columns.

A message is its length and its bytes. Nothing in it is made for each event where it is read: a batch has its payloads
and its events as one text each.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache, partial
from typing import TYPE_CHECKING, cast

import httpx
import msgspec

from ...definitions import EventBatch, EventList, PayloadList, PlannedRequest, Problem
from ..delivery.planning import Planned
from ..delivery.receipt import Receipt
from ..queues.contract import DeadLetter, Origins, Prepared, QueuedBatch, Reason
from ..sources.contract import Chunk, Origin, Unit, Unreadable
from ..sources.plain_lines import PlainLines
from .connection import Message
from .kept_texts import SEPARATOR, KeptTexts

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..queues.preparing import Preparation

_Headers = tuple[tuple[bytes, bytes], ...]


class _Text(msgspec.Struct, array_like=True):
    """A text that is not an event."""

    place: int
    message: str
    text: bytes


class _Job(msgspec.Struct, array_like=True):
    """A chunk to plan: what its batches and dead letters depend on.

    Of the lines of a file the place is that of the first, and the body of the message has their texts.
    """

    source: str
    can_be_reread: bool
    unit: Unit
    path: str
    continues: int
    oldest: str | None
    places: list[int] | int
    texts: list[bytes]
    unreadable: list[_Text]


class _Request(msgspec.Struct, array_like=True):
    """A request. Without content, its body is the list of payloads."""

    method: str
    url: str
    headers: _Headers
    content: bytes | None


class _Batch(msgspec.Struct, array_like=True):
    """A batch of one source. One subscription is that of all events.

    `columns` and `names` are what the engine of the queue stores; the last column holds the events, and then `events`
    is None. So it is when the events are lines of the chunk, which the other side has. Otherwise `events` has the texts
    with a separator between them.
    """

    action: str
    shard: int | None
    oldest: str | None
    subscriptions: tuple[str, ...]
    keys: tuple[str | None, ...]
    places: tuple[int, ...]
    payloads: bytes
    request: _Request | None
    size: int
    names: list[bytes | None] | None
    columns: tuple[bytes, ...]
    events: bytes | None
    too_old: list[int]


class _Letter(msgspec.Struct, array_like=True):
    """A dead letter."""

    reason: Reason
    message: str
    place: int
    event: bytes | None
    action: str | None
    subscription: str | None
    key: str | None
    problems: list[tuple[str, str]]
    path: str
    recurs: bool
    occurrence: int


class _Result(msgspec.Struct, array_like=True):
    """The plan of a chunk."""

    batches: list[_Batch]
    letters: list[_Letter]
    skipped: dict[str, int]
    skipped_places: list[int]
    unknown_types: dict[str, int]
    misspelt_flags: list[str]


_encode = msgspec.msgpack.Encoder().encode
_read_job = msgspec.msgpack.Decoder(_Job).decode
_read_result = msgspec.msgpack.Decoder(_Result).decode


def job_of(chunk: Chunk, oldest: str | None) -> Message:
    """Write a chunk to be planned; events from before the day `oldest` are too old."""
    places, texts = chunk.places, chunk.texts
    plain = texts if isinstance(texts, PlainLines) and isinstance(places, range) else None
    head = _encode(
        _Job(
            chunk.source,
            chunk.key is not None,
            chunk.unit,
            chunk.path,
            chunk.continues,
            oldest,
            list(places) if plain is None else places[0],
            list(texts) if plain is None else [],
            [_Text(text.place, text.message, text.text) for text in chunk.unreadable],
        )
    )
    return Message(head, () if plain is None else plain.parts)


def read_job(head: bytes, body: bytes) -> tuple[Chunk, str | None]:
    """Read a chunk to be planned, and the day before which events are too old."""
    job = _read_job(head)
    texts = body.split(b"\n") if isinstance(job.places, int) else job.texts
    places = range(job.places, job.places + len(texts)) if isinstance(job.places, int) else job.places
    chunk = Chunk(
        job.source,
        job.source if job.can_be_reread else None,
        unit=job.unit,
        texts=texts,
        places=places,
        unreadable=[Unreadable(text.place, text.message, text.text) for text in job.unreadable],
        path=job.path,
        continues=job.continues,
    )
    return chunk, job.oldest


def result_of(planned: Planned, preparation: Preparation | None) -> bytes:
    """Write the plan of one chunk, and what the engine of the queue stores of it."""
    (receipt,) = planned.receipts
    has_lines = isinstance(receipt.chunk.places, range)
    batches = []
    for number, queued in enumerate(planned.batches):
        prepared = None if preparation is None else preparation.prepare(queued)
        events = None if has_lines or prepared is not None else SEPARATOR.join(queued.batch.events.kept)
        batches.append(_batch_of(queued, planned.too_old.get(number, ()), prepared, events))
    letters = [_letter_of(letter) for letter in receipt.rejected]
    return _encode(
        _Result(
            batches,
            letters,
            dict(receipt.skipped),
            receipt.skipped_places,
            dict(receipt.unknown_types),
            sorted(receipt.misspelt_flags),
        )
    )


def read_result(message: bytes, chunk: Chunk, account: str, preparation: Preparation | None) -> Planned:
    """Read the plan of a chunk."""
    result = _read_result(message)
    planned = Planned()
    for number, batch in enumerate(result.batches):
        planned.batches.append(_queued_of(batch, chunk, account, preparation))
        if batch.too_old:
            planned.too_old[number] = set(batch.too_old)
    planned.receipts.append(
        Receipt(
            chunk,
            rejected=[_dead_letter_of(letter, chunk, account) for letter in result.letters],
            skipped=Counter(result.skipped),
            skipped_places=result.skipped_places,
            unknown_types=Counter(result.unknown_types),
            misspelt_flags=frozenset(result.misspelt_flags),
        )
    )
    return planned


def _batch_of(queued: QueuedBatch, too_old: Collection[int], prepared: Prepared | None, events: bytes | None) -> _Batch:
    batch = queued.batch
    names = batch.subscriptions
    return _Batch(
        batch.action,
        batch.shard,
        batch.oldest,
        names[:1] if names.count(names[0]) == len(names) else names,
        batch.idempotency_keys,
        queued.origins.places,
        batch.payloads.text,
        None if queued.request is None else _request_of(queued.request),
        queued.size,
        None if prepared is None or prepared.names is None else cast("list[bytes | None]", list(prepared.names)),
        () if prepared is None else prepared.columns,
        events,
        list(too_old),
    )


def _request_of(planned: PlannedRequest) -> _Request | None:
    request = planned.request
    if request.extensions:
        # It holds what is not bytes. It can be built again from its batch.
        return None
    content = None if request.content == planned.batch.payloads.text else request.content
    return _Request(request.method, str(request.url), tuple(request.headers.raw), content)


def _queued_of(read: _Batch, chunk: Chunk, account: str, preparation: Preparation | None) -> QueuedBatch:
    count = len(read.places)
    if preparation is not None:
        kept = KeptTexts(count, partial(preparation.events_of, read.columns[-1]))
    elif read.events is not None:
        kept = KeptTexts(count, partial(read.events.split, SEPARATOR))
    else:
        kept = KeptTexts(count, partial(_lines_at, chunk.texts, chunk.places[0], read.places))
    batch = EventBatch(
        read.action,
        PayloadList(read.payloads, count),
        EventList(kept),
        read.places,
        read.subscriptions if len(read.subscriptions) == count else read.subscriptions * count,
        read.keys,
        read.shard,
        read.oldest,
    )
    origins = Origins((chunk.source,), read.places, (chunk.unit,))
    request = None if read.request is None else _read_request(read.request, batch)
    return QueuedBatch(account, batch, origins, request, Prepared(read.size, read.names, read.columns))


def _lines_at(texts: Sequence[bytes], first: int, places: Sequence[int]) -> list[bytes]:
    """Return some of the texts that are lines in a row, the first of them on line `first`."""
    return [texts[place - first] for place in places]


def _read_request(read: _Request, batch: EventBatch) -> PlannedRequest:
    content = batch.payloads.text if read.content is None else read.content
    request = httpx.Request(
        read.method, _url(read.url), headers=_headers(read.headers), stream=httpx.ByteStream(content)
    )
    request.read()
    return PlannedRequest(request, batch)


# A request copies both, and they differ in little but the length of the body.
_url = lru_cache(maxsize=256)(httpx.URL)
_headers = lru_cache(maxsize=4096)(httpx.Headers)


def _letter_of(letter: DeadLetter) -> _Letter:
    return _Letter(
        letter.reason,
        letter.message,
        letter.origin.place,
        letter.event,
        letter.action,
        letter.subscription,
        letter.key,
        [(problem.place, problem.message) for problem in letter.problems],
        letter.path,
        letter.recurs,
        letter.occurrence,
    )


def _dead_letter_of(read: _Letter, chunk: Chunk, account: str) -> DeadLetter:
    return DeadLetter(
        read.reason,
        read.message,
        Origin(chunk.source, read.place, chunk.unit),
        read.event,
        account=account,
        action=read.action,
        subscription=read.subscription,
        key=read.key,
        problems=tuple([Problem(place, message) for place, message in read.problems]),
        path=read.path,
        recurs=read.recurs,
        occurrence=read.occurrence,
        generation=chunk.generation if read.recurs else "",
    )

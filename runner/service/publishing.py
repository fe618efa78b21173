"""Publishes the events that the service takes to a topic of Kafka, in place of queueing them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..delivery.delivery import account_of
from ..delivery.notices import Notice
from ..delivery.planning import ChunkPlanner
from ..outbox import owner_fields
from .answers import AnswerError, BusyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from confluent_kafka import KafkaError, Message, Producer

    from ...definitions import Destination
    from ..delivery.notices import Observer
    from ..delivery.receipt import Receipt
    from ..sources.contract import Chunk

_Keyed = tuple[bytes, "str | None"]
_Headers = list[tuple[str, "str | bytes | None"]]

_MSG_SIZE_TOO_LARGE = 10
"""Kafka's number for it: the library comes with an extra."""

_POLL_SECONDS = 0.1
_SECONDS_TO_FLUSH = 10.0
_SECONDS_TO_COMPLAIN = 30.0
_MOST_MESSAGES = 50_000
_MOST_KILOBYTES = 64 * 1024
_DEFAULTS: Mapping[str, Any] = {
    # A client waits for its answer meanwhile.
    "delivery.timeout.ms": 10_000,
    "linger.ms": 5,
    "compression.type": "lz4",
}
_OWN_OPTIONS: Mapping[str, Any] = {
    "enable.idempotence": True,
    "acks": "all",
    "queue.buffering.max.messages": _MOST_MESSAGES,
    "queue.buffering.max.kbytes": _MOST_KILOBYTES,
    # The same partition for a customer as Kafka's own clients choose.
    "partitioner": "murmur2_random",
    # What it logs would go to standard error, among what the program says.
    "log_level": 0,
}


@dataclass(frozen=True, slots=True)
class PublishedTopic:
    """Where events are published: brokers (`host:port,…`), a topic, and options of the client with secrets in them.

    `account_header` is the header that names the account of each message; empty if there is none.
    """

    brokers: str
    topic: str
    options: Mapping[str, str] = field(repr=False)
    account_header: str = ""

    def producer(self, **more: Any) -> Producer:
        """Return a producer; what the promises depend on wins over the options."""
        from confluent_kafka import Producer  # noqa: PLC0415 - its library comes with an extra

        options: dict[str, Any] = {
            **_DEFAULTS,
            "bootstrap.servers": self.brokers,
            **more,
            **self.options,
            **_OWN_OPTIONS,
        }
        return Producer(options)

    def check(self) -> None:
        """Raise KafkaException if no producer can be set up. No broker is asked."""
        self.producer()


class _Sent:
    """The messages of one chunk, and the first error. `settled` is set in the loop once none is left.

    `too_large` are those that were refused for their size, or for that of others that were sent together with them.
    """

    def __init__(self, count: int) -> None:
        self.settled = asyncio.Event()
        self.error: KafkaError | None = None
        self.too_large: list[_Keyed] = []
        self._left = count
        self._loop = asyncio.get_running_loop()

    def note(self, error: KafkaError | None, message: Message | None) -> None:
        """Note what the brokers answer for one message. Only the thread of the publisher calls it."""
        if error is not None and message is not None and error.code() == _MSG_SIZE_TOO_LARGE:
            key = message.key()
            self.too_large.append((message.value() or b"", key.decode() if isinstance(key, bytes) else key))
        else:
            self.error = self.error or error
        self._left -= 1
        if not self._left:
            # The loop may have ended, if the brokers took long.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.settled.set)


class Publisher:
    """Publishes chunks. What it returns from is on as many brokers as the topic requires (`min.insync.replicas`).

    `most_bytes` is the most that one event may have.
    """

    def __init__(self, topic: PublishedTopic, notify: Observer, most_bytes: int) -> None:
        self._topic = topic
        self._notify = notify
        self._most_bytes = most_bytes
        self._loop = asyncio.get_running_loop()
        self._producer = self._new_producer()
        # A producer that has failed must not be replaced while it is given messages.
        self._lock = threading.Lock()
        self._has_failed = False
        self._complained_at = -_SECONDS_TO_COMPLAIN
        self._ending = threading.Event()
        self._planners: dict[str, ChunkPlanner] = {}
        self._names: Mapping[str, str] = {}

    def use(self, accounts: Mapping[str, Destination]) -> None:
        """Name accounts from now on as the configuration does."""
        # Requests of those that it had before may still be on their way.
        self._names = {**self._names, **{account_of(destination): name for name, destination in accounts.items()}}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Publisher]:
        """Take answers of the brokers for as long as the block lasts, and then what is left of them."""
        # Its own thread, since the client calls back where it is polled.
        polling = threading.Thread(target=self._poll, name="kafka producer", daemon=True)
        polling.start()
        try:
            yield self
        finally:
            self._ending.set()
            await asyncio.to_thread(polling.join, _SECONDS_TO_FLUSH + 1)

    async def publish(self, chunk: Chunk, destination: Destination, account: str) -> Receipt:
        """Publish the texts of a chunk; return its receipt once the brokers have all of them.

        The key of a message is the customer of its event. An event that is rejected is published too: the worker that
        reads it keeps it as a dead letter. Raises BusyError if the brokers do not take everything in time; some of it
        may be published then, and if it is sent again, the worker knows it by its ID. Raises AnswerError if they will
        never take some of it.
        """
        receipt, keys = self._planned(chunk, destination, account)
        texts = [*zip(chunk.places, chunk.texts, strict=True), *((text.place, text.text) for text in chunk.unreadable)]
        if texts:
            await self._send_all([(text, keys.get(place)) for place, text in texts], self._headers(account))
            self._notify(Notice(kind="accepted", account=account, events=len(texts)))
        return receipt

    def _headers(self, account: str) -> _Headers:
        return [(self._topic.account_header, self._names[account])] if self._topic.account_header else []

    async def _send_all(self, messages: Sequence[_Keyed], headers: _Headers) -> None:
        """Send messages, and see that each is in the topic. Raises BusyError and AnswerError."""
        left = await self._send(messages, headers)
        if len(left) > 1:
            # The client sends many in one batch, and does not divide it where the topic takes only smaller ones.
            left = [message for one in left for message in await self._send([one], headers)]
        if left:
            size = max(len(text) for text, _ in left)
            told = f"{len(left)} of the events are too large for Kafka ({size:,} bytes). The others are in the topic."
            raise AnswerError(400, "too_large", told)

    async def _send(self, messages: Sequence[_Keyed], headers: _Headers) -> list[_Keyed]:
        """Send messages, wait for the brokers' answers, and return those that are too large. Raises BusyError."""
        from confluent_kafka import KafkaException  # noqa: PLC0415 - its library comes with an extra

        sent = _Sent(len(messages))
        with self._lock:
            if len(self._producer) + len(messages) > _MOST_MESSAGES:
                raise BusyError("too many events wait for the brokers of Kafka")
            try:
                for text, key in messages:
                    self._producer.produce(self._topic.topic, text, key, on_delivery=sent.note, headers=headers)
            except (BufferError, KafkaException) as error:
                raise BusyError(f"Kafka takes no more events: {_text(error)}") from None
        await sent.settled.wait()
        if sent.error is not None:
            raise BusyError(f"the brokers of Kafka do not take the events: {sent.error.str()}")
        return sent.too_large

    def _planned(self, chunk: Chunk, destination: Destination, account: str) -> tuple[Receipt, Mapping[int, str]]:
        """Return the receipt of a chunk, and the customers of its events by their places."""
        planner = self._planners.get(destination.fingerprint)
        if planner is None:
            # A reload may have changed it, and then the earlier one is not used any more.
            self._planners.clear()
            planner = ChunkPlanner(destination, account, keeps_requests=False)
            self._planners[destination.fingerprint] = planner
        fields = owner_fields(destination.definition)
        planned = planner.plan([chunk], None)
        keys: dict[int, str] = {}
        for queued in planned.batches:
            names = fields.get(queued.batch.action, ())
            for position, payload in enumerate(queued.batch.payloads):
                customer = next((payload[name] for name in names if payload.get(name)), None)
                if customer is not None:
                    keys.setdefault(queued.origins.places[position], str(customer))
        return planned.receipts[0], keys

    def _poll(self) -> None:
        while not self._ending.is_set():
            self._producer.poll(_POLL_SECONDS)
            if self._has_failed:
                self._replace()
        self._producer.flush(_SECONDS_TO_FLUSH)

    def _replace(self) -> None:
        """Go on with another producer, and let what the failed one was given end with an error."""
        failed = self._producer
        with self._lock:
            self._has_failed, self._producer = False, self._new_producer()
        failed.purge()
        failed.flush(_SECONDS_TO_FLUSH)

    def _note_error(self, error: KafkaError) -> None:
        """Report that the brokers do not answer, now and then. Only the thread of the publisher calls it."""
        self._has_failed = self._has_failed or error.fatal()
        now = time.monotonic()
        if now - self._complained_at >= _SECONDS_TO_COMPLAIN:
            self._complained_at = now
            notice = Notice(kind="unreachable", file=f"kafka:{self._topic.topic}", error=error.str())
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._notify, notice)

    def _new_producer(self) -> Producer:
        largest = 2 * self._most_bytes + 1_000_000
        return self._topic.producer(**{"message.max.bytes": largest, "error_cb": self._note_error})


def _text(error: BaseException) -> str:
    with contextlib.suppress(AttributeError, IndexError):
        return str(error.args[0].str())
    return str(error)

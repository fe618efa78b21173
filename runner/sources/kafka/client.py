"""The client of a topic: what the reader asks the brokers, with a limit of time for each question."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # it is documented there

from ...configuration.kafka_options import CONSUMER_OPTIONS
from ..contract import SourceError
from .checkpoints import Committed, Log, Position
from .damage import offset_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from confluent_kafka.admin._metadata import ClusterMetadata

    from .address import Bound, KafkaAddress

_SECONDS_TO_ANSWER = 10.0
_SECONDS_TO_CLOSE = 15.0
_NO_GROUP = "kable-destination"
"""A consumer must have a group, also where it neither joins nor commits."""

_NEWER_PROTOCOL = "consumer"
_OWN_OPTIONS: Mapping[str, Any] = {
    # Offsets are committed once the outbox has the events, never because they were handed out.
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # Any other value skips events without a word when a checkpoint is older than the log.
    "auto.offset.reset": "error",
    "check.crcs": True,
    "enable.partition.eof": True,
    "allow.auto.create.topics": False,
    # Memory: what librdkafka fetches ahead, and the largest answers.
    "queued.max.messages.kbytes": 16 * 1024,
    "queued.min.messages": 20_000,
    "fetch.max.bytes": 8 * 1024 * 1024,
    "max.partition.fetch.bytes": 1024 * 1024,
    # What it logs would go to standard error, among what the program says.
    "log_level": 0,
}
_DEFAULTS: Mapping[str, Any] = {
    "isolation.level": "read_committed",
    "max.poll.interval.ms": 300_000,
}


class TopicClient:
    """A consumer of one topic. Its methods raise KafkaException if the brokers do not answer in time."""

    def __init__(self, address: KafkaAddress, options: Mapping[str, str], failed: Callable[[str], None]) -> None:
        self._topic = address.topic
        self._options = _consumer_options(address, options)
        self._failed = failed
        self._refusal: str | None = None
        self._latest = ""
        self.consumer = Consumer({**self._options, "error_cb": self._note_error})
        shared = {name: value for name, value in options.items() if name not in CONSUMER_OPTIONS}
        self._admin = AdminClient({**shared, "bootstrap.servers": address.brokers, "log_level": 0})
        self._asked: Future[Any] | None = None
        self._ends: dict[int, Future[Any]] = {}
        self._known_ends: dict[int, int] = {}

    def partitions(self) -> list[int]:
        """Return the numbers of the partitions. Raises SourceError if there is no such topic, or a login is refused."""
        found = self._metadata().topics[self._topic]
        if found.error is not None:
            raise SourceError(f"the topic {self._topic} cannot be read: {found.error.str()}")
        return sorted(found.partitions)

    def _metadata(self) -> ClusterMetadata:
        """Ask for the topic. A refused login is not an answer: the client tries again, and reports it elsewhere."""
        end = time.monotonic() + _SECONDS_TO_ANSWER
        while True:
            try:
                found: ClusterMetadata = self.consumer.list_topics(self._topic, timeout=1)
            except KafkaException as error:
                # The client calls back where it is polled.
                self.consumer.poll(0)
                if self._refusal is not None:
                    raise SourceError(self._refusal) from None
                if time.monotonic() > end:
                    raise SourceError(f"no broker answers: {self._latest or error_text(error)}") from None
            else:
                return found

    def _note_error(self, error: KafkaError) -> None:
        if error.code() in _REFUSALS:
            self._refusal = error.str()
        self._latest = error.str()
        self._failed(self._latest)

    def topic_id(self) -> str:
        """Return the ID of the topic; empty if the brokers do not say."""
        self._asked = None
        return self._answered(self._ask(), _SECONDS_TO_ANSWER) or ""

    def look_for_other_id(self) -> str | None:
        """Return the ID of the topic if the brokers have answered, and ask for it again; None if they have not."""
        found = None
        if (asked := self._asked) is not None and asked.done():
            # First: an answer that is an error is taken once, too.
            self._asked = None
            found = self._answered(asked, 0)
        if self._asked is None:
            self._asked = self._ask()
        return found

    def log(self, partition: int, topic_id: str) -> Log:
        """Return what a partition holds."""
        of = TopicPartition(self._topic, partition)
        low, high = self.consumer.get_watermark_offsets(of, timeout=_SECONDS_TO_ANSWER)
        return Log(topic_id, low, high)

    def end(self, partition: int) -> int | None:
        """Return the offset after the last one that may be read, as the latest answer says; None if there was none."""
        try:
            known = self.consumer.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True)
        except KafkaException:
            return None
        return known[1] if known[1] >= 0 else None

    def lag(self, partition: int, position: int) -> int | None:
        """Return how many offsets a position is behind, as the last answers say; None if there was none."""
        # What came with the last events may be newer.
        known = [end for end in (self._last_end(partition), self.end(partition)) if end is not None]
        return max(0, max(known) - position) if known else None

    def _last_end(self, partition: int) -> int | None:
        """Return the end of a partition as the brokers said it last, and ask them again; None if they have not yet.

        With the events alone, nothing would show how far a topic grows while nothing of it is fetched.
        """
        asked = self._ends.get(partition)
        if asked is None or asked.done():
            latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # it brings no types
            of = TopicPartition(self._topic, partition)
            self._ends[partition] = self._admin.list_offsets({of: latest}, request_timeout=_SECONDS_TO_ANSWER)[of]
        if asked is not None and asked.done():
            with suppress(KafkaException):
                self._known_ends[partition] = int(asked.result().offset)
        return self._known_ends.get(partition)

    def committed(self, partitions: Iterable[int]) -> dict[int, Committed]:
        """Return what the group has committed."""
        # By the consumer: the admin client ends the whole process (SIGABRT) if brokers go while it asks for a group.
        asked = [TopicPartition(self._topic, number) for number in partitions]
        found = self.consumer.committed(asked, timeout=_SECONDS_TO_ANSWER)
        for item in found:
            if item.error is not None:
                raise KafkaException(item.error)
        return {
            item.partition: Committed(item.offset, item.metadata or "", item.leader_epoch)
            if item.offset >= 0
            else Committed()
            for item in found
        }

    def offset_at(self, bound: Bound, partition: int, log: Log) -> int:
        """Return the offset that a bound means in a partition; the end if it is a time after all events."""
        if bound.offsets:
            return bound.offsets[partition]
        if bound.time is None:
            return log.high if bound.end == "latest" else log.low
        (found,) = self.consumer.offsets_for_times(
            [TopicPartition(self._topic, partition, bound.time)], timeout=_SECONDS_TO_ANSWER
        )
        if found.error is not None:
            raise KafkaException(found.error)
        return found.offset if found.offset >= 0 else log.high

    def offset_after(self, offset: int, partition: int, log: Log) -> int:
        """Return where a partition can be read again after damage at an offset. Raises TimeoutError."""
        return offset_after(self._options, self._topic, partition, offset, log.high)

    def fetch(self, positions: Mapping[int, Position]) -> None:
        """Fetch partitions from some positions on."""
        self.consumer.incremental_assign([self._at(number, position) for number, position in positions.items()])

    def fetch_no_more(self, partitions: Sequence[int]) -> None:
        """Fetch partitions no more, and forget what was fetched ahead."""
        self.consumer.incremental_unassign([TopicPartition(self._topic, number) for number in partitions])

    def commit(self, positions: Mapping[int, Position], outbox: str) -> None:
        """Commit positions, with the name of the outbox. Whether Kafka takes them makes no difference."""
        offsets = [self._at(number, position, outbox) for number, position in positions.items()]
        with suppress(KafkaException):
            self.consumer.commit(offsets=offsets, asynchronous=True)

    def close(self, positions: Mapping[int, Position], outbox: str) -> None:
        """Commit what is left, and leave the group. It may hang, and then it is left alone."""

        def close() -> None:
            if positions:
                offsets = [self._at(number, position, outbox) for number, position in positions.items()]
                with suppress(KafkaException):
                    self.consumer.commit(offsets=offsets, asynchronous=False)
            with suppress(KafkaException, RuntimeError):
                self.consumer.close()

        # A daemon, since a broker that does not answer must not keep the program from ending.
        closing = threading.Thread(target=close, name="kafka closing", daemon=True)
        closing.start()
        closing.join(_SECONDS_TO_CLOSE)

    def _at(self, number: int, position: Position, metadata: str | None = None) -> TopicPartition:
        epoch = -1 if position.epoch is None else position.epoch
        if metadata is None:
            return TopicPartition(self._topic, number, position.offset, leader_epoch=epoch)
        return TopicPartition(self._topic, number, position.offset, metadata, epoch)

    def _ask(self) -> Future[Any]:
        topics = TopicCollection([self._topic])
        asked: Future[Any] = self._admin.describe_topics(topics, request_timeout=_SECONDS_TO_ANSWER)[self._topic]
        return asked

    @staticmethod
    def _answered(asked: Future[Any], seconds: float) -> str | None:
        """Return the ID in an answer; None if brokers are too old for it, or do not allow the question."""
        try:
            found = str(asked.result(seconds + 1).topic_id)
        except KafkaException as error:
            if error.args[0].code() in _TEMPORARY:
                raise
            return None
        return "" if found == _NO_ID else found


REFUSED = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._LOG_TRUNCATION}
"""What the client says where brokers do not have the offset that was asked for."""

_TEMPORARY = {
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.REQUEST_TIMED_OUT,
}
DENIED = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}
"""What the client says where a rule denies reading. What was asked for ends by a timeout then."""

_PASSING = {
    KafkaError._TIMED_OUT,
    *(KafkaError._WAIT_COORD, KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE),
    *(KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE),
}
_REFUSALS = {KafkaError._AUTHENTICATION, KafkaError._SSL}
_NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"


def is_passing(error: BaseException) -> bool:
    """Return whether an error is one of the moment: brokers elect who is responsible for something."""
    return isinstance(error, KafkaException) and error.args[0].code() in _PASSING


def error_text(error: BaseException) -> str:
    """Return what an error of the client says, without its numbers."""
    with suppress(AttributeError, IndexError):
        return str(error.args[0].str())
    return str(error) or type(error).__name__


def check_consumer(address: KafkaAddress, options: Mapping[str, str]) -> None:
    """Raise KafkaException if the client cannot be set up with some options. No broker is asked."""
    Consumer(_consumer_options(address, options)).close()


def _consumer_options(address: KafkaAddress, options: Mapping[str, str]) -> dict[str, Any]:
    """Return the options of a consumer: ours win where the promises depend on them."""
    own = {**_OWN_OPTIONS, "bootstrap.servers": address.brokers, "group.id": address.group or _NO_GROUP}
    if options.get("group.protocol") != _NEWER_PROTOCOL:
        own["partition.assignment.strategy"] = "cooperative-sticky"
    return {**_DEFAULTS, **options, **own}

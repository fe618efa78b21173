"""The thread that reads a topic. It polls the consumer all the time, whatever happens to what it has read."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException

from ..contract import Chunk, SourceError
from .checkpoints import HALTED_PREFIX, Position, partition_key
from .client import DENIED, REFUSED, TopicClient, error_text, is_passing
from .commits import Commits
from .damage import DAMAGED
from .held import Held
from .partition import Partition, Settled, new_partition
from .reports import Report
from .starting import Starting
from .timers import Timers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..contract import FoundCheckpoint
    from .accounts import AccountFilter
    from .address import KafkaAddress
    from .partition import HandOver
    from .reports import Reporter

POLL_SECONDS = 0.1
_FULL_MESSAGES, _FULL_BYTES = 2_000, 4 * 1024 * 1024
"""So much of one partition is handed over, even if what was handed over before is still on its way."""

_SECONDS_TO_COMMIT = 1.0
_SECONDS_TO_REPORT = 5.0
_SECONDS_TO_WATCH = 10.0
_SECONDS_TO_RETRY = 1.0
_SECONDS_TO_RESTART = 5.0
_SECONDS_TO_SETTLE = 3.0
_SECONDS_WITHOUT_ANSWER = 60.0
_SECONDS_TO_COMPLAIN = 30.0


class Reader:
    """Reads the partitions that the group gives it, or all of them up to an end (`is_bounded`).

    `find` returns checkpoints, and waits for them. `outbox` is the name that the outbox has for Kafka.
    """

    def __init__(
        self,
        address: KafkaAddress,
        options: Mapping[str, str],
        scope: str,
        hand_over: HandOver,
        *,
        find: Callable[[Sequence[str]], Sequence[FoundCheckpoint | None]],
        outbox: str,
        report: Reporter,
        is_bounded: bool,
        accounts: AccountFilter | None = None,
    ) -> None:
        self._address = address
        self._options = options
        self._scope = scope
        self._hand_over = hand_over
        self._find = find
        self._outbox = outbox
        self._report = report
        self._is_bounded = is_bounded
        self._accounts = accounts
        self._stopping = threading.Event()
        self._partitions: dict[int, Partition] = {}
        self._halted: dict[int, str] = {}
        # By number, since a partition may come back while chunks of its earlier time here are on their way.
        self._on_their_way: Counter[int] = Counter()
        self._held = Held()
        self._commits = Commits(address, outbox)
        self._timers = Timers()
        self._fault: BaseException | None = None
        self._answered_at = 0.0
        self._client: TopicClient
        self._starting: Starting

    def stop(self) -> None:
        """Read nothing more; what was handed over may still be accepted."""
        self._stopping.set()

    def run(self) -> None:
        """Read until `stop`, or to the end. Raises SourceError; one without an end begins again instead."""
        while True:
            try:
                self._read()
            except (KafkaException, SourceError, TimeoutError) as error:
                text = error_text(error)
                if self._is_bounded:
                    raise SourceError(f"{self._address.name}: {text}") from None
                self._complain(text)
            else:
                return
            if self._stopping.wait(_SECONDS_TO_RESTART):
                return

    def _read(self) -> None:
        self._fault, self._answered_at = None, time.monotonic()
        self._client = TopicClient(self._address, self._options, self._complain)
        try:
            self._begin()
            while not self._stopping.is_set() and not self._is_read:
                self._step(time.monotonic())
                if self._fault is not None:
                    raise SourceError(error_text(self._fault))
            self._let_settle()
        finally:
            positions = self._commits.due()
            self._forget([*self._partitions])
            self._client.close(positions, self._outbox)
        if self._halted and self._is_bounded:
            reasons = "; ".join(f"partition {number}: {reason}" for number, reason in sorted(self._halted.items()))
            raise SourceError(f"not read to its end: {reasons}")

    def _begin(self) -> None:
        numbers = self._client.partitions()
        self._starting = Starting(self._client, self._address, self._outbox, self._find)
        if self._is_bounded:
            for number, end in self._starting.bound(numbers).items():
                self._add([number])
                self._partitions[number].end = end
        else:
            self._client.consumer.subscribe(
                [self._address.topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )

    @property
    def _is_read(self) -> bool:
        """Whether all is read to its end and accepted, or halted."""
        return (
            self._is_bounded
            and all(found.is_done and not found.messages for found in self._partitions.values())
            and not self._on_their_way.total()
        )

    def _step(self, now: float) -> None:
        for message in self._client.consumer.consume(self._held.at_once, POLL_SECONDS):
            self._answered_at = now
            if (error := message.error()) is not None:
                self._note_error(error, message)
            elif (found := self._partitions.get(message.partition() or 0)) is not None and found.is_fetched:
                if found.finds_other(message):
                    self._begin_again(found, 0)
                else:
                    self._held.add(*found.take(message))
        self._take_settled(now)
        self._pass_on()
        self._held.look(now)
        self._go_on(now)
        if self._timers.is_due("commit", now, _SECONDS_TO_COMMIT):
            self._commit(self._commits.due())
        if self._timers.is_due("report", now, _SECONDS_TO_REPORT):
            self._report_lag(now)
        if self._timers.is_due("watch", now, _SECONDS_TO_WATCH):
            self._watch_topic()
        if self._on_their_way.total():
            # It may be the outbox that everything waits for.
            self._answered_at = now
        if self._is_bounded and now - self._answered_at > _SECONDS_WITHOUT_ANSWER:
            raise SourceError(f"no events have come for {_SECONDS_WITHOUT_ANSWER:.0f} s, and the end is not reached")

    # What the group gives and takes. Nothing here waits: the group does, as long as one of these runs.

    def _assigned(self, _consumer: Any, given: Sequence[Any]) -> None:
        try:
            self._add([item.partition for item in given])
            # Without this call the library would fetch them from where it thinks best.
            self._client.consumer.incremental_assign([])
        except KafkaException as error:
            self._fault = error

    def _revoked(self, consumer: Any, taken: Sequence[Any]) -> None:
        # The next owner continues there if it has another outbox.
        self._commit(self._commits.due([item.partition for item in taken]))
        self._lost(consumer, taken)

    def _lost(self, _consumer: Any, taken: Sequence[Any]) -> None:
        numbers = [item.partition for item in taken]
        try:
            self._client.fetch_no_more(self._fetched(numbers))
        except KafkaException as error:
            self._fault = error
        self._forget(numbers)

    def _add(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            key = partition_key(self._address, self._scope, number)
            self._partitions[number] = new_partition(self._address, key, number, self._accounts)

    def _forget(self, numbers: Iterable[int]) -> None:
        """Drop what was read of partitions and is not handed over: their new owner reads it again."""
        for number in numbers:
            if (found := self._partitions.pop(number, None)) is not None:
                found.is_gone = True
                self._report(Report("released", found.name))
                self._drop(found)
            self._commits.forget(number)
            if not self._is_bounded:
                self._halted.pop(number, None)

    def _drop(self, partition: Partition) -> None:
        self._held.add(-len(partition.messages), -partition.bytes)
        partition.reset()

    # Chunks on their way.

    def _pass_on(self) -> None:
        """Hand over what was read: at once if nothing of the partition is on its way, else when it is much."""
        for number, found in self._partitions.items():
            is_much = len(found.messages) >= _FULL_MESSAGES or found.bytes >= _FULL_BYTES
            if found.messages and (is_much or not self._on_their_way[number]):
                dropped, size = found.cut_off_beyond(self._client.end(number))
                if dropped:
                    self._held.add(-dropped, -size)
                    self._pause_at_damage(found)
                else:
                    self._pass_on_messages(found)

    def _pass_on_messages(self, partition: Partition) -> None:
        count, size = len(partition.messages), partition.bytes
        chunk, tombstones = partition.chunk(self._hand_over.settled.append)
        self._send(partition, chunk, count, size)
        if tombstones:
            self._report(Report("tombstones", partition.name, tombstones))

    def _send(self, partition: Partition, chunk: Chunk, messages: int, size: int) -> None:
        self._on_their_way[partition.number] += 1
        self._hand_over.put(partition, chunk, messages, size)

    def _take_settled(self, now: float) -> None:
        """Note what happened to chunks. Where another reader was faster, begin again at its checkpoint."""
        settled = self._hand_over.settled
        while settled:
            item: Settled = settled.popleft()
            self._on_their_way[item.partition] -= 1
            self._held.add(-item.events, -item.bytes)
            found = self._partitions.get(item.partition)
            if item.position is not None:
                if found is not None:
                    self._commits.accept(item.partition, item.position)
            elif not item.is_dropped and found is not None:
                self._begin_again(found, now + _SECONDS_TO_RETRY)

    def _begin_again(self, partition: Partition, moment: float) -> None:
        if numbers := self._fetched([partition.number]):
            self._client.fetch_no_more(numbers)
        self._drop(partition)
        partition.try_at = moment

    def _pause_at_damage(self, partition: Partition) -> None:
        """Hand over what comes before a damaged batch, so the next try begins at it."""
        if partition.messages:
            self._pass_on_messages(partition)
        self._begin_again(partition, time.monotonic() + _SECONDS_TO_RETRY)

    def _let_settle(self) -> None:
        """Wait a moment for what is on its way, so it can be committed."""
        end = time.monotonic() + _SECONDS_TO_SETTLE
        while self._on_their_way.total() and time.monotonic() < end:
            # What comes now is not handed over, so it is read again the next time.
            self._client.consumer.consume(1, POLL_SECONDS / 10)
            self._take_settled(time.monotonic())

    def _fetched(self, numbers: Iterable[int]) -> list[int]:
        """Return those that are fetched, and note that they are not any more."""
        found = [self._partitions[number] for number in numbers if number in self._partitions]
        fetched = [partition for partition in found if partition.is_fetched]
        for partition in fetched:
            partition.is_fetched = False
        return [partition.number for partition in fetched]

    # Where to continue.

    def _go_on(self, now: float) -> None:
        """Fetch the partitions whose place to continue is known, and find it out for the others."""
        done = [number for number, found in self._partitions.items() if found.is_done]
        if numbers := self._fetched(self._partitions if self._held.is_suspended(now) else done):
            self._client.fetch_no_more(numbers)
        if self._held.is_suspended(now):
            return
        unknown = [
            found
            for number, found in self._partitions.items()
            if found.position is None
            and found.try_at <= now
            and number not in self._halted
            # The checkpoint may still change.
            and not self._on_their_way[number]
        ]
        if unknown:
            self._resume(unknown, now)
        ready = {
            number: found.fetched_from
            for number, found in self._partitions.items()
            if found.position is not None and not found.is_fetched and not found.is_done
        }
        if ready:
            self._client.fetch(ready)
            for number in ready:
                self._partitions[number].is_fetched = True

    def _resume(self, partitions: Sequence[Partition], now: float) -> None:
        try:
            for found, stored, place, log in self._starting.places(partitions):
                if isinstance(place, Position):
                    self._begin_at(found, place, stored, log.low)
                elif self._address.continues:
                    self._report(Report("gap", found.name, place.events, place.reason))
                    then = log.low if place.then is None else place.then
                    self._begin_at(found, Position(then, log.topic), stored, log.low)
                else:
                    self._halt(found, place.reason)
        except (KafkaException, TimeoutError) as error:
            if self._is_bounded and not is_passing(error):
                raise
            self._complain(error_text(error))
            for found in partitions:
                found.try_at = now + _SECONDS_TO_RETRY

    def _begin_at(self, partition: Partition, position: Position, stored: FoundCheckpoint | None, low: int) -> None:
        partition.refused_at, partition.low = None, low
        partition.state = None if stored is None else stored.state
        partition.position = position
        # Before anything is read from there, so nobody begins elsewhere later. It also says that the partition is read.
        chunk, _ = partition.chunk(self._hand_over.settled.append)
        self._send(partition, chunk, 0, 0)

    def _halt(self, partition: Partition, reason: str) -> None:
        """Read a partition no more until a person acts, and keep the reason in the outbox."""
        self._halted[partition.number] = reason
        self._report(Report("halted", partition.name, error=reason))
        record = {f"{HALTED_PREFIX}{partition.name}": reason.encode()}
        self._hand_over.put(None, Chunk(partition.name, partition.key, unit="offset", records=record), 0, 0)
        if self._is_bounded:
            del self._partitions[partition.number]

    # What goes wrong, and what is reported.

    def _note_error(self, error: KafkaError, message: Any) -> None:
        code, found = error.code(), self._partitions.get(message.partition())
        if error.fatal() or (self._is_bounded and code in DENIED):
            raise SourceError(error.str())
        if code == KafkaError._PARTITION_EOF:
            if found is not None and found.is_fetched:
                found.reach_end(message.offset())
        elif found is not None and not found.is_fetched:
            # It is about what was fetched before: a client that has read a damaged batch says more than is so.
            return
        elif code in DAMAGED and found is not None:
            found.note_damage(error.str())
            self._pause_at_damage(found)
        elif code in REFUSED and found is not None:
            found.refuse(f"the brokers do not give what comes next: {error.str()}")
            self._begin_again(found, 0)
        elif code != KafkaError._MAX_POLL_EXCEEDED:
            self._complain(error.str())

    def _complain(self, text: str) -> None:
        """Report that Kafka does not answer as it should, now and then."""
        if self._timers.is_due("complain", time.monotonic(), _SECONDS_TO_COMPLAIN):
            self._report(Report("unreachable", self._address.name, error=text))

    def _watch_topic(self) -> None:
        """Look whether the topic was made again: then every checkpoint is one of another topic."""
        try:
            found = self._client.look_for_other_id()
        except KafkaException as error:
            self._complain(error_text(error))
            return
        if found and self._starting.topic_id and found != self._starting.topic_id:
            self._starting.topic_id = found
            for partition in self._partitions.values():
                self._begin_again(partition, 0)

    def _report_lag(self, now: float) -> None:
        for number, found in self._partitions.items():
            if found.position is None:
                continue
            offset = found.position.offset
            if (lag := self._client.lag(number, offset)) is not None:
                self._report(Report("lag", found.name, lag))
            readable = max(0, (self._client.end(number) or 0) - offset)
            if found.is_stuck(now, readable) and not self._held.is_full:
                self._complain(f"nothing comes of {found.name} from offset {found.position.offset:,} on")
                # The client may have lost its place in the log; a batch of wrong length makes it wait for ever.
                self._begin_again(found, 0)

    def _commit(self, positions: dict[int, Position]) -> None:
        if positions:
            self._client.commit(positions, self._outbox)
            self._commits.commit(positions)

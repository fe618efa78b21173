"""How far a partition was accepted, and where to continue from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .address import KafkaAddress

OUTBOX_KEY = "kafka outbox"
"""The key under which an outbox keeps a name of its own, which it leaves in what it commits to Kafka."""

HALTED_PREFIX = "kafka halted "
"""The records of partitions that are not read until a person acts; each value is the reason."""


LOST_END = "Kafka has lost the end of the partition, and other events may have taken its place"


class Position(msgspec.Struct, frozen=True):
    """A place in a partition: the `offset` to read next, and the `epoch` of the leader that gave what is before it.

    `topic` is the topic's ID, which a topic of the same name does not have when it is made again; empty if the brokers
    do not say.
    """

    offset: int
    topic: str = ""
    epoch: int | None = None


class Committed(NamedTuple):
    """What Kafka knows of a group: the offset to read next (None: nothing), and which outbox has said so.

    `epoch` is that of the leader that gave what is before it.
    """

    offset: int | None = None
    outbox: str = ""
    epoch: int | None = None


class Log(NamedTuple):
    """What a partition holds: the topic's ID, the oldest offset, and the next one to be written."""

    topic: str
    low: int
    high: int


class Gap(NamedTuple):
    """Why a partition cannot continue where it was left; `events` are lost, if that is known.

    `then` is where it can be read again; None for the oldest offset that there is.
    """

    reason: str
    events: int = 0
    then: int | None = None


to_state = msgspec.json.Encoder().encode
read_position = msgspec.json.Decoder(Position).decode


def partition_key(address: KafkaAddress, scope: str, partition: int) -> str:
    """Return the key of a partition's checkpoint. A backfill has checkpoints of its own."""
    of = f"range {address.range}" if address.range else f"group {address.group}"
    return f"{scope} kafka {address.topic} {of} {partition}"


def resume(stored: Position | None, committed: Committed, log: Log, outbox: str) -> Position | Gap | None:
    """Return where to continue: at the checkpoint, or at what another outbox has committed since. None: at the start.

    The checkpoint wins over a commit of the same outbox: if the commit is ahead, the outbox was restored, and what it
    had accepted is read again. A commit of another outbox is ahead if that one had the partition since.
    """
    by_other = committed.offset is not None and (not outbox or committed.outbox != outbox)
    if stored is None:
        if committed.offset is None:
            return None
        if not by_other:
            return Gap(
                "the outbox has no checkpoint of it, although it has committed one to Kafka: perhaps an older copy of "
                "the outbox was restored"
            )
        return _within(Position(committed.offset, log.topic, committed.epoch), log)
    if stored.topic and log.topic and stored.topic != log.topic:
        return Gap("the topic was deleted and made again, so the checkpoint is one of another topic")
    if by_other and committed.offset is not None and committed.offset > stored.offset:
        return _within(Position(committed.offset, log.topic, committed.epoch), log)
    return _within(stored, log)


def _within(position: Position, log: Log) -> Position | Gap:
    if position.offset < log.low:
        lost = log.low - position.offset
        return Gap(
            f"Kafka has deleted {lost:,} offsets that were not read ({position.offset:,} to {log.low - 1:,}), since "
            "they were older than it keeps",
            lost,
        )
    if position.offset > log.high:
        return Gap(f"{LOST_END}; it ends at offset {log.high:,}, but it was read to {position.offset:,}")
    return position


def halted_in(records: Mapping[str, bytes]) -> dict[str, str]:
    """Return the reason for each partition that is not read, by its name, from the records of an outbox."""
    return {key.removeprefix(HALTED_PREFIX): reason.decode() for key, reason in records.items()}

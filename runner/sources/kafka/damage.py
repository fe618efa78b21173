"""Batches of messages that cannot be read: their bytes were changed where a broker keeps them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Mapping

DAMAGED = {KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION, KafkaError._NOT_IMPLEMENTED}
"""What the client says of a batch with a wrong checksum, that cannot be decompressed, or of an unknown format."""

MOST_TRIES = 3
"""How often a batch is fetched before it counts as damaged: the fault may be the network, or one broker of several."""

_POLL_SECONDS = 0.1
_SECONDS_TO_ANSWER = 10.0
_SECONDS_TO_SEARCH = 120.0


class Damage(NamedTuple):
    """A batch that cannot be read: the offset that was to come, what the client says, and how often it was fetched."""

    offset: int
    error: str
    tries: int = 1

    def again(self, offset: int, error: str) -> Damage:
        """Return what is known after another try."""
        return Damage(offset, error, self.tries + 1 if offset == self.offset else 1)


def offset_after(options: Mapping[str, Any], topic: str, partition: int, offset: int, end: int) -> int:
    """Return the offset at which a partition can be read again after damage at an offset; the end if nowhere before.

    Brokers do not say how long a damaged batch is, so offsets further and further away are tried, and then those
    between. Raises TimeoutError.
    """
    consumer = Consumer(dict(options))
    until = time.monotonic() + _SECONDS_TO_SEARCH
    try:
        bad, step = offset, 1
        while bad + step < end and not _is_readable(consumer, TopicPartition(topic, partition, bad + step), until):
            bad, step = bad + step, step * 2
        good = min(bad + step, end)
        while good - bad > 1:
            middle = (bad + good) // 2
            if _is_readable(consumer, TopicPartition(topic, partition, middle), until):
                good = middle
            else:
                bad = middle
        return good
    finally:
        consumer.close()


def _is_readable(consumer: Consumer, at: TopicPartition, until: float) -> bool:
    """Return whether anything is read from a place on. Raises TimeoutError if the brokers do not answer."""
    consumer.assign([at])
    end = min(until, time.monotonic() + _SECONDS_TO_ANSWER)
    while time.monotonic() < end:
        for message in consumer.consume(1, _POLL_SECONDS):
            error = message.error()
            if error is None or error.code() == KafkaError._PARTITION_EOF:
                return True
            if error.code() in DAMAGED:
                return False
    raise TimeoutError(f"the brokers do not answer for offset {at.offset:,}")

"""What disks and elections do to the log of a partition, which no client can do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from confluent_kafka import Producer
from confluent_kafka.admin._metadata import PartitionMetadata
from confluent_kafka.cimpl import NewTopic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kafka_cluster import Cluster, Node

_SECONDS = 60.0


def change_byte(cluster: Cluster, topic: str, partition: int, text: bytes) -> None:
    """Change a byte of a message where the leader of its partition keeps it, as a bad disk does."""
    log = _log(cluster, topic, partition)
    found = log.read_bytes().find(text)
    assert found >= 0, f"{text!r} is not in {log}"
    with log.open("r+b") as opened:
        opened.seek(found)
        opened.write(bytes([text[0] ^ 1]))


def change_offset(cluster: Cluster, topic: str, partition: int, batch: int, offset: int) -> None:
    """Change the offset of a batch (from 0) likewise; no checksum covers it."""
    log = _log(cluster, topic, partition)
    content, start = log.read_bytes(), 0
    for _ in range(batch):
        start += 12 + int.from_bytes(content[start + 8 : start + 12])
    with log.open("r+b") as opened:
        opened.seek(start)
        opened.write(offset.to_bytes(8))


def _log(cluster: Cluster, topic: str, partition: int) -> Path:
    return cluster.leader(topic, partition).logs / f"{topic}-{partition}" / f"{0:020}.log"


class WeakTopic:
    """A topic of one partition on two nodes, either of which may lead it, also one that has missed events."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster = cluster
        self._name = name
        config = {"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}
        asked = NewTopic(name, 1, replica_assignment=[[1, 2]], config=config)
        cluster.admin.create_topics([asked])[name].result()
        self._until(lambda: self._leader == 1 and self._in_sync == 2)

    def publish(self, values: Sequence[bytes]) -> None:
        """Publish values; the leader alone confirms them."""
        producer = Producer({"bootstrap.servers": self._cluster.brokers, "acks": 1, "log_level": 0})
        for value in values:
            producer.produce(self._name, value, partition=0)
        assert producer.flush(_SECONDS) == 0

    def publish_to_leader_only(self, values: Sequence[bytes]) -> None:
        """Publish values that the other node misses: it is killed before."""
        self._follower.kill()
        # Until then nobody may read them.
        self._until(lambda: self._in_sync == 1)
        self.publish(values)

    def lead_with_follower(self) -> None:
        """Let the node lead that was killed before: it comes back as the leader is killed."""
        self._cluster.nodes[1].kill()
        self._follower.start()
        self._until(lambda: self._leader == self._follower.number)

    @property
    def _follower(self) -> Node:
        return self._cluster.nodes[2]

    @property
    def _leader(self) -> int:
        return self._partition.leader

    @property
    def _in_sync(self) -> int:
        return len(self._partition.isrs)

    @property
    def _partition(self) -> PartitionMetadata:
        topics = self._cluster.admin.list_topics(self._name, timeout=10).topics
        return topics[self._name].partitions.get(0) or PartitionMetadata()

    @staticmethod
    def _until(look: Callable[[], bool]) -> None:
        end = time.monotonic() + _SECONDS
        while not look():
            assert time.monotonic() < end
            time.sleep(0.1)

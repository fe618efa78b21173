"""`deliver --from` on a real cluster: what a topic holds arrives once, and what is lost is never passed over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer, TopicPartition

from kafka_workers import event, new_topic

if TYPE_CHECKING:
    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox
    from kafka_cluster import Cluster


@pytest.fixture
def topic(cluster: Cluster) -> str:
    """A topic with two partitions."""
    name = new_topic()
    cluster.create_topic(name, 2)
    return name


class Delivering:
    """Runs `deliver --from` for a topic."""

    def __init__(self, command_line: CommandLine, sandbox: RunningSandbox, cluster: Cluster, topic: str) -> None:
        self.topic = topic
        self._command_line = command_line
        self._sandbox = sandbox
        self._cluster = cluster

    def __call__(self, query: str, *options: str) -> Run:
        """Run it, with the query of the address."""
        address = f"kafka://{self._cluster.brokers}/{self.topic}?{query}"
        common = ("--base-url", self._sandbox.base_url, "--report", "report.json")
        return self._command_line("deliver", "--from", address, *common, *options)

    def delivered(self) -> list[str]:
        """Return the IDs of what arrived, sorted."""
        return sorted(found["transactionId"] for found in self._sandbox.ledger.events)


@pytest.fixture
def deliver(command_line: CommandLine, sandbox: RunningSandbox, cluster: Cluster, topic: str) -> Delivering:
    """A delivery of the topic."""
    return Delivering(command_line, sandbox, cluster, topic)


def ids(*numbers: int) -> list[str]:
    return sorted(f"message {number}" for number in numbers)


def test_a_topic_is_delivered_to_its_end_and_the_next_run_goes_on_there(
    cluster: Cluster, deliver: Delivering, command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    cluster.publish(deliver.topic, [event(number) for number in range(300)])
    run = deliver("group=g")
    assert (run.code, run.report["delivered"], run.report["read"]) == (0, 300, 300), run.err
    cluster.publish(deliver.topic, [event(number) for number in range(300, 310)])
    run = deliver("group=g")
    assert (run.code, run.report["read"]) == (0, 10), run.err
    # A name that nothing was read under reads again, and the outbox knows the events.
    run = deliver("group=other")
    assert (run.report["read"], run.report["requests"]) == (310, 0), run.report
    assert deliver.delivered() == ids(*range(310))
    assert sandbox.ledger.duplicates == 0
    assert "not read" not in command_line("status").out


def test_what_is_no_event_stops_nobody_and_is_kept(
    cluster: Cluster, deliver: Delivering, command_line: CommandLine
) -> None:
    batch = b'{"batch": [%s, %s], "sentAt": "2026-11-30T06:00:00Z"}' % (event(1), event(2))
    long = b'{"type": "track", "x": "%s"}' % (b"x" * 900_000)
    values = [event(0), b"{broken", None, b"", b"\xff\xfe", b"[1]", long, batch, event(3)]
    cluster.publish(deliver.topic, values, partition=1)
    run = deliver("group=g", "--dead-letters", "letters.ndjson")
    assert deliver.delivered() == ids(0, 1, 2, 3)
    letters = [(letter["line"], letter["reason"], letter["file"]) for letter in run.letters]
    name = f"kafka:{deliver.topic}/1"
    assert letters == [*((offset, "unreadable", name) for offset in (1, 3, 4, 5)), (6, "rejected", name)]
    assert "5 dead-lettered" in run.out
    # Nothing of it is read again.
    assert deliver("group=g").report["read"] == 0
    assert command_line("status").out.count("unreadable") == 1


def test_only_what_a_transaction_has_committed_is_delivered_and_its_markers_are_no_events(
    cluster: Cluster, deliver: Delivering
) -> None:
    options: dict[str, str | int] = {"bootstrap.servers": cluster.brokers, "transactional.id": deliver.topic}
    producer = Producer({**options, "log_level": 0})
    producer.init_transactions(30)
    for end in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        producer.produce(deliver.topic, event(0 if end == producer.commit_transaction else 1), partition=0)
        end(30)
    # The partition ends with a marker, which nobody is given.
    run = deliver("group=g")
    assert (run.code, deliver.delivered()) == (0, ids(0)), run.out
    assert deliver("group=g").code == 0


def test_headers_are_context_and_the_event_wins(
    cluster: Cluster, deliver: Delivering, command_line: CommandLine
) -> None:
    own = json.loads(event(1))
    own["context"] = {"kafka": {"headers": {"tenant": "own"}}, "ip": "1.2.3.4"}
    headers: list[tuple[str, str | bytes | None]] = [
        ("tenant", "old"),
        ("tenant", b"new"),
        ("bad", b"\xff"),
        ("no", None),
    ]
    cluster.publish(deliver.topic, [event(0), json.dumps(own).encode()], headers=headers, partition=0)
    (command_line.folder / "kable.toml").write_text("""
[[subscriptions]]
partnerAction = "track"
subscribe = 'type = "track"'
[subscriptions.mapping]
clientId = { "@path" = "$.userId" }
transactionId = { "@path" = "$.messageId" }
timestamp = { "@path" = "$.timestamp" }
data = { "@path" = "$.context" }
""")
    run = deliver("group=g", "--config", "kable.toml", "--dry-run")
    assert '"headers":{"tenant":"new"}' in run.out.replace(" ", ""), run.out + run.err
    assert '"headers":{"tenant":"own"}' in run.out.replace(" ", "")


def test_a_range_of_offsets_or_times_is_read_once_and_moves_no_group(cluster: Cluster, deliver: Delivering) -> None:
    cluster.publish(deliver.topic, [event(number) for number in range(10)], partition=0)
    cluster.publish(deliver.topic, [event(number) for number in range(10, 20)], partition=1)
    run = deliver("from=0:3,1:8&to=0:5,1:100")
    assert (run.code, deliver.delivered()) == (0, ids(3, 4, 18, 19)), run.err
    assert deliver("from=0:3,1:8&to=0:5,1:100").report["read"] == 0
    # From the year 2000 on, and to a moment before all of them.
    assert deliver("from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00Z").report["read"] == 0
    assert deliver("from=2000-01-01T00:00:00Z&to=latest").report["read"] == 20
    assert deliver("group=g").report["read"] == 20
    assert deliver.delivered() == ids(*range(20))


def test_events_that_kafka_has_deleted_stop_their_partition_with_the_reason(
    cluster: Cluster, deliver: Delivering, command_line: CommandLine
) -> None:
    cluster.publish(deliver.topic, [event(number) for number in range(10)], partition=0)
    assert deliver("group=g").code == 0
    cluster.publish(deliver.topic, [event(number) for number in range(10, 20)], partition=0)
    cluster.publish(deliver.topic, [event(number) for number in range(20, 25)], partition=1)
    cluster.admin.delete_records([TopicPartition(deliver.topic, 0, 15)])
    for _ in range(100):
        if cluster.low(deliver.topic, 0) == 15:
            break
    run = deliver("group=g")
    reason = "Kafka has deleted 5 offsets that were not read (10 to 14), since they were older than it keeps"
    assert run.code != 0
    assert f"not read to its end: partition 0: {reason}" in " ".join(run.out.split()), run.out
    # The other one is read.
    assert deliver.delivered() == ids(*range(10), *range(20, 25))
    status = command_line("status").out
    assert f"kafka:{deliver.topic}/0 is not read: {reason}" in " ".join(status.split())
    told = json.loads(command_line("status", "--json").out)["halted"]
    assert told == {f"kafka:{deliver.topic}/0": reason}

    run = deliver("group=g&lost=continue")
    assert run.code == 0, run.out
    assert f"continues where it can be read again: {reason}" in run.err
    assert deliver.delivered() == ids(*range(10), *range(15, 25))
    assert "is not read" not in command_line("status").out


def test_a_topic_that_was_made_again_is_another_one(
    cluster: Cluster, deliver: Delivering, command_line: CommandLine
) -> None:
    cluster.publish(deliver.topic, [event(number) for number in range(10)], partition=0)
    assert deliver("group=g").code == 0
    cluster.delete_topic(deliver.topic)
    cluster.create_topic(deliver.topic, 2)
    cluster.publish(deliver.topic, [event(number) for number in range(10, 30)], partition=0)
    run = deliver("group=g")
    assert run.code != 0
    assert "the topic was deleted and made again" in run.out
    assert deliver.delivered() == ids(*range(10))
    run = deliver("group=g&lost=continue")
    assert run.code == 0, run.out
    assert deliver.delivered() == ids(*range(30))
    assert "halted" in command_line("status", "--json").out


def test_another_outbox_goes_on_where_the_group_is_and_a_restored_one_reads_again(
    cluster: Cluster, deliver: Delivering, command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    folder = command_line.folder
    cluster.publish(deliver.topic, [event(number) for number in range(10)])
    assert deliver("group=g", "--outbox", "a.sqlite").code == 0
    (folder / "older.sqlite").write_bytes((folder / "a.sqlite").read_bytes())
    cluster.publish(deliver.topic, [event(number) for number in range(10, 20)])
    assert deliver("group=g", "--outbox", "b.sqlite").report["read"] == 10
    cluster.publish(deliver.topic, [event(number) for number in range(20, 30)])
    assert deliver("group=g", "--outbox", "a.sqlite").report["read"] == 10
    assert sandbox.ledger.duplicates == 0
    # Kafka's commit is ahead of this copy, but it is of the same outbox: what it had accepted is lost with it.
    assert deliver("group=g", "--outbox", "older.sqlite").report["read"] == 20
    assert deliver.delivered() == ids(*range(30))

"""Logs that are damaged or cut off, on a real cluster: a partition stops, with the reason, or skips what is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kafka_logs import WeakTopic, change_byte, change_offset
from kafka_workers import event, new_topic, running_workers

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from kafka_cluster import Cluster


def test_a_damaged_batch_stops_its_partition_or_is_skipped_if_somebody_says_so(
    cluster: Cluster, sandbox: RunningSandbox, command_line: CommandLine
) -> None:
    topic = new_topic()
    cluster.create_topic(topic, 2)
    for first in (0, 10, 20):
        cluster.publish(topic, [event(number) for number in range(first, first + 10)], partition=0)
    cluster.publish(topic, [event(30)], partition=1)
    change_byte(cluster, topic, 0, b"message 15")
    with running_workers(cluster, sandbox, command_line.folder, topic=topic) as workers:
        workers.start()
        reason = "the batch of messages at offset 10 is damaged"
        workers.until(lambda: reason in workers.log())
        # The other partition is read, and this one to the damage.
        workers.until_delivered([*range(10), 30])
        cluster.publish(topic, [event(31)], partition=1)
        workers.until_delivered([*range(10), 30, 31])
        halted = json.loads(command_line("status", "--json").out)["halted"]
        assert list(halted) == [f"kafka:{topic}/0"]
        assert reason in halted[f"kafka:{topic}/0"]
        assert workers.end() == [0]
        workers.start(query="&lost=continue")
        workers.until(lambda: "gap" in workers.log())
        workers.until_delivered([*range(10), *range(20, 32)])
        assert "it can be read again at offset 20" in workers.log()
        workers.until(lambda: "is not read" not in command_line("status").out)
        workers.end()


def test_a_batch_with_a_wrong_offset_does_not_hide_those_that_follow(
    cluster: Cluster, sandbox: RunningSandbox, command_line: CommandLine
) -> None:
    topic = new_topic()
    cluster.create_topic(topic, 1)
    for first in (0, 10, 20):
        cluster.publish(topic, [event(number) for number in range(first, first + 10)], partition=0)
    change_offset(cluster, topic, 0, batch=1, offset=5_000)
    with running_workers(cluster, sandbox, command_line.folder, topic=topic) as workers:
        workers.start()
        reason = "the batch of messages at offset 10 is damaged: a message has offset 5,000"
        workers.until(lambda: reason in workers.log())
        workers.until_delivered(range(10))
        workers.end()


def test_a_range_with_a_damaged_batch_is_not_said_to_be_read(
    cluster: Cluster, sandbox: RunningSandbox, command_line: CommandLine
) -> None:
    topic = new_topic()
    cluster.create_topic(topic, 1)
    cluster.publish(topic, [event(number) for number in range(5)])
    cluster.publish(topic, [event(number) for number in range(5, 10)])
    change_byte(cluster, topic, 0, b"message 7")
    address = f"kafka://{cluster.brokers}/{topic}?from=earliest"
    run = command_line("deliver", "--from", address, "--base-url", sandbox.base_url)
    assert run.code == 1, run.out
    assert "not read to its end: partition 0: the batch of messages at offset 5 is damaged" in run.out
    assert len(sandbox.ledger.events) == 5
    run = command_line("deliver", "--from", f"{address}&lost=continue", "--base-url", sandbox.base_url)
    assert run.code == 0, run.out
    assert "it can be read again at offset 10" in run.err


def test_a_partition_that_has_lost_its_end_stops_although_others_have_filled_it_up(
    own_cluster: Cluster, sandbox: RunningSandbox, command_line: CommandLine
) -> None:
    topic = new_topic()
    log = WeakTopic(own_cluster, topic)
    log.publish([event(number) for number in range(10)])
    address = f"kafka://{own_cluster.brokers}/{topic}?group=g"
    command = ("deliver", "--base-url", sandbox.base_url, "--from")
    assert command_line(*command, address).code == 0
    log.publish_to_leader_only([event(number) for number in range(10, 20)])
    assert command_line(*command, address).code == 0
    assert len(sandbox.ledger.events) == 20
    log.lead_with_follower()
    # Offset 20 is there again, and what was accepted before it is not what is there now.
    log.publish([event(number) for number in range(20, 45)])
    run = command_line(*command, address)
    assert run.code != 0, run.out
    assert "Kafka has lost the end of the partition" in run.out
    assert len(sandbox.ledger.events) == 20
    run = command_line(*command, f"{address}&lost=continue")
    assert run.code == 0, run.out
    assert sorted(found["transactionId"] for found in sandbox.ledger.events) == sorted(
        f"message {number}" for number in range(45)
    )
    assert sandbox.ledger.duplicates == 0

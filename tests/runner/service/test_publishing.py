"""`serve --to` on a real cluster: an event is confirmed once the brokers have it, and arrives by `deliver --from`."""

from __future__ import annotations

import json
import secrets
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from kafka_workers import EVENTS, new_topic
from publishing_service import batch, serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from kafka_cluster import Cluster


def sized(numbers: Sequence[int], size: int) -> dict[str, Any]:
    """Return a batch of events of about this size, which cannot be compressed much."""
    made = batch(*numbers)
    for item in made["batch"]:
        item["properties"]["x"] = secrets.token_hex(size // 2)
    return made


def published(cluster: Cluster, topic: str, count: int) -> list[tuple[int, bytes, str]]:
    """Return partition, key and ID of the first messages of a topic."""
    consumer = Consumer({"bootstrap.servers": cluster.brokers, "group.id": "tests", "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(4)])
    try:
        found = consumer.consume(count, 30)
        return [
            (message.partition() or 0, message.key() or b"", json.loads(message.value() or b"")["messageId"])
            for message in found
        ]
    finally:
        consumer.close()


def test_what_is_confirmed_is_in_the_topic_by_customer_and_a_worker_delivers_it(
    cluster: Cluster, command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    topic = new_topic()
    cluster.create_topic(topic)
    with serving(command_line, f"kafka://{cluster.brokers}/{topic}") as client:
        assert client.post("/v1/batch", json=batch(*range(20))).json() == {"success": True}
        found = published(cluster, topic, 20)
        assert client.post("/v1/track", json={"userId": "u", "event": "no time", "messageId": "m"}).status_code == 200
        assert client.get("/readyz").status_code == 200
        # It bills customers by their own keys, which a topic does not have.
        assert client.post("/segment", json={}).status_code == 404
    assert sorted(name for _, _, name in found) == sorted(f"message {number}" for number in range(20))
    of_customer = {key: {partition for partition, other, _ in found if other == key} for _, key, _ in found}
    assert sorted(of_customer) == [f"customer {number}".encode() for number in range(7)]
    assert all(len(partitions) == 1 for partitions in of_customer.values())
    assert not (command_line.folder / "outbox.sqlite").exists()
    run = command_line(
        *("deliver", "--from", f"kafka://{cluster.brokers}/{topic}?group=g", "--base-url", sandbox.base_url)
    )
    assert run.code == 0, run.out + run.err
    assert len(sandbox.ledger.events) == 21


def test_brokers_that_do_not_answer_confirm_nothing(
    own_cluster: Cluster, command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    topic = new_topic()
    own_cluster.create_topic(topic, 1)
    leader = own_cluster.leader(topic)
    address = f"kafka://{own_cluster.brokers}/{topic}"
    with serving(command_line, f"{address}?delivery.timeout.ms=1000&linger.ms=5") as client:
        assert client.post("/v1/batch", json=batch(0)).status_code == 200
        with leader.paused():
            refused = client.post("/v1/batch", json=batch(1, 2))
            assert refused.status_code == 429, refused.text
            assert refused.headers["Retry-After"]
            assert "Kafka" in refused.json()["message"]
            assert client.get("/readyz").status_code == 503
        # As an SDK does: the same again.
        for _ in range(60):
            again = client.post("/v1/batch", json=batch(1, 2))
            if again.status_code == 200:
                break
        assert again.status_code == 200
    run = command_line("deliver", "--from", f"{address}?group=g", "--base-url", sandbox.base_url)
    assert run.code == 0, run.out + run.err
    ids = sorted(found["transactionId"] for found in sandbox.ledger.events)
    assert ids == ["message 0", "message 1", "message 2"]
    assert sandbox.ledger.duplicates == 0


def test_an_event_that_is_too_large_for_the_topic_is_refused_alone(cluster: Cluster, command_line: CommandLine) -> None:
    topic = new_topic()
    cluster.create_topic(topic, config={"max.message.bytes": "20000"})
    with serving(command_line, f"kafka://{cluster.brokers}/{topic}?linger.ms=50") as client:
        # Together they are more than the topic takes at once.
        assert client.post("/v1/batch", json=sized(range(40), 3_000)).json() == {"success": True}
        refused = client.post("/v1/batch", json={"batch": [*sized([40], 50_000)["batch"], *batch(41, 42)["batch"]]})
        assert refused.status_code == 400
        assert refused.json()["code"] == "too_large"
        assert "1 of the events are too large for Kafka" in refused.json()["message"]
        # It is not the service that has no room.
        assert client.get("/readyz").status_code == 200
    found = [name for _, _, name in published(cluster, topic, 42)]
    assert sorted(found) == sorted(f"message {number}" for number in (*range(40), 41, 42))


def test_events_are_not_confirmed_with_fewer_brokers_than_the_topic_wants(
    own_cluster: Cluster, command_line: CommandLine
) -> None:
    topic = new_topic()
    own_cluster.create_topic(topic, config={"min.insync.replicas": "3"})
    with serving(command_line, f"kafka://{own_cluster.brokers}/{topic}?delivery.timeout.ms=3000") as client:
        assert client.post("/v1/batch", json=batch(0)).status_code == 200
        own_cluster.nodes[3].kill()
        end = time.monotonic() + 60
        while (answer := client.post("/v1/batch", json=batch(1))).status_code == 200:
            assert time.monotonic() < end
        assert answer.status_code == 429
        assert "Kafka" in answer.json()["message"]
        own_cluster.restore()
        while client.post("/v1/batch", json=batch(2)).status_code != 200:
            assert time.monotonic() < end


def test_each_event_that_was_confirmed_before_a_kill_is_in_the_topic(
    cluster: Cluster, command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    topic = new_topic()
    cluster.create_topic(topic)
    confirmed: list[int] = []
    with serving(command_line, f"kafka://{cluster.brokers}/{topic}") as client:

        def post(first: int) -> None:
            # Until the process is gone.
            with suppress(httpx.TransportError):
                for number in range(first, 100_000, 20):
                    if client.post("/v1/batch", json=batch(*range(number, number + 5))).status_code == 200:
                        confirmed.extend(range(number, number + 5))

        threads = [threading.Thread(target=post, args=[first]) for first in (0, 5, 10, 15)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 60
        while len(confirmed) < EVENTS:
            assert time.monotonic() < end
            time.sleep(0.01)
        client.process.kill()
        for thread in threads:
            thread.join()
    address = f"kafka://{cluster.brokers}/{topic}?group=g"
    run = command_line("deliver", "--from", address, "--base-url", sandbox.base_url)
    assert run.code == 0, run.out
    arrived = {found["transactionId"] for found in sandbox.ledger.events}
    assert {f"message {number}" for number in confirmed} <= arrived
    assert sandbox.ledger.duplicates == 0


@pytest.mark.parametrize(
    ("address", "options", "message"),
    [
        ("kafka://h/t", ["--outbox", "x.sqlite"], "--to: keeps nothing here, so leave out --outbox"),
        ("kafka://h/t", ["--accept-only"], "--to: keeps nothing here"),
        ("kafka://h/t?group=g", [], "--to group: is for topics that are read (--from)"),
        ("kafka://user:pass@h/t", [], "--to: has a user or a password in it"),
        ("kafka://h/t?sasl.password=secret", [], "sasl.password: is a secret; name the variable that holds it"),
        ("kafka://h/t?sasl.password.env=UNSET", [], "the variable UNSET is not set"),
        ("kafka://h/t?plugin.library.paths=x", [], "plugin.library.paths: is not an option of Kafka"),
        ("http://h/t", [], "is not the address of a topic"),
    ],
)
def test_a_wrong_target_is_refused_with_the_reason(
    command_line: CommandLine, address: str, options: list[str], message: str
) -> None:
    run = command_line("serve", "--to", address, *options)
    assert run.code == 2
    assert message in run.err
    assert "secret" not in run.err.replace("is a secret", "")
    assert "pass@" not in run.err


def test_events_of_two_accounts_are_not_mixed_in_one_topic(command_line: CommandLine) -> None:
    (command_line.folder / "kable.toml").write_text("""
[accounts.a]
apiKeyEnv = "KABLE_API_KEY"
clientId = "a"
[accounts.b]
apiKeyEnv = "KABLE_API_KEY"
clientId = "b"
[service.writeKeys]
one = "a"
two = "b"
""")
    run = command_line("serve", "--config", "kable.toml", "--to", "kafka://h/t")
    assert run.code == 2
    assert "events of several accounts come (a, b); add accounts=HEADER to the address" in run.err

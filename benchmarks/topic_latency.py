"""How long an event takes from a topic of Kafka to the ledger: 10 events a second, read by one `work` process.

Run it by `python benchmarks/topic_latency.py BROKERS [OUTBOX]`, with brokers on this machine; the outbox is a file, or
the URL of one in PostgreSQL. It makes a topic, publishes for a minute, and prints the median and the 99th percentile.
Exits 0 when that is below a second and each event arrived once, and 1 otherwise.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from kable_destination.runner.sandbox import running_sandbox

if TYPE_CHECKING:
    from kable_destination.runner.sandbox import RunningSandbox

SECONDS = int(os.environ.get("KABLE_BENCH_SECONDS", "60"))
EVENTS_A_SECOND = 10
PARTITIONS = 4
MOST_SECONDS = 1.0
_LOOK_SECONDS = 0.002
_SECONDS_TO_START = 60
_KEY, _CLIENT_ID = "sk_test.of-nobody", "kci_example"


class Arrivals:
    """Notes when each event is in the ledger first."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.times: dict[str, float] = {}
        self._sandbox = sandbox
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ending.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ending.wait(_LOOK_SECONDS):
            events = self._sandbox.ledger.events
            now = time.monotonic()
            for event in events[len(self.times) :]:
                self.times.setdefault(event["transactionId"], now)


def published(producer: Producer, topic: str, count: int) -> dict[str, float]:
    """Publish events, evenly in time; return when each was given to the producer, by its ID."""
    times: dict[str, float] = {}
    start = time.monotonic()
    for number in range(count):
        name = f"message {number}"
        event = {"type": "track", "event": "Used", "userId": f"customer {number % 7}", "messageId": name}
        text = json.dumps({**event, "timestamp": "2026-11-30T06:00:00Z", "properties": {"number": number}})
        producer.poll(max(0.0, start + number / EVENTS_A_SECOND - time.monotonic()))
        # Answers of the brokers end the waiting early.
        time.sleep(max(0.0, start + number / EVENTS_A_SECOND - time.monotonic()))
        times[name] = time.monotonic()
        producer.produce(topic, text.encode(), event["userId"])
        producer.poll(0)
    producer.flush(_SECONDS_TO_START)
    return times


def measured(brokers: str, outbox: str, sandbox: RunningSandbox) -> list[float]:
    """Return the seconds that each event took, sorted."""
    topic = f"latency-{secrets.token_hex(4)}"
    admin = AdminClient({"bootstrap.servers": brokers})
    made = admin.create_topics([NewTopic(topic, PARTITIONS)])
    made[topic].result()
    environment = {**os.environ, "KABLE_API_KEY": _KEY, "KABLE_CLIENT_ID": _CLIENT_ID, "KABLE_OUTBOX": outbox}
    address = f"kafka://{brokers}/{topic}?group=latency"
    command = [sys.executable, "-m", "kable_destination.runner", "work", "--from", address]
    worker = subprocess.Popen(  # noqa: S603 - our own program
        [*command, "--base-url", sandbox.base_url], env=environment
    )
    producer = Producer({"bootstrap.servers": brokers, "acks": "all", "linger.ms": 0})
    arrivals = Arrivals(sandbox)
    try:
        # Once one has arrived, the worker has its partitions.
        warm = {"type": "track", "userId": "c", "messageId": "warm", "timestamp": "2026-11-30T06:00:00Z"}
        producer.produce(topic, json.dumps(warm).encode())
        producer.flush(_SECONDS_TO_START)
        _wait(arrivals, 1)
        sent = published(producer, topic, SECONDS * EVENTS_A_SECOND)
        _wait(arrivals, 1 + len(sent))
    finally:
        arrivals.end()
        worker.terminate()
        worker.wait()
    return sorted(arrivals.times[name] - time_sent for name, time_sent in sent.items())


def _wait(arrivals: Arrivals, count: int) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while len(arrivals.times) < count:
        if time.monotonic() > end:
            sys.exit(f"only {len(arrivals.times)} of {count} events have arrived")
        time.sleep(_LOOK_SECONDS)


def main() -> int:
    """Measure, and print the figures."""
    brokers, *others = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, running_sandbox(client_id=_CLIENT_ID, api_key=_KEY) as sandbox:
        times = measured(brokers, others[0] if others else str(Path(folder) / "outbox.sqlite"), sandbox)
        duplicates = sandbox.ledger.duplicates
    middle, high = statistics.median(times), times[int(len(times) * 0.99)]
    print(f"{len(times)} events, {duplicates} sent twice: p50 {middle:.3f} s, p99 {high:.3f} s, most {times[-1]:.3f} s")
    return int(high >= MOST_SECONDS or bool(duplicates))


if __name__ == "__main__":
    sys.exit(main())

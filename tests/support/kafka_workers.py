"""Workers that read a topic, as processes of their own, and what they must have done in the end."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from command_line import MODULE, with_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox
    from kafka_cluster import Cluster

EVENTS = int(os.environ.get("KABLE_KAFKA_EVENTS", "600"))
"""How many events each test of faults publishes."""

WORKERS = int(os.environ.get("KABLE_KAFKA_WORKERS", "2"))
"""How many workers share a topic."""

SECONDS = 60.0 + EVENTS / 500
_SESSION = "session.timeout.ms=3000&heartbeat.interval.ms=500"


def event(number: int) -> bytes:
    """Return an event of one of seven customers."""
    about = {"type": "track", "event": "Used", "userId": f"customer {number % 7}", "messageId": f"message {number}"}
    return json.dumps({**about, "timestamp": "2026-11-30T06:00:00Z", "properties": {"number": number}}).encode()


def membership(number: int, customer: int) -> bytes:
    """Return what Engage sends when a computed trait of a customer changes; such events keep their order."""
    about = {"type": "identify", "userId": f"customer {customer}", "messageId": f"message {number}"}
    personas = {"computation_class": "trait", "computation_key": "number", "computation_id": "t-1"}
    more = {"timestamp": "2026-11-30T06:00:00Z", "context": {"personas": personas}, "traits": {"number": number}}
    return json.dumps({**about, **more}).encode()


def new_topic() -> str:
    """Return a name that no other test has."""
    return f"usage-{secrets.token_hex(4)}"


class Workers:
    """Worker processes of one group, which share an outbox."""

    def __init__(self, cluster: Cluster, topic: str, sandbox: RunningSandbox, folder: Path) -> None:
        self.topic = topic
        self.variables: dict[str, str] = {}
        self.running: list[subprocess.Popen[bytes]] = []
        self._cluster = cluster
        self._sandbox = sandbox
        self._folder = folder

    @property
    def url(self) -> str:
        """The address of the topic."""
        return f"kafka://{self._cluster.brokers}/{self.topic}?group=workers&{_SESSION}"

    def start(self, options: Sequence[str] = (), query: str = "") -> subprocess.Popen[bytes]:
        """Start a worker, with more in the address if wanted, and wait until it works."""
        command = [sys.executable, "-m", MODULE, "work", "--from", self.url + query, *options]
        with (self._folder / f"worker-{len(self.running)}.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, "--base-url", self._sandbox.base_url],
                cwd=self._folder,
                env=with_credentials(**self.variables),
                stdout=log,
                stderr=log,
            )
        self.running.append(process)
        self.until(lambda: self.log().count("delivering the events of") == len(self.running))
        return process

    def log(self) -> str:
        """Return what the workers have written."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("worker-*.log")))

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a worker as a crash does."""
        process.kill()
        process.wait()

    def end(self) -> list[int]:
        """End all workers cleanly, and return how they ended."""
        for process in self.running:
            process.terminate()
        return [process.wait(SECONDS) for process in self.running]

    def delivered(self) -> Counter[str]:
        """Return how often each event is in the ledger, by its ID."""
        return Counter(found["transactionId"] for found in [*self._sandbox.ledger.events])

    def until(self, look: Callable[[], bool]) -> None:
        """Wait until something is so. Fails after a minute or so, with what the workers have written."""
        end = time.monotonic() + SECONDS
        while not look():
            assert time.monotonic() < end, f"{len(self._sandbox.ledger.events)} events are delivered\n{self.log()}"
            time.sleep(0.05)

    def until_delivered(self, numbers: Sequence[int] | range) -> None:
        """Wait until the ledger has some events. Fails unless it then has these, each once, and no other."""
        self.until(lambda: len(self._sandbox.ledger.events) >= len(numbers))
        assert self.delivered() == Counter(f"message {number}" for number in numbers), self.log()


@contextlib.contextmanager
def running_workers(
    cluster: Cluster, sandbox: RunningSandbox, folder: Path, partitions: int = 4, topic: str = ""
) -> Iterator[Workers]:
    """Yield workers of a topic, which is a new one if none is named; whoever still runs in the end is killed."""
    if not topic:
        topic = new_topic()
        cluster.create_topic(topic, partitions)
    workers = Workers(cluster, topic, sandbox, folder)
    try:
        yield workers
    finally:
        for process in workers.running:
            if process.poll() is None:
                workers.kill(process)

"""What an event costs on its way from an SDK to Kable: bytes, commits and processor time, at each place.

Run it by `python benchmarks/costs.py POSTGRES BROKERS`, with a server of PostgreSQL and three brokers on this machine,
which do nothing else meanwhile. Their processes are found by the ports, so run it as a user who may look at them. It
prints the costs and writes costs.json, which capacity.py uses. `KABLE_BENCH_EVENTS` says how many events are sent.

Bytes and commits are the same on every machine. Processor time is less on a faster one, and hardly depends on what else
runs, as events a second do.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import psutil
import psycopg
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from delivery_bench import sink
from report import machine
from sample_events import api_calls

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent
EVENTS = int(os.environ.get("KABLE_BENCH_EVENTS", "100000"))
EVENTS_A_CALL, PARTITIONS, REPLICAS = 100, 6, 3
SECONDS = 300.0
CONFIGURATION = """
[settings]
kableClientId = "kci_bench"
[service]
port = 0
[service.writeKeys]
wk_bench = "default"
"""


class Postgres:
    """What a server has done since it was looked at first, for one schema."""

    def __init__(self, url: str, schema: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._schema = schema
        (self._pid,) = (process.pid for process in listening(urlsplit(url).port or 5432))

    def wal(self) -> float:
        """Return how many bytes of WAL were written."""
        return float(self._value("SELECT pg_current_wal_lsn() - '0/0'"))

    def commits(self) -> float:
        """Return how many transactions of the database were committed; it takes a moment to be counted."""
        time.sleep(2)
        return float(self._value("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"))

    def size(self, tables: str) -> float:
        """Return how many bytes tables whose names match have on disk, with their indexes."""
        row = self._connection.execute(
            b"SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
            b"WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname ~ %s",
            (self._schema, tables),
        ).fetchone()
        assert row is not None  # noqa: S101 - a sum has a row
        return float(row[0])

    def processor(self) -> float:
        """Return the processor time of its processes, those that have ended included."""
        return seconds_of(psutil.Process(self._pid))

    def _value(self, query: str) -> Any:
        row = self._connection.execute(query.encode()).fetchone()
        assert row is not None  # noqa: S101 - each of them has one
        return row[0]


def listening(port: int) -> list[psutil.Process]:
    """Return the process that listens on a port."""
    found = {
        item.pid
        for item in psutil.net_connections("tcp")
        if item.status == "LISTEN" and item.laddr and item.laddr.port == port
    }
    return [psutil.Process(pid) for pid in found if pid is not None]


def seconds_of(process: psutil.Process) -> float:
    """Return the processor time of a process, and of all that it has started."""
    times = process.cpu_times()
    running = sum(sum(child.cpu_times()[:2]) for child in process.children(recursive=True))
    return float(times.user + times.system + times.children_user + times.children_system + running)


def bodies() -> list[bytes]:
    """Return batches as an SDK posts them. Each event has an ID of its own."""
    made = api_calls(2_000)

    def event(number: int) -> dict[str, Any]:
        # Of now, since an event that is older than the IDs that are kept is not sent.
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return {**made[number % len(made)], "messageId": str(UUID(int=dice.getrandbits(128))), "timestamp": now}

    dice = random.Random(EVENTS)  # noqa: S311 - invented data holds no secret
    return [
        json.dumps({"batch": [event(first + at) for at in range(EVENTS_A_CALL)]}, ensure_ascii=False).encode()
        for first in range(0, EVENTS, EVENTS_A_CALL)
    ]


def start(folder: str, *arguments: str, **more: str) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Start a command, and return it with the line that it prints once it is ready."""
    command = [sys.executable, "-m", "kable_destination.runner", *arguments, "--config", "kable.toml", "--json"]
    environment = {"PATH": os.environ["PATH"], "KABLE_API_KEY": "sk_test.of-nobody", **more}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE)  # noqa: S603 - ours
    assert process.stdout is not None  # noqa: S101 - it was asked for
    return process, json.loads(process.stdout.readline())


def post(base_url: str, calls: list[bytes]) -> None:
    """Send batches one after the other. What is refused for now is sent again, as SDKs do."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=60)
    headers = {"Authorization": f"Basic {b64encode(b'wk_bench:').decode()}", "Content-Type": "application/json"}
    for body in calls:
        while True:
            connection.request("POST", "/v1/batch", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status == http.HTTPStatus.OK:
                break
            time.sleep(0.1)


def arrived(port: int) -> dict[str, int]:
    """Return what has come to the receiver since it was asked last."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/")
    counts: dict[str, int] = json.loads(connection.getresponse().read())
    return counts


def topic_bytes(brokers: list[psutil.Process], topic: str) -> float:
    """Return how many bytes the brokers here have of a topic, all replicas together."""
    logs = {
        Path(line.partition("=")[2].strip())
        for broker in brokers
        for line in Path(broker.cmdline()[-1]).read_text(encoding="utf-8").splitlines()
        if line.startswith("log.dirs=")
    }
    return float(sum(file.stat().st_size for log in logs for file in log.glob(f"{topic}-*/*.log")))


def costs(url: str, brokers: str, port: int, folder: str) -> dict[str, float]:
    """Send events through everything, and return what one costs."""
    topic = f"costs-{int(time.time())}"
    administrator = AdminClient({"bootstrap.servers": brokers})
    administrator.create_topics([NewTopic(topic, PARTITIONS, REPLICAS)])[topic].result()
    (Path(folder) / "kable.toml").write_text(CONFIGURATION, encoding="utf-8")
    database = Postgres(url, topic.replace("-", "_"))
    nodes = [process for address in brokers.split(",") for process in listening(int(address.rpartition(":")[2]))]
    calls = bodies()

    service, ready = start(folder, "serve", "--to", f"kafka://{brokers}/{topic}")
    of_service = _meter(service.pid)
    post(ready["base_url"], calls)
    found = {
        "http_bytes": sum(map(len, calls)) / EVENTS,
        "service_microseconds": of_service(),
        "kafka_bytes_a_replica": topic_bytes(nodes, topic) / EVENTS / REPLICAS,
        "service_megabytes": _memory(service.pid),
    }
    service.terminate()

    outbox = f"{url}?schema={topic.replace('-', '_')}"
    source = f"kafka://{brokers}/{topic}?group=costs"
    address = f"http://127.0.0.1:{port}"
    before = time.monotonic()
    worker, _ = start(folder, "work", "--from", source, "--base-url", address, KABLE_OUTBOX=outbox)
    wal, commits, processor, of_worker = database.wal(), database.commits(), database.processor(), _meter(worker.pid)
    sent = {"events": 0, "requests": 0, "bytes": 0}
    while sent["events"] < EVENTS and time.monotonic() - before < SECONDS:
        time.sleep(0.2)
        sent = _added(sent, arrived(port))
    # What it delivered last is settled.
    time.sleep(2)
    found |= {
        "worker_microseconds": of_worker(),
        "worker_megabytes": _memory(worker.pid),
        "request_bytes": sent["bytes"] / EVENTS,
        "events_a_request": EVENTS / sent["requests"],
        "wal_bytes": (database.wal() - wal) / EVENTS,
        "commits_a_thousand_events": (database.commits() - commits) / EVENTS * 1_000,
        "postgres_microseconds": (database.processor() - processor) / EVENTS * 1e6,
        "id_bytes": database.size("^known_ids") / EVENTS,
    }
    worker.terminate()
    assert [service.wait(60), worker.wait(60)] == [0, 0]  # noqa: S101 - the bench itself
    assert sent["events"] == EVENTS, sent  # noqa: S101 - likewise
    return found


def _added(counts: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    return {key: count + more[key] for key, count in counts.items()}


def _meter(pid: int) -> Callable[[], float]:
    """Return a function that returns the processor time of a process since now, for an event, in microseconds."""
    process = psutil.Process(pid)
    began = seconds_of(process)
    return lambda: (seconds_of(process) - began) / EVENTS * 1e6


def _memory(pid: int) -> float:
    return psutil.Process(pid).memory_info().rss / 1e6


def main() -> int:
    """Measure, print and keep the costs."""
    url, brokers = sys.argv[1:]
    with sink(0.0) as port, tempfile.TemporaryDirectory() as folder:
        found = {name: round(value, 1) for name, value in costs(url, brokers, port, folder).items()}
    for name, value in found.items():
        print(f"{name:28}{value:>12,}")
    kept = {"machine": machine(""), "events": EVENTS, "costs": found}
    (FOLDER / "costs.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

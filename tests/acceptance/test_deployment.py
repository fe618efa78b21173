"""The parts of `examples/compose` and `examples/kubernetes` run together, started as their files say."""

from __future__ import annotations

import re
import time
import tomllib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from deployment_files import compose_parts, example_variables, kubernetes_parts
from kafka_jars import is_required
from postgres_server import REQUIRED
from started_parts import SECONDS, Parts, started_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deployment_files import Part

VARIABLES = {**example_variables(), "POSTGRES_PASSWORD": "a-password-of-the-tests"}
EVENTS, PARTITIONS = 300, 12
CONFIGURATION = "/etc/kable/kable.toml"

pytestmark = pytest.mark.skipif(
    not (REQUIRED and is_required()),
    reason="tests of all parts are run by make test-servers, or with KABLE_POSTGRES=required KABLE_KAFKA=required",
)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    with started_parts(tmp_path) as started:
        yield started


def send(parts: Parts, service: Part, numbers: range) -> None:
    """Send events as an SDK does, with a write key of the configuration."""
    (write_key,) = tomllib.loads(service.files[CONFIGURATION])["service"]["writeKeys"]
    events: list[dict[str, Any]] = [
        {
            "type": "track",
            "event": "API Call",
            "userId": f"customer {number % 50}",
            "messageId": f"message {number}",
            "timestamp": "2026-11-30T06:00:00Z",
            "properties": {"units": number},
        }
        for number in numbers
    ]
    url = f"{parts.url(service.name, 8080)}/v1/batch"
    answer = httpx.post(url, json={"batch": events}, auth=(write_key, ""), timeout=60)
    assert answer.status_code == 200, answer.text


def until_in_ledger(parts: Parts, count: int) -> None:
    """Wait until the ledger of the sandbox has events. Fails unless each of them is there once."""
    url, end = parts.url("sandbox", 8787), time.monotonic() + SECONDS
    while len(ledger := httpx.get(f"{url}/sandbox/ledger").json()["events"]) < count:
        assert time.monotonic() < end, f"{len(ledger)} of {count}"
        time.sleep(0.1)
    assert Counter(event["transactionId"] for event in ledger) == Counter(f"message {at}" for at in range(count))


def until_shared(parts: Parts, workers: list[tuple[str, int]]) -> None:
    """Wait until the workers have divided the partitions of the topic."""
    end, counts = time.monotonic() + SECONDS, [0]
    while not (min(counts) > 0 and sum(counts) == PARTITIONS):
        assert time.monotonic() < end, counts
        pages = [httpx.get(f"{parts.url(name, port)}/metrics").text for name, port in workers]
        counts = [len(re.findall(r"\ndestination_runner_source_lag\{", page)) for page in pages]
        time.sleep(0.1)


def test_compose_delivers_each_event_once_and_every_part_ends_in_order(parts: Parts) -> None:
    described = compose_parts(VARIABLES)
    parts.start_all(described, [*described])
    for name in ("service", "worker-1", "worker-2"):
        parts.wait_for_health(described[name])
    until_shared(parts, [("worker-1", 9101), ("worker-2", 9102)])
    send(parts, described["service"], range(EVENTS))
    until_in_ledger(parts, EVENTS)
    assert parts.end("worker-1", described["worker-1"].grace) == 0
    send(parts, described["service"], range(EVENTS, 2 * EVENTS))
    until_in_ledger(parts, 2 * EVENTS)
    for name in ("service", "worker-2", "sandbox"):
        assert parts.end(name, described[name].grace) == 0, parts.log(name)
    # As `docker compose up` does once more.
    parts.start(described["topic"], "topic again")
    assert parts.wait("topic again") == 0, parts.log("topic again")


def test_the_pods_of_kubernetes_answer_probes_deliver_each_event_once_and_end_in_order(parts: Parts) -> None:
    """What the manifests do not describe is that of compose. Workers send to the sandbox, and not to Kable."""
    others = compose_parts(VARIABLES)
    parts.start_all(others, ["postgres", "topic", "sandbox"])
    for name in ("postgres", "sandbox"):
        parts.wait_for_health(others[name])
    secrets = {**VARIABLES, "PGPASSWORD": VARIABLES["POSTGRES_PASSWORD"]}
    described = kubernetes_parts(secrets)
    service, worker = described["kable-service"], described["kable-worker"]
    base_url = {"KABLE_BASE_URL": others["worker-1"].environment["KABLE_BASE_URL"]}
    worker = replace(worker, environment={**worker.environment, **base_url})
    pods = {"kable-service": service, "kable-worker": worker, "another worker": worker}
    for name, part in pods.items():
        parts.start(part, name)
    for name, part in pods.items():
        parts.wait_for_probes(part, name)
    until_shared(parts, [("kable-worker", 9100), ("another worker", 9100)])
    send(parts, service, range(EVENTS))
    until_in_ledger(parts, EVENTS)
    for name, part in pods.items():
        assert parts.end(name, part.grace) == 0, parts.log(name)

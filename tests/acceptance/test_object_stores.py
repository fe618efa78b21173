"""Objects of an S3 that throttles, truncates and drops, and runs that are killed: each event is billed once."""

from __future__ import annotations

import gzip
import json
import os
import threading
import time
from collections import Counter
from dataclasses import replace as replace_fields
from typing import TYPE_CHECKING

import pytest

from object_store import BUCKET, CREDENTIALS, FAULTS, LocalStore, local_store
from segment_events import ndjson, track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox

OBJECTS = int(os.environ.get("KABLE_OBJECTS", "200"))
EVENTS_OF_EACH = 3
SECONDS_OF_A_SECOND_RUN = 20


@pytest.fixture
def store() -> Iterator[LocalStore]:
    """A local S3 behind a proxy."""
    with local_store() as running:
        yield running


def deliver(command_line: CommandLine, sandbox: RunningSandbox, store: LocalStore, *arguments: str) -> Run:
    """Deliver, and return how that went."""
    common = ("--base-url", sandbox.base_url, "--report", "report.json")
    return command_line("deliver", *arguments, *common, stdin=b"", **store.environment)


def fill(store: LocalStore, objects: int) -> Counter[str]:
    """Store so many small objects; return the IDs of their events, each once."""
    expected = Counter[str]()
    for number in range(objects):
        events = [track(number * EVENTS_OF_EACH + item) for item in range(EVENTS_OF_EACH)]
        store.put(f"logs/{number // 100}/{number}.gz", gzip.compress(ndjson(*events), 1))
        expected.update(event["messageId"] for event in events)
    return expected


def billed(sandbox: RunningSandbox) -> Counter[str]:
    """Count how often each event is in the ledger."""
    return Counter(event["transactionId"] for event in sandbox.ledger.events)


def test_each_event_is_billed_once_through_faults_kills_and_a_replaced_object(
    command_line: CommandLine, sandbox: RunningSandbox, store: LocalStore
) -> None:
    expected = fill(store, OBJECTS)
    key = f"logs/0/{min(OBJECTS, 100) // 2}.gz"
    late = track(9_000_000)
    replaced = threading.Event()

    def replace(read: str) -> None:
        # After it was listed, and before it is read.
        if read == key and not replaced.is_set():
            replaced.set()
            old = gzip.decompress(store.client.get_object(Bucket=BUCKET, Key=key)["Body"].read())
            store.put(key, gzip.compress(old + ndjson(late), 1))

    store.before, store.faults = replace, FAULTS
    arguments = ("deliver", f"s3://{BUCKET}/logs/", "--base-url", sandbox.base_url)
    for share in (0.2, 0.6):
        with command_line.start_with(0, 1, 2, *arguments, environment=store.environment) as process:
            while process.poll() is None and sum(store.reads.values()) < share * OBJECTS:
                time.sleep(0.005)
            process.kill()
    with_store = replace_fields(command_line, environment={**command_line.environment, **store.environment})
    process = with_store.start(*arguments)
    out, errors = process.communicate(timeout=120 + OBJECTS / 10)
    assert process.returncode == 0, errors
    assert replaced.is_set()
    assert billed(sandbox) == expected + Counter([str(late["messageId"])])
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"].encode() not in out + errors

    store.faults, reads = (), store.reads.total()
    began = time.monotonic()
    run = deliver(command_line, sandbox, store, f"s3://{BUCKET}/logs/")
    assert run.code == 0, run.err
    assert time.monotonic() - began < SECONDS_OF_A_SECOND_RUN
    assert store.reads.total() == reads, "nothing is read again"
    assert f"0 files read, {OBJECTS:,} accepted by an earlier run" in run.out
    assert len(run.out.splitlines()) == 4


def test_answers_that_break_off_leave_no_connection_behind(
    command_line: CommandLine, sandbox: RunningSandbox, store: LocalStore
) -> None:
    """There are 32 connections: a store that waits for one of them waits for ever."""
    expected = fill(store, 90)
    store.faults = ("truncate",)
    run = deliver(command_line, sandbox, store, f"s3://{BUCKET}/logs/")
    assert run.code == 0, run.err
    assert store.requests - store.reads.total() > 32 + 1
    assert billed(sandbox) == expected


def test_a_later_object_with_a_lower_key_is_found(
    command_line: CommandLine, sandbox: RunningSandbox, store: LocalStore
) -> None:
    store.put("logs/b.ndjson", ndjson(track(2)))
    assert deliver(command_line, sandbox, store, f"s3://{BUCKET}/logs/").code == 0
    store.put("logs/a.ndjson", ndjson(track(1)))
    run = deliver(command_line, sandbox, store, f"s3://{BUCKET}/logs/")
    assert "1 file read, 1 accepted by an earlier run" in run.out
    assert billed(sandbox) == Counter(["message-000001", "message-000002"])


def test_a_prefix_a_pattern_and_a_key_name_objects(
    command_line: CommandLine, sandbox: RunningSandbox, store: LocalStore
) -> None:
    for number, key in enumerate(("logs/a.gz", "logs/d/b.gz", "logs/d/c.txt", "logs2/a.gz", "logs/_SUCCESS")):
        store.put(key, ndjson(track(number)))
    store.put("logs/d/", b"")

    def read(path: str) -> dict[str, int]:
        run = deliver(command_line, sandbox, store, path, "--no-outbox")
        assert run.code == 0, run.err
        files: dict[str, int] = run.report["sources"][0]["files"]
        return files

    assert read(f"s3://{BUCKET}/logs") == {"read": 3, "known": 0, "failed": 0, "left_out": 1}
    assert read(f"s3://{BUCKET}/logs/**/*.gz")["read"] == 2
    assert read(f"s3://{BUCKET}/logs/*.gz")["read"] == 1
    assert read(f"s3://{BUCKET}/logs/d/c.txt")["read"] == 1
    run = deliver(command_line, sandbox, store, f"s3://{BUCKET}/nothing/")
    assert (run.code, run.err.splitlines()) == (2, [f"error: s3://{BUCKET}/nothing/ names no file"])
    run = deliver(command_line, sandbox, store, "s3://no-such-bucket/a")
    assert run.code == 2
    assert "NoSuchBucket" in run.err


def test_a_foreign_object_is_named_and_the_others_are_read(
    command_line: CommandLine, sandbox: RunningSandbox, store: LocalStore
) -> None:
    store.put("logs/a.parquet", b"PAR1....")
    store.put("logs/b.ndjson", ndjson(track(1)))
    run = deliver(command_line, sandbox, store, f"s3://{BUCKET}/logs/", "--json")
    assert run.code == 1
    assert f"error: 1 file of s3://{BUCKET}/logs/: s3://{BUCKET}/logs/a.parquet is a Parquet file" in run.err
    assert json.loads(run.out)["run"]["sources"][0]["files"] == {"read": 1, "known": 0, "failed": 1, "left_out": 0}
    assert billed(sandbox) == Counter(["message-000001"])

"""Objects of a store that throttles, truncates and drops, and runs that are killed: each event is billed once."""

from __future__ import annotations

import gzip
import json
import os
import threading
import time
from collections import Counter
from dataclasses import replace as replace_fields
from functools import partial
from typing import TYPE_CHECKING

import pytest

from local_clouds import local_azure, local_gcs
from local_s3 import local_s3
from object_store import FAULTS, LocalStore
from segment_events import ndjson, track

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox

OBJECTS = int(os.environ.get("KABLE_OBJECTS", "200"))
EVENTS_OF_EACH = 3
SECONDS_OF_A_SECOND_RUN = 20
NO_BUCKET = {"s3": "NoSuchBucket", "gs": "there is no bucket no-such-bucket", "abfs": "ContainerNotFound"}


@pytest.fixture(params=["s3", "gs", "abfs"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    """A local store behind a proxy."""
    folder = tmp_path_factory.mktemp("store")
    stores: dict[str, Callable[[], AbstractContextManager[LocalStore]]] = {
        "s3": local_s3,
        "gs": partial(local_gcs, folder),
        "abfs": partial(local_azure, folder),
    }
    with stores[request.param]() as running:
        yield running


def deliver(command_line: CommandLine, sandbox: RunningSandbox, store: LocalStore, *arguments: str) -> Run:
    """Deliver, and return how that went."""
    common = ("--base-url", sandbox.base_url, "--report", "report.json")
    return command_line("deliver", *arguments, *common, stdin=b"", **store.environment)


def content(number: int) -> bytes:
    """Return the events of an object."""
    return ndjson(*(track(number * EVENTS_OF_EACH + item) for item in range(EVENTS_OF_EACH)))


def fill(store: LocalStore, objects: int) -> Counter[str]:
    """Store so many small objects; return the IDs of their events, each once."""
    for number in range(objects):
        store.put(f"logs/{number // 100}/{number}.gz", gzip.compress(content(number), 1))
    return Counter(f"message-{number:06}" for number in range(objects * EVENTS_OF_EACH))


def billed(sandbox: RunningSandbox) -> Counter[str]:
    """Count how often each event is in the ledger."""
    return Counter(event["transactionId"] for event in sandbox.ledger.events)


def test_each_event_is_billed_once_through_faults_kills_and_a_replaced_object(
    command_line: CommandLine, sandbox: RunningSandbox, store: LocalStore
) -> None:
    expected = fill(store, OBJECTS)
    number = min(OBJECTS, 100) // 2
    key = f"logs/0/{number}.gz"
    late = track(9_000_000)
    replaced, one_at_a_time = threading.Event(), threading.Lock()

    def replace(read: str) -> None:
        # After it was listed, and before it is read.
        with one_at_a_time:
            if read == key and not replaced.is_set():
                store.put(key, gzip.compress(content(number) + ndjson(late), 1))
                replaced.set()

    store.before, store.faults = replace, FAULTS
    arguments = ("deliver", store.address("logs/"), "--base-url", sandbox.base_url)
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
    assert not [secret for secret in store.secrets if secret.encode() in out + errors]

    store.faults, reads = (), store.reads.total()
    began = time.monotonic()
    run = deliver(command_line, sandbox, store, store.address("logs/"))
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
    run = deliver(command_line, sandbox, store, store.address("logs/"))
    assert run.code == 0, run.err
    assert store.requests - store.reads.total() > 32 + 1
    assert billed(sandbox) == expected


def test_a_later_object_with_a_lower_key_is_found(
    command_line: CommandLine, sandbox: RunningSandbox, store: LocalStore
) -> None:
    store.put("logs/b.ndjson", ndjson(track(2)))
    assert deliver(command_line, sandbox, store, store.address("logs/")).code == 0
    store.put("logs/a.ndjson", ndjson(track(1)))
    run = deliver(command_line, sandbox, store, store.address("logs/"))
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

    assert read(store.address("logs")) == {"read": 3, "known": 0, "failed": 0, "left_out": 1}
    assert read(store.address("logs/**/*.gz"))["read"] == 2
    assert read(store.address("logs/*.gz"))["read"] == 1
    assert read(store.address("logs/d/c.txt"))["read"] == 1
    run = deliver(command_line, sandbox, store, store.address("nothing/"))
    assert (run.code, run.err.splitlines()) == (2, [f"error: {store.address('nothing/')} names no file"])
    run = deliver(command_line, sandbox, store, f"{store.scheme}://no-such-bucket/a")
    assert run.code == 2
    assert NO_BUCKET[store.scheme] in run.err


def test_a_foreign_object_is_named_and_the_others_are_read(
    command_line: CommandLine, sandbox: RunningSandbox, store: LocalStore
) -> None:
    store.put("logs/a.parquet", b"PAR1....")
    store.put("logs/b.ndjson", ndjson(track(1)))
    run = deliver(command_line, sandbox, store, store.address("logs/"), "--json")
    assert run.code == 1
    logs = store.address("logs/")
    assert f"error: 1 file of {logs}: {logs}a.parquet is a Parquet file" in run.err
    assert json.loads(run.out)["run"]["sources"][0]["files"] == {"read": 1, "known": 0, "failed": 1, "left_out": 0}
    assert billed(sandbox) == Counter(["message-000001"])


def test_a_key_may_hold_any_signs(command_line: CommandLine, sandbox: RunningSandbox, store: LocalStore) -> None:
    names = ["a b", "a%20b", "a+b", "a?b=c", "a#b", "a&b;c", "a\\b", "ü/é", "x[1]*", "d//e", "'q\"", "~"]
    if store.scheme == "abfs":
        # Google has no such names, and the local S3 lists them only.
        names.append("n\nl")
    for number, name in enumerate(names):
        store.put(f"logs/{name}", ndjson(track(number)))
    store.put("/lead", ndjson(track(len(names))))
    for files in (f"{len(names)} files read", f"0 files read, {len(names)} accepted by an earlier run"):
        run = deliver(command_line, sandbox, store, store.address("logs/"))
        assert run.code == 0, run.err
        assert files in run.out
    assert deliver(command_line, sandbox, store, store.address("/lead")).code == 0
    assert billed(sandbox) == Counter(f"message-{number:06}" for number in range(len(names) + 1))

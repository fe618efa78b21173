"""The service is killed under load, and its disk or its queue is full: what it has confirmed is delivered once."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import resource
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import httpx
import pytest

from kable_destination.runner.sandbox import Faults
from running_service import WRITE_KEY, until_there_are

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from running_program import RunningProgram

KILLS = int(os.environ.get("KABLE_SERVE_KILLS", "3"))
SENDERS, EVENTS_A_REQUEST = 4, 20
FILE_BYTES = 1_500_000
BOUNDED = (
    "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, "
    f"({FILE_BYTES}, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))"
)
SECONDS_TO_CONTINUE = 5.0


class Service:
    """A service in a process of its own, always on the same port."""

    def __init__(self, command_line: CommandLine, sandbox: RunningSandbox, *options: str) -> None:
        self._command_line = command_line
        self._options = (*options, "--base-url", sandbox.base_url)
        file = command_line.folder / "kable.toml"
        file.write_text(f'[service.writeKeys]\n{WRITE_KEY} = "default"\n[delivery]\noutboxMegabytes = 1\n', "utf-8")
        self.port = 0

    @contextlib.contextmanager
    def running(self, before: str = "") -> Iterator[RunningProgram]:
        """Run it, and kill it in the end."""
        command = ("serve", "--config", "kable.toml", "--port", str(self.port), "--json", *self._options)
        with self._command_line.start(*command, before=before) as process:
            assert process.stdout is not None
            self.port = int(json.loads(process.stdout.readline())["base_url"].rpartition(":")[2])
            try:
                yield process
            finally:
                process.kill()

    def post(self, client: httpx.Client, ids: list[str], padding: int = 0) -> int:
        """Send a batch; return the status, 0 without an answer. Padding can hardly be compressed."""
        event = {"type": "track", "event": "X", "userId": "u1", "timestamp": "2026-11-30T06:00:00Z"}
        events = [{**event, "messageId": each, "properties": {"text": os.urandom(padding).hex()}} for each in ids]
        body = {"batch": events, "writeKey": WRITE_KEY}
        try:
            return client.post(f"http://127.0.0.1:{self.port}/v1/batch", json=body).status_code
        except httpx.TransportError:
            return 0


def billed(sandbox: RunningSandbox) -> Counter[str]:
    """Count how often each event is in the ledger."""
    return Counter(event["transactionId"] for event in sandbox.ledger.events)


def test_what_a_killed_service_has_confirmed_is_delivered_once(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    """Senders send the same batch again until it is confirmed, as SDKs do."""
    service, dice = Service(command_line, sandbox), random.Random(KILLS)  # noqa: S311 - no secret
    numbers, confirmed, ended = itertools.count(), Counter[str](), threading.Event()

    def send() -> None:
        with httpx.Client(timeout=30) as client:
            while not ended.is_set():
                ids = [f"m-{next(numbers):06}" for _ in range(EVENTS_A_REQUEST)]
                while service.post(client, ids) != 200:
                    time.sleep(0.01)
                confirmed.update(ids)

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for number in range(KILLS + 1):
        with service.running():
            if not number:
                for sender in senders:
                    sender.start()
            until_there_are(len(confirmed) + dice.randint(100, 2_000), lambda: len(confirmed))
            if number == KILLS:
                ended.set()
                for sender in senders:
                    sender.join()
                until_there_are(len(confirmed), lambda: len(billed(sandbox)))
    print(f"{KILLS} kills: {len(confirmed)} confirmed, {sandbox.ledger.duplicates} sent again")  # noqa: T201
    assert billed(sandbox) == confirmed
    assert set(confirmed.values()) == {1}


@pytest.mark.parametrize("is_disk", [False, True], ids=["queue at its limit", "full disk"])
def test_without_room_nothing_is_half_accepted_and_it_continues(
    command_line: CommandLine, sandbox: RunningSandbox, *, is_disk: bool
) -> None:
    """No file may grow beyond a limit: the operating system refuses, as a full disk does."""
    sandbox.faults.set(Faults(statuses={"503": 1.0}))
    service = Service(command_line, sandbox)
    if is_disk:
        (command_line.folder / "kable.toml").write_text(f'[service.writeKeys]\n{WRITE_KEY} = "default"\n', "utf-8")
    with httpx.Client(timeout=30) as client, service.running(before=BOUNDED if is_disk else "") as process:
        url = f"http://127.0.0.1:{service.port}"
        assert client.get(f"{url}/readyz").status_code == 200
        confirmed, refused = list[str](), list[str]()
        for start in itertools.count(step=10):
            ids = [f"m-{number:05}" for number in range(start, start + 10)]
            status = service.post(client, ids, padding=4_000)
            if status == 429:
                refused = ids
                break
            assert status == 200
            confirmed += ids
        assert client.get(f"{url}/readyz").status_code == 503
        if is_disk:
            infinite = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (infinite, infinite))
        else:
            sandbox.faults.set(Faults())
        end = time.monotonic() + SECONDS_TO_CONTINUE
        while (status := service.post(client, refused, padding=4_000)) != 200:
            assert status == 429
            assert time.monotonic() < end
            time.sleep(0.05)
        sandbox.faults.set(Faults())
        expected = Counter([*confirmed, *refused])
        until_there_are(len(expected), lambda: len(billed(sandbox)))
        assert billed(sandbox) == expected
        assert sandbox.ledger.duplicates == 0

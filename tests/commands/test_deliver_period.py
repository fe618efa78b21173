"""`--since` and `--until`: a replay delivers the events of a period, each once, and reads no day that holds none."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from local_s3 import local_s3
from object_store import BUCKET
from segment_events import ndjson, track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 31
EVENTS_OF_A_DAY = 24
PERIOD = ("--since", "2026-03-10", "--until", "2026-03-12T06:00:00Z")
WANTED = range(9 * EVENTS_OF_A_DAY, 11 * EVENTS_OF_A_DAY + 6)


def archive(form: str = "milliseconds") -> Iterator[tuple[str, bytes]]:
    """Yield the files of a month: an event an hour. The last of each day came late, and is received ten days later."""
    days: dict[datetime, list[bytes]] = {BEGIN + timedelta(days=day): [] for day in range(DAYS + 10)}
    for number in range(DAYS * EVENTS_OF_A_DAY):
        moment = BEGIN + timedelta(hours=number)
        late = timedelta(days=10 if moment.hour == EVENTS_OF_A_DAY - 1 else 0)
        day = moment.replace(hour=0) + late
        days[day].append(ndjson(track(number, timestamp=moment.isoformat())))
    for day, events in days.items():
        name = {"date": f"{day:%Y-%m-%d}", "seconds": f"{day.timestamp():.0f}"}.get(
            form, f"{day.timestamp() * 1000:.0f}"
        )
        yield f"segment-logs/source1/{name}/events.gz", gzip.compress(b"".join(events), 1)


def billed(sandbox: RunningSandbox) -> Counter[str]:
    """Count how often each event is in the ledger."""
    return Counter(event["transactionId"] for event in sandbox.ledger.events)


WANTED_IDS = Counter(f"message-{number:06}" for number in WANTED)


@pytest.mark.parametrize("form", ["milliseconds", "seconds", "date"])
def test_a_replay_of_a_folder_delivers_the_events_of_the_period_each_once(
    command_line: CommandLine, sandbox: RunningSandbox, form: str
) -> None:
    for key, data in archive(form):
        path = command_line.folder / key
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    for _ in range(2):
        run = command_line(
            "deliver", "segment-logs", *PERIOD, "--base-url", sandbox.base_url, "--report", "report.json"
        )
        assert run.code == 0, run.err
        assert "8 received before --since (segment-logs/source1/" in run.out
        assert billed(sandbox) == WANTED_IDS
    run = command_line("deliver", "segment-logs", "--base-url", sandbox.base_url, "--report", "report.json")
    assert run.report["read"] == DAYS * EVENTS_OF_A_DAY, "the rest was not accepted"
    assert run.report["duplicates"] == len(WANTED)
    assert billed(sandbox).total() == DAYS * EVENTS_OF_A_DAY


def test_a_replay_of_a_bucket_reads_no_day_before_the_period(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    with local_s3() as store:
        for key, data in archive():
            store.put(key, data)
        arguments = ("deliver", f"s3://{BUCKET}/segment-logs/", *PERIOD, "--base-url", sandbox.base_url)
        run = command_line(*arguments, "--report", "report.json", stdin=b"", **store.environment)
        assert run.code == 0, run.err
        assert billed(sandbox) == WANTED_IDS
        assert len(store.reads) == DAYS + 10 - 8
    skipped = run.report["skipped"]["outside_period"]
    assert run.report["read"] == skipped + len(WANTED)
    assert run.report["wanted"] == len(WANTED)


def test_an_event_without_a_readable_time_is_a_dead_letter(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    events = ndjson(track(1, timestamp="soon"), track(2, timestamp=1772600000), track(3, timestamp="2027-01-01"), b"{")
    run = command_line.deliver(events, sandbox.base_url, "--until", "2026-06-01")
    assert run.code == 1
    assert [letter["reason"] for letter in run.letters] == ["rejected", "unreadable"]
    assert "has no timestamp that can be compared with --since and --until" in str(run.letters[0])
    assert billed(sandbox) == Counter(["message-000002"])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--since", "soon"), "error: --since: is not a day or a time; write 2026-03-31 or 2026-03-31T12:00:00Z"),
        (("--since", "2026-03-02", "--until", "2026-03-01"), "error: --until: is not later than --since"),
    ],
)
def test_a_period_that_cannot_be_is_refused(
    command_line: CommandLine, sandbox: RunningSandbox, options: tuple[str, ...], problem: str
) -> None:
    run = command_line.deliver(ndjson(track(1)), sandbox.base_url, *options)
    assert (run.code, run.err.startswith(problem)) == (2, True), run.err

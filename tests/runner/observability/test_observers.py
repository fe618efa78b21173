"""A delivery has observers: a log, metrics and spans, all from the same notices."""

from __future__ import annotations

import json
import math
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from kable_destination.definitions import Redactor
from kable_destination.runner.delivery.notices import Notice
from kable_destination.runner.observability.metrics import metrics_observer
from kable_destination.runner.observability.traces import trace_observer
from kable_destination.runner.sandbox import Faults
from segment_events import ndjson, track
from virtual_run import Setting

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

LANE: Any = {"account": "actions-kable api.example.com kci", "action": "track"}
ACCOUNT = {"destination": "kable", "account": LANE["account"]}
LABELS = {**ACCOUNT, "action": "track"}
NOTICES = (
    Notice(kind="accepted", account=LANE["account"], events=5, duplicates=2),
    Notice(kind="attempted", **LANE, events=5, attempt=1, status=503, seconds=0.5, error="busy"),
    Notice(kind="slowed", **LANE, in_flight=2, wait=1.0),
    Notice(kind="limits", **LANE, in_flight=2, per_second=5.0),
    Notice(kind="postponed", **LANE, events=5, wait=1.0, error="busy"),
    Notice(kind="attempted", **LANE, events=5, attempt=2, seconds=0.25, error="no answer"),
    Notice(kind="attempted", **LANE, events=5, attempt=3, status=207, seconds=0.125, request_id="r-1"),
    Notice(kind="delivered", **LANE, events=4),
    Notice(kind="dead", **LANE, events=1, reason="refused", error="not valid"),
    Notice(kind="stopped", **LANE, error="wrong key"),
    Notice(kind="full", error="disk full"),
)


def test_metrics_count_what_happened() -> None:
    registry = CollectorRegistry()
    observer = metrics_observer(registry, "kable")
    for notice in NOTICES:
        observer(notice)
    for name, labels, value in (
        ("events_accepted_total", ACCOUNT, 5),
        ("events_duplicate_total", ACCOUNT, 2),
        ("events_delivered_total", LABELS, 4),
        ("events_postponed_total", LABELS, 5),
        ("events_dead_lettered_total", {**LABELS, "reason": "refused"}, 1),
        ("requests_total", {**LABELS, "status": "503"}, 1),
        ("requests_total", {**LABELS, "status": "none"}, 1),
        ("requests_total", {**LABELS, "status": "207"}, 1),
        ("request_duration_seconds_sum", LABELS, 0.875),
        ("requests_in_flight_limit", LABELS, 2),
        ("requests_per_second_limit", LABELS, 5),
        ("lane_stopped", LABELS, 1),
        ("queue_full", {"destination": "kable"}, 1),
    ):
        assert registry.get_sample_value(f"destination_runner_{name}", labels) == value, name


def test_the_gauges_follow_the_real_limiter_down_and_up(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """A server that is busy for a while lowers both limits; good responses raise them again."""
    sandbox.faults.set(Faults.model_validate({"script": [*["ok"] * 40, "503", "503"], "latency": 0.002}))
    setting = Setting(tmp_path, sandbox.base_url, rules={"concurrency": 8, "batch_size": 1})
    run = setting.deliver(ndjson(*(track(number) for number in range(400))))
    registry = CollectorRegistry()
    observer = metrics_observer(registry, "kable")
    in_flight, per_second = [], []
    for notice in run.happened("limits"):
        observer(notice)
        labels = {"destination": "kable", "account": notice.account, "action": "track"}
        in_flight.append(registry.get_sample_value("destination_runner_requests_in_flight_limit", labels))
        per_second.append(registry.get_sample_value("destination_runner_requests_per_second_limit", labels))
    assert in_flight[:6] == [3, 4, 5, 6, 7, 8]
    assert min(value or 0 for value in in_flight[6:]) < 8
    assert in_flight[-1] == 8
    assert any(value is not None and math.isfinite(value) for value in per_second)


def test_every_request_is_a_span() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    observer = trace_observer(provider, "kable", Redactor(["S3cret"]))
    for notice in NOTICES:
        observer(notice)
    spans = exporter.get_finished_spans()
    assert [dict(span.attributes or {}).get("http.response.status_code") for span in spans] == [503, None, 207]
    assert [dict(span.attributes or {})["destination.attempt"] for span in spans] == [1, 2, 3]
    assert {span.name for span in spans} == {"destination_runner send track"}
    assert {dict(span.attributes or {})["destination.name"] for span in spans} == {"kable"}
    assert {dict(span.attributes or {})["destination.account"] for span in spans} == {LANE["account"]}
    assert [span.status.description for span in spans] == ["busy", "no answer", None]
    first = spans[0]
    assert first.end_time is not None
    assert first.start_time is not None
    assert first.end_time - first.start_time == 500_000_000


def test_the_log_tells_each_notice_as_json(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    sandbox.faults.set(Faults.model_validate({"refuse": [{"field": "data.units", "value": 3}]}))
    run = command_line.deliver(ndjson(*(track(number) for number in range(5))), sandbox.base_url, "--log", "json")
    records = [json.loads(line) for line in run.err.splitlines()]
    kinds = Counter(record["event"] for record in records)
    assert kinds == {"started": 1, "accepted": 1, "attempted": 7, "halved": 3, "delivered": 3, "dead": 1, "limits": 3}
    dead = next(record for record in records if record["event"] == "dead")
    assert (dead["reason"], dead["level"]) == ("refused", "warning")
    assert (dead["file"], dead["line"], dead["action"]) == ("events.ndjson", 4, "track")
    assert all(record["timestamp"].endswith("Z") for record in records)


def test_the_log_says_where_a_dead_letter_comes_from(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """A line, an event of a batch on a line, and text that is no event."""
    nobody = {**track(1), "userId": ""}
    batch = ndjson({"batch": [track(2), {**track(3), "userId": ""}], "sentAt": "2026-03-04T05:06:07Z"})
    events = ndjson(track(0), nobody) + batch + b"{oops\n"
    run = command_line.deliver(events, sandbox.base_url, "--log", "json")
    records = [json.loads(line) for line in run.err.splitlines()]
    dead = [record for record in records if record["event"] == "dead"]
    assert sorted((record["file"], record["line"], record.get("item"), record["reason"]) for record in dead) == [
        ("events.ndjson", 2, None, "rejected"),
        ("events.ndjson", 3, 2, "rejected"),
        ("events.ndjson", 4, None, "unreadable"),
    ]
    shown = command_line.deliver(events, sandbox.base_url, "--log", "console", "--outbox", "other.sqlite").err
    (line,) = [line for line in shown.splitlines() if "item=2" in line]
    assert "dead " in line
    assert "file=events.ndjson" in line
    assert "line=3" in line


@pytest.mark.parametrize("options", [(), ("--no-outbox",)])
def test_the_log_tells_duplicates_apart_from_what_is_accepted(
    command_line: CommandLine, sandbox: RunningSandbox, options: tuple[str, ...]
) -> None:
    """What was there already under its id, in the same batch or an earlier one, is put once."""
    run = command_line.deliver(
        ndjson(track(1), track(2), track(1), track(3)),
        *(sandbox.base_url, "--log", "json", "--batch-size", "2", *options),
    )
    records = [json.loads(line) for line in run.err.splitlines()]
    accepted = [record for record in records if record["event"] == "accepted"]
    assert sum(record.get("events", 0) for record in accepted) == 3
    assert sum(record.get("duplicates", 0) for record in accepted) == 1
    assert run.report["duplicates"] == 1


def test_the_log_can_be_read_by_a_person(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    run = command_line.deliver(ndjson(track(1)), sandbox.base_url, "--log", "console")
    assert "delivered" in run.err
    assert "events=1" in run.err
    assert "\x1b" not in run.err, "colours are for terminals"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_metrics_are_served_until_a_signal_ends_the_run(
    command_line: CommandLine, sandbox: RunningSandbox, number: signal.Signals
) -> None:
    """What is in flight ends, what is not sent stays queued, and the next run sends it."""
    arguments = ["deliver", "-", "--base-url", sandbox.base_url, "--metrics-port", "0", "--report", "report.json"]
    with command_line.start(*arguments) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        address = process.stderr.readline().decode().removeprefix("metrics: ").strip()
        process.stdin.write(ndjson(*(track(at) for at in range(700))))
        process.stdin.flush()
        samples = ""
        while 'destination_runner_events_delivered_total{account="actions-kable' not in samples:
            assert process.poll() is None
            samples = httpx.get(address).text
        process.send_signal(number)
        assert process.wait(timeout=60) == 130
    report = json.loads((command_line.folder / "report.json").read_text())
    assert (report["read"], report["delivered"] + report["unsent"]) == (700, 700)
    assert report["delivered"] > 0
    assert command_line("deliver", "--base-url", sandbox.base_url).code == 0
    assert Counter(event["transactionId"] for event in sandbox.ledger.events) == Counter(
        f"message-{at:06}" for at in range(700)
    )
    assert sandbox.ledger.duplicates == 0


def test_a_span_shows_no_secret() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    observer = trace_observer(provider, "kable", Redactor(["S3cret"]))
    observer(Notice(kind="attempted", **LANE, status=401, request_id="r S3cret", error="bad key S3cret"))
    (span,) = exporter.get_finished_spans()
    assert "S3cret" not in span.to_json()


PRINT_SPANS = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stderr)))
trace.set_tracer_provider(provider)
"""


def test_traces_are_recorded_only_if_they_are_asked_for(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """OpenTelemetry is configured before the program runs, as opentelemetry-instrument does."""
    (command_line.folder / "sitecustomize.py").write_text(PRINT_SPANS, encoding="utf-8")
    configured = {"PYTHONPATH": str(command_line.folder)}
    traced = command_line.deliver(ndjson(track(1)), sandbox.base_url, "--traces", **configured)
    assert traced.code == 0, traced.err
    assert '"name": "destination_runner send track"' in traced.err
    assert command_line.deliver(ndjson(track(2)), sandbox.base_url, **configured).err == ""


def test_traces_that_nothing_would_record_are_refused(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    run = command_line.deliver(ndjson(track(1)), sandbox.base_url, "--traces")
    assert run.code == 2
    assert run.err.startswith("error: --traces: OpenTelemetry is not configured")
    assert "opentelemetry-instrument" in run.err
    assert sandbox.ledger.events == []

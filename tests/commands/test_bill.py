"""`bill`, as a user runs it."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY
from segment_events import identify, ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine

EVENTS = ndjson(
    *(track(number, properties={"bytes": 100 * number, "cost": 0.1, "region": "eu"}) for number in range(1, 9)),
    track(8, properties={"bytes": 1_000_000}),
    track(20, userId=" "),
    track(21, userId=" "),
    track(22, integrations={"Kable": False}),
    {"type": "page"},
    {"type": "purchase"},
    b"oops",
)


def test_it_shows_what_would_be_billed_and_what_not(command_line: CommandLine) -> None:
    (command_line.folder / "events.ndjson").write_bytes(EVENTS)
    run = command_line("bill", "events.ndjson", "--limit", "2")
    assert (run.code, run.err) == (1, "")
    assert run.out.splitlines() == [
        "for Kable Test (test.kable.io); nothing is sent",
        "events.ndjson: 15 events read, 8 usage events to bill",
        "  1 repeats the ID of an earlier event, and an ID counts once",
        "  1 skipped: events that no subscription wants (page 1)",
        "  1 skipped: events of a type that is none of Segment's, and that no",
        "    subscription wants (purchase 1)",
        "  1 skipped: events kept away by the integrations object",
        "  3 rejected, so deliver would make dead letters of them:",
        "    2: clientId: Client ID is blank; an identifier must name something (first in",
        "      events.ndjson, line 10)",
        "    1: is not valid JSON: unexpected character, expected a JSON value (character",
        "      1) (line 15)",
        "from 2026-03-04 05:06:07Z to 2026-03-04 05:06:07Z",
        "",
        "customer         dimension  count    sum",
        "all 7 customers  events         8",
        "                 bytes          8  3,600",
        "                 cost           8    0.8",
        "customer_1       events         2",
        "                 bytes          2    900",
        "                 cost           2    0.2",
        "customer_0       events         1",
        "                 bytes          1    700",
        "                 cost           1    0.1",
        "and 5 more customers; --limit 4 shows more, --limit 0 all",
        "not numbers, so not summed: region",
    ]


def test_nothing_is_sent_or_kept(command_line: CommandLine) -> None:
    """The address is one where nobody answers."""
    run = command_line("bill", "-", "--base-url", "http://127.0.0.1:9", stdin=ndjson(track(1)))
    assert (run.code, run.err) == (0, "")
    assert list(command_line.folder.iterdir()) == []


def test_several_files_make_one_bill(command_line: CommandLine) -> None:
    (command_line.folder / "first.ndjson").write_bytes(ndjson(track(1), track(2)))
    (command_line.folder / "second.ndjson").write_bytes(ndjson(track(2), track(3)))
    run = command_line("bill", "first.ndjson", "second.ndjson")
    assert run.code == 0
    assert "2 sources: 4 events read, 3 usage events to bill\n  1 repeats the ID of an earlier event" in run.out


def test_an_id_counts_once_over_all_actions(command_line: CommandLine) -> None:
    run = command_line("bill", "-", stdin=ndjson(track(1), identify(1), identify(2)))
    assert "3 events read, 2 usage events to bill" in run.out
    assert "not numbers, so not summed: audience, region" in run.out


def test_what_deliver_skips_is_not_on_the_bill(command_line: CommandLine) -> None:
    (command_line.folder / "kable.toml").write_text('[delivery]\nonMissingClientId = "count"\n', encoding="utf-8")
    old = (track(number, timestamp="2020-03-04T05:06:07Z") for number in range(2, 5))
    events = ndjson(track(1), *old, track(5, userId=None), track(6, userId=" "))
    run = command_line("bill", "-", "--config", "kable.toml", stdin=events)
    assert "6 events read, 1 usage event to bill" in run.out
    assert "1 skipped: events that name no customer" in run.out
    assert "3 skipped: events older than the outbox remembers IDs (keepIds)" in run.out
    assert "1 rejected" in run.out
    allowed = command_line("bill", "-", "--config", "kable.toml", stdin=events, KABLE_ALLOW_OLD="true")
    assert "6 events read, 4 usage events to bill" in allowed.out
    sent = command_line("deliver", "-", "--config", "kable.toml", "--no-outbox", "--dry-run", stdin=events)
    assert "1 dead-lettered" in sent.err, "and so it is in a delivery"


@pytest.mark.parametrize("events", [b"", ndjson({"type": "page"})], ids=["none", "nothing wanted"])
def test_nothing_to_bill_is_said_and_fails(command_line: CommandLine, events: bytes) -> None:
    run = command_line("bill", "-", stdin=events)
    assert (run.code, run.out.splitlines()[-1]) == (1, "There is nothing to bill.")


def test_no_line_is_wider_than_80_columns_and_no_number_is_cut(command_line: CommandLine) -> None:
    long = "a-customer-with-a-name-that-is-much-too-long-for-a-table"
    events = ndjson(
        track(1, userId=f"{long}-1", properties={"a_dimension_" * 10: 12345678901234567890.5}),
        track(2, userId=f"{long}-2", properties={"東京" * 40: 0.1234567890123}),
        track(3, userId="tab\tand\x1b[31m\u202ered", properties={"n" * 300: 10**30}),
    )
    (command_line.folder / "events.ndjson").write_bytes(events)
    run = command_line("bill", "events.ndjson")
    lines = run.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in run.out
    assert "\u202e" not in run.out
    named = [line.split()[0] for line in lines if line.startswith("a-customer")]
    assert len(set(named)) == 2, "names that differ at their end are still different"
    for number in ("12,345,678,901,234,567,000", "0.1234567890123", "≈1.00000000000e+30"):
        assert number in run.out


def test_text_that_is_sometimes_there_instead_of_a_number_is_a_warning(command_line: CommandLine) -> None:
    run = command_line("bill", "-", stdin=ndjson(track(1), track(2, properties={"units": "2"})))
    assert "warning: units is not a number in 1 of 2 usage events; these are not in its sum" in run.out


def test_json_has_all_digits_and_says_what_is_left_out(command_line: CommandLine) -> None:
    events = ndjson(*(track(number, userId=str(number), properties={"n": 10**25 + number}) for number in range(5)))
    run = command_line("bill", "-", "--json", "--limit", "2", stdin=events)
    printed = json.loads(run.out)
    assert printed["dimensions"] == [{"dimension": "n", "count": 5, "sum": "50000000000000000000000010"}]
    assert (len(printed["largest"]), printed["customers_left_out"], printed["customers"]) == (2, 3, 5)
    everything = json.loads(command_line("bill", "-", "--json", "--limit", "0", stdin=events).out)
    assert (len(everything["largest"]), everything["customers_left_out"]) == (5, 0)


def test_the_page_holds_no_text_of_an_event_as_html_and_is_the_owners(command_line: CommandLine) -> None:
    hostile = "<script>alert(1)</script>\"'&"
    events = ndjson(track(1, userId=hostile, properties={hostile: 1}), track(2, type=hostile), track(3, userId=" "))
    run = command_line("bill", "-", "--html", "bill.html", stdin=events)
    assert run.code == 1
    path = command_line.folder / "bill.html"
    page = path.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "http" not in page.replace("http-equiv", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_page_takes_the_place_of_the_first(command_line: CommandLine) -> None:
    (command_line.folder / "bill.html").write_text("x" * 1_000_000, encoding="utf-8")
    command_line("bill", "-", "--html", "bill.html", stdin=ndjson(track(1)))
    page = (command_line.folder / "bill.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>\n")


def test_the_page_overwrites_no_input(command_line: CommandLine) -> None:
    (command_line.folder / "events.ndjson").write_bytes(EVENTS)
    (command_line.folder / "link.html").symlink_to("events.ndjson")
    for name in ("events.ndjson", "link.html"):
        run = command_line("bill", "events.ndjson", "--html", name)
        assert (run.code, "is an input, too" in run.err) == (2, True)
    assert (command_line.folder / "events.ndjson").read_bytes() == EVENTS
    run = command_line("bill", "events.ndjson", "--html", "nowhere/bill.html")
    assert (run.code, "nowhere/bill.html: cannot be written" in run.err) == (2, True)


def test_a_file_that_cannot_be_read_is_an_error_since_the_bill_would_lack_it(command_line: CommandLine) -> None:
    (command_line.folder / "events.ndjson").write_bytes(EVENTS)
    run = command_line("bill", "events.ndjson", "nowhere.ndjson")
    assert (run.code, run.out, "nowhere.ndjson" in run.err) == (2, "", True)


def test_secrets_are_masked(command_line: CommandLine) -> None:
    events: Any = ndjson(track(1, userId=API_KEY, properties={API_KEY: 1}), track(2, userId=" ", type=API_KEY))
    for options in ((), ("--json",), ("--html", "bill.html")):
        run = command_line("bill", "-", *options, stdin=events)
        page = command_line.folder / "bill.html"
        assert API_KEY not in run.out + run.err + (page.read_text(encoding="utf-8") if page.exists() else "")

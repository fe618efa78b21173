"""`snapshot`, as a user runs it who has a configuration and a file of events, and no Python."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from command_line import API_KEY
from segment_events import ndjson, track
from snapshot_folder import EVENTS, change, details, files, snapshot, write_folder

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine


@pytest.fixture
def folder(command_line: CommandLine) -> Path:
    """A folder with a TOML file and an NDJSON file, and nothing else."""
    return write_folder(command_line)


def recorded(folder: Path, name: str = "api-calls.json") -> list[dict[str, Any]]:
    """What a file of the snapshot holds of the events."""
    events: list[dict[str, Any]] = json.loads((folder / "snap" / name).read_bytes())["events"]
    return events


def test_the_first_run_records_and_the_next_finds_the_same(command_line: CommandLine, folder: Path) -> None:
    first = snapshot(command_line)
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("4 events recorded in snap: 2 planned, 1 rejected, 1 skipped\n")
    written = files(folder)
    assert set(written) == {"api-calls.json", "no_subscription.json"}
    section = json.loads(written["api-calls.json"])
    assert section["request"] == {
        "method": "POST",
        "url": "https://test.kable.io/api/v1/events/create",
        "headers": {
            "accept": "application/json",
            "content-type": "application/json",
            "kable-client-id": "kci_example",
            "kable-client-secret": "••••••••",
        },
    }
    assert section["events"][0] == {
        "messageId": "message-000001",
        "outcome": "planned",
        "body": {
            "clientId": "customer_1",
            "data": {"region": "eu", "units": 1},
            "timestamp": "2026-03-04T05:06:07.890Z",
            "transactionId": "message-000001",
        },
    }
    second = snapshot(command_line)
    assert (second.code, second.err) == (0, "")
    assert second.out == "4 events as recorded in snap: 2 planned, 1 rejected, 1 skipped\n"
    assert files(folder) == written


def test_a_change_of_mapping_is_shown_by_event_and_field(command_line: CommandLine, folder: Path) -> None:
    snapshot(command_line)
    change(folder, '"$.properties.region"', '"$.properties.units"')
    run = snapshot(command_line)
    assert run.code == 1
    assert run.out.splitlines() == [
        "the bill changes for 2 customers:",
        "customer       dimension         before  after  difference",
        "all customers  events     count       2      2           0",
        "               region     count       0      2          +2",
        "                          sum         0      3          +3",
        "customer_1     events     count       1      1           0",
        "               region     count       0      1          +1",
        "                          sum         0      1          +1",
        "customer_2     events     count       1      1           0",
        "               region     count       0      1          +1",
        "                          sum         0      2          +2",
        "",
        'line 1 (messageId "message-000001"), subscription "API calls"',
        '  data.region: was "eu", now 1',
        'line 2 (messageId "message-000002"), subscription "API calls"',
        '  data.region: was "eu", now 2',
        "",
        "by field:",
        "  2 events  API calls: data.region",
        "2 events not as recorded in snap; if you meant this, record it with --update",
    ]


def test_an_update_tells_what_changed_and_records_it(command_line: CommandLine, folder: Path) -> None:
    snapshot(command_line)
    change(folder, 'name = "API calls"', 'name = "Calls"')
    change(folder, "units =", "amount =")
    update = snapshot(command_line, "--update")
    assert update.code == 0
    assert 'subscription "Calls", all events\n  name: was "API calls", now "Calls"' in update.out
    assert "data.amount: was nothing, now 1" in update.out
    assert "4 events recorded again in snap" in update.out
    assert set(files(folder)) == {"calls.json", "no_subscription.json"}
    assert snapshot(command_line).code == 0


def test_events_that_change_their_outcome_are_told_with_the_reason(command_line: CommandLine, folder: Path) -> None:
    snapshot(command_line)
    change(folder, 'event = "API Call"', "properties.units > 1")
    change(
        folder,
        "[subscriptions.mapping.data]",
        '[subscriptions.mapping]\nclientId = { "@path" = "$.properties.nobody" }\n[subscriptions.mapping.data]',
    )
    out = snapshot(command_line).out
    first, outcome = details(out).splitlines()[:2]
    assert first == 'line 1 (messageId "message-000001"), subscription "API calls"'
    assert outcome.startswith('  outcome: was planned {"clientId":"customer_1","data":{"region":"eu","units":1},')
    assert outcome.endswith("…, now skipped: no subscription wants this track event")
    assert '"message-000002"' in out
    assert "now rejected: clientId: Client ID is required" in out
    change(folder, 'clientId = { "@path" = "$.properties.nobody" }', "")
    snapshot(command_line, "--update")
    change(folder, " and properties.units > 1", "")
    assert "outcome: was skipped: no subscription wants this track event, now planned {" in snapshot(command_line).out


def test_numbers_differ_when_their_text_does(command_line: CommandLine, folder: Path) -> None:
    big = 10**40 + 1
    (folder / "events.ndjson").write_bytes(ndjson(track(1, properties={"units": 1, "region": big})))
    snapshot(command_line)
    assert recorded(folder)[0]["body"]["data"]["region"] == big
    (folder / "events.ndjson").write_bytes(ndjson(track(1, properties={"units": 1.0, "region": big + 1})))
    out = snapshot(command_line).out
    assert "data.units: was 1, now 1.0" in out
    assert f"data.region: was {big}, now {big + 1}" in out


def test_events_that_are_new_gone_or_moved_are_told_apart(command_line: CommandLine, folder: Path) -> None:
    snapshot(command_line)
    (folder / "events.ndjson").write_bytes(b"\n" + ndjson(EVENTS[2], EVENTS[0], EVENTS[3]))
    run = snapshot(command_line)
    assert run.code == 1
    assert 'not in the events (messageId "message-000002"), subscription "API calls"' in run.out
    assert "now nothing" in run.out
    assert "1 event not as recorded" in run.out
    (folder / "events.ndjson").write_bytes(ndjson(*EVENTS, track(5), track(5)))
    run = snapshot(command_line)
    assert (
        'line 5 (messageId "message-000005"), subscription "API calls"\n  outcome: was nothing, now planned' in run.out
    )
    assert 'line 6 (messageId "message-000005" for time 2)' in run.out
    assert "2 events not as recorded" in run.out


def test_lines_that_are_no_events_stand_in_their_place_and_stop_nothing(
    command_line: CommandLine, folder: Path
) -> None:
    lines = (
        b'{"type": "track"',
        track(1),
        b"[1]",
        b'{"type":"track","event":"API Call\xff"}',
        track(2),
        b"9" * 9_000_000,
    )
    (folder / "events.ndjson").write_bytes(ndjson(*lines))
    run = snapshot(command_line)
    assert run.code == 0
    assert "2 planned, 4 unreadable" in run.out
    for line in (1, 3, 4, 6):
        assert f"events.ndjson, line {line}: no event: " in run.err
    unreadable = recorded(folder, "no_subscription.json")
    assert [(event["line"], event["outcome"]) for event in unreadable] == [(at, "unreadable") for at in (1, 3, 4, 6)]
    assert [event["messageId"] for event in recorded(folder)] == ["message-000001", "message-000002"]
    assert snapshot(command_line).code == 0


def test_every_form_of_input_that_deliver_reads_gives_the_same(command_line: CommandLine, folder: Path) -> None:
    snapshot(command_line)
    forms = (json.dumps(EVENTS), "\n".join(json.dumps(event, indent=2) for event in EVENTS))
    for text in forms:
        (folder / "events.ndjson").write_text(text, encoding="utf-8")
        assert snapshot(command_line).code == 0
    (folder / "events.ndjson").write_bytes(gzip.compress(ndjson(*EVENTS)))
    assert snapshot(command_line).code == 0
    assert snapshot(command_line, "--events", "-", stdin=ndjson(*EVENTS)).code == 0


def test_a_damaged_file_is_named_with_the_remedy(command_line: CommandLine, folder: Path) -> None:
    snapshot(command_line)
    path = folder / "snap" / "api-calls.json"
    planned = b'{"snapshot": 1, "subscription": null, "events": [{"outcome": "planned", "body": %b}]}'
    for damage in (
        b"",
        b"[]",
        b'{"snapshot": 2, "subscription": null}',
        planned.replace(b"planned", b"lost") % b"1",
        planned % (b"[" * 5_000),
        planned % (b"9" * 5_000),
        planned % b'"\xff"',
    ):
        path.write_bytes(damage)
        run = snapshot(command_line)
        assert run.code == 2, damage[:100]
        assert run.err.startswith("error: snap/api-calls.json: is not a snapshot, or damaged")
        assert "delete it and record again with --update" in run.err
    assert snapshot(command_line, "--update").code == 2
    assert path.read_bytes() == damage
    path.unlink()
    assert snapshot(command_line).code == 1
    assert snapshot(command_line, "--update").code == 0


def test_no_secret_is_written_or_said_and_none_is_needed(command_line: CommandLine, folder: Path) -> None:
    another = "sk_live.another-S3cret"
    holding = track(1, messageId=f"id {API_KEY}", properties={"units": API_KEY, "region": another})
    (folder / "events.ndjson").write_bytes(ndjson(holding, track(2), b'{"' + API_KEY.encode()))
    change(folder, "[settings]", f'[settings]\napiKey = "{another}"')
    runs = [snapshot(command_line)]
    change(folder, "units =", "amount =")
    runs += [snapshot(command_line), snapshot(command_line, "--update")]
    assert [run.code for run in runs] == [0, 1, 0]
    said = "".join(run.out + run.err for run in runs) + "".join(text.decode() for text in files(folder).values())
    for text in (API_KEY, another):
        for spelling in (text, quote(text, safe=""), base64.b64encode(text.encode()).decode().rstrip("=")):
            assert spelling not in said
    assert "••••••••" in said


def test_it_is_the_same_with_other_credentials_or_none(command_line: CommandLine, folder: Path) -> None:
    change(folder, 'kableClientId = "kci_example"', "")
    snapshot(command_line)
    other = {"KABLE_API_KEY": "sk_live.1234567", "KABLE_CLIENT_ID": "kci_9", "KABLE_BASE_URL": "http://127.0.0.1:1"}
    none = dict.fromkeys(other, "")
    for environment in (other, none):
        run = snapshot(command_line, stdin=b"", **environment)
        assert (run.code, run.err) == (0, ""), run.out
    written = files(folder)
    assert "placeholders replace apiKey, kableClientId" in snapshot(command_line, "--update", stdin=b"", **none).out
    assert files(folder) == written


def test_ci_does_not_begin_a_snapshot(command_line: CommandLine, folder: Path) -> None:
    run = snapshot(command_line, CI="true")
    assert (run.code, run.out) == (2, "")
    assert "error: snap: holds no snapshot, and CI only compares" in run.err
    assert not (folder / "snap").exists()
    assert snapshot(command_line, "--update", CI="true").code == 0
    assert snapshot(command_line, CI="true").code == 0


def test_a_long_difference_is_bounded_unless_all_is_asked_for(command_line: CommandLine, folder: Path) -> None:
    wide = {"units": {f"key {number}": number for number in range(50)}, "region": "x" * 5_000}
    events = [track(1, properties=wide), *(track(number) for number in range(2, 102))]
    (folder / "events.ndjson").write_bytes(ndjson(*events))
    snapshot(command_line)
    (folder / "events.ndjson").write_bytes(
        ndjson(*(json.loads(json.dumps(event).replace("eu", "us")) for event in events))
    )
    change(folder, "units =", "amount =")
    run = snapshot(command_line)
    assert run.out.count("line ") == 20
    assert "… and 81 more events; --all shows them" in run.out
    assert "  … and 80 more fields; --all shows them" in run.out
    assert "  100 events  API calls: data.region" in run.out
    everything = snapshot(command_line, "--all").out
    assert everything.count("line ") == 101
    assert 'data.amount["key 49"]: was nothing, now 49' in everything


def test_long_values_show_where_they_differ(command_line: CommandLine, folder: Path) -> None:
    for end in ("this", "that"):
        (folder / "events.ndjson").write_bytes(ndjson(track(1, properties={"region": "x" * 5_000 + end})))
        run = snapshot(command_line)
    assert f'  data.region: was …{"x" * 18}this", now …{"x" * 18}that"\n' in run.out


def test_hostile_names_and_texts_do_no_harm(command_line: CommandLine, folder: Path) -> None:
    names = ("../../outside", "no_subscription", "/etc/x", "..", "é \\u001b[31m", "no subscription")
    subscriptions = "".join(
        f'[[subscriptions]]\nname = "{name}"\npartnerAction = "track"\nsubscribe = \'event = "{number}"\'\n'
        for number, name in enumerate(names)
    )
    (folder / "kable.toml").write_text(f'[settings]\nkableClientId = "x"\n{subscriptions}', encoding="utf-8")
    evil = "../x\x1b[2J\r\n\u202e\x85\u2028"
    events = [
        track(number, event=str(number), messageId=f"{number}{evil}", properties={f"a.{evil}": evil})
        for number in range(len(names))
    ]
    (folder / "events.ndjson").write_bytes(ndjson(*events))
    first = snapshot(command_line)
    assert first.code == 0, first.err
    assert set(files(folder)) == {
        "outside.json",
        "no-subscription.json",
        "no-subscription-2.json",
        "no_subscription.json",
        "etc-x.json",
        "subscription.json",
        "e-31m.json",
    }
    assert {path.name for path in folder.iterdir()} == {"kable.toml", "events.ndjson", "snap"}
    assert recorded(folder, "outside.json")[0]["body"]["data"] == {f"a.{evil}": evil}
    changed = [{**event, "properties": {f"b.{evil}": f"{evil}{evil}"}} for event in events]
    (folder / "events.ndjson").write_bytes(ndjson(*changed))
    said = snapshot(command_line).out
    for text in (said, *(text.decode() for text in files(folder).values())):
        assert all(character.isprintable() or character == "\n" for character in text)
    assert details(said).count("\n") == 6 * 3 + 2 + 12 + 1


CUT = gzip.compress(ndjson(*(track(number) for number in range(1_000))))[:-400]


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (None, "events.ndjson: cannot be read"),
        (b"", "events.ndjson: holds no events"),
        (b"\n  \n", "events.ndjson: holds no events"),
        (b"hello\n[1]\n", "events.ndjson: holds no events; line 1: is not valid JSON"),
        (CUT, "the gzip data is damaged from here on, and what follows cannot be read"),
    ],
)
def test_a_file_without_events_is_told(
    command_line: CommandLine, folder: Path, events: bytes | None, told: str
) -> None:
    (folder / "events.ndjson").unlink()
    if events is not None:
        (folder / "events.ndjson").write_bytes(events)
    run = snapshot(command_line)
    assert run.code == 2
    assert run.err.startswith("error: events.ndjson")
    assert told in run.err
    assert not (folder / "snap").exists()


def test_a_folder_that_holds_other_files_is_not_written_to(command_line: CommandLine, folder: Path) -> None:
    (folder / "package.json").write_text("{}", encoding="utf-8")
    run = snapshot(command_line, "--dir", ".")
    assert run.code == 2
    assert "error: package.json: is not a snapshot" in run.err
    assert "a folder of its own" in run.err
    assert {path.name for path in folder.iterdir()} == {"kable.toml", "events.ndjson", "package.json"}


def test_a_change_of_what_all_requests_share_is_told_once(command_line: CommandLine, folder: Path) -> None:
    snapshot(command_line)
    change(folder, "kci_example", "kci_other")
    run = snapshot(command_line)
    assert run.code == 1
    assert "the bill: all counts and sums stay the same" in run.out
    assert details(run.out).splitlines()[:2] == [
        'subscription "API calls", all events',
        '  header kable-client-id: was "kci_example", now "kci_other"',
    ]
    assert "what all events share is not as recorded in snap" in run.out


def test_thousands_of_events_are_no_trouble(command_line: CommandLine, folder: Path) -> None:
    (folder / "events.ndjson").write_bytes(ndjson(*(track(number) for number in range(4_000))))
    assert snapshot(command_line).code == 0
    run = snapshot(command_line)
    assert (run.code, run.out) == (0, "4,000 events as recorded in snap: 4,000 planned\n")

"""Which dead letters an outbox keeps: each that was counted, and none of what was delivered later."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from scripted_server import scripted_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox

NOBODY = {**track(1), "userId": ""}
WITHOUT_ID = {key: value for key, value in track(2).items() if key != "messageId"}
BAD = ndjson(NOBODY, WITHOUT_ID, b"{oops")


def dead(command_line: CommandLine) -> int:
    """Count the dead letters of the outbox."""
    return sum(json.loads(command_line("status", "--json", "--outbox", outbox(command_line)).out)["dead"].values())


def outbox(command_line: CommandLine) -> str:
    """Return the outbox that all folders of a test share."""
    return str(command_line.folder / "outbox.sqlite")


def deliver(command_line: CommandLine, base_url: str, path: Path, content: bytes) -> Run:
    """Deliver a file from within its folder, by its name alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    here = replace(command_line, folder=path.parent)
    report = ("--report", str(command_line.folder / "report.json"))
    run = here("deliver", path.name, "--base-url", base_url, "--outbox", outbox(command_line), *report)
    return type(run)(run.code, run.out, run.err, command_line.folder)


def test_a_renamed_copy_has_no_dead_letters_of_its_own(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    content = ndjson(track(5)) + BAD
    for name in ("day.ndjson", "renamed.ndjson", "folder/day.ndjson"):
        deliver(command_line, sandbox.base_url, command_line.folder / name, content)
        assert dead(command_line) == 3, name
    assert len(sandbox.ledger.events) == 1


@pytest.mark.parametrize("line", [b"{oops\n", b"[1, 2]\n", ndjson(WITHOUT_ID)])
def test_equal_lines_of_two_folders_are_two_dead_letters(
    command_line: CommandLine, sandbox: RunningSandbox, line: bytes
) -> None:
    counted = 0
    for folder in ("one", "two", "two"):
        run = deliver(command_line, sandbox.base_url, command_line.folder / folder / "events.ndjson", line)
        counted += run.report["read"]
    assert dead(command_line) == counted


@pytest.mark.parametrize(
    ("line", "count"),
    [
        (b"[1, 1]\n", 2),
        (b"[%b, %b]\n" % (ndjson(NOBODY).strip(), ndjson(NOBODY).strip()), 2),
        (b"[%b, 1, %b, 1]\n" % (ndjson(WITHOUT_ID).strip(), ndjson(WITHOUT_ID).strip()), 4),
        (b"[%b," % ndjson(NOBODY).strip() + b",".join([b"7"] * 1_199) + b"]\n", 1_200),
    ],
)
def test_equal_elements_of_one_line_are_kept_each(
    command_line: CommandLine, sandbox: RunningSandbox, line: bytes, count: int
) -> None:
    run = deliver(command_line, sandbox.base_url, command_line.folder / "events.ndjson", line)
    assert dead(command_line) == sum(run.report["dead_lettered"].values()) == count


def test_a_file_that_grows_leaves_the_dead_letters_of_others(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    whole = ndjson(track(1))
    one, two = (command_line.folder / name / "events.ndjson" for name in ("one", "two"))
    deliver(command_line, sandbox.base_url, one, whole[:39])
    deliver(command_line, sandbox.base_url, two, whole[:40])
    assert dead(command_line) == 2
    deliver(command_line, sandbox.base_url, two, whole)
    assert dead(command_line) == 1


@pytest.mark.parametrize("is_renamed", [True, False])
def test_equal_lines_of_a_log_that_begins_anew_are_kept_each(
    command_line: CommandLine, sandbox: RunningSandbox, *, is_renamed: bool
) -> None:
    """Each day's log begins with the same line, which is no event."""
    log = command_line.folder / "app.log"
    for day in range(3):
        if is_renamed and log.exists():
            log.rename(f"{log}.{day}")
        content = b"#Fields: time user event\n" + ndjson(track(day))
        assert deliver(command_line, sandbox.base_url, log, content).report["read"] == 2
        assert dead(command_line) == day + 1
        names = [path.name for path in sorted(command_line.folder.glob("app.log.*"))]
        again = command_line("deliver", *names, "app.log", "--base-url", sandbox.base_url)
        assert "0 read" in again.out
        assert dead(command_line) == day + 1


def test_a_line_that_was_corrected_in_its_file_leaves_the_other_dead_letters_as_they_are(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    path = command_line.folder / "events.ndjson"
    deliver(command_line, sandbox.base_url, path, ndjson(track(1)) + BAD)
    assert dead(command_line) == 3
    deliver(command_line, sandbox.base_url, path, ndjson(track(1)) + BAD.replace(b"{oops", ndjson(track(7)).strip()))
    assert len(sandbox.ledger.events) == 2
    # The line that was corrected is gone from the file, and its letter is of what was there.
    assert dead(command_line) == 3


def test_a_line_that_was_half_written_is_no_dead_letter_once_it_is_whole_in_a_rotated_log(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    log, rotated = command_line.folder / "app.log", command_line.folder / "app.log.1"
    whole = ndjson(track(1), track(2))
    deliver(command_line, sandbox.base_url, log, whole[:-30])
    assert dead(command_line) == 1
    log.rename(rotated)
    log.write_bytes(ndjson(track(3)))
    deliver(command_line, sandbox.base_url, rotated, whole)
    assert (dead(command_line), len(sandbox.ledger.events)) == (0, 2)


def test_of_two_copies_that_grew_alike_the_second_is_known(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """The original itself was read only up to the moment at which it was copied."""
    begin, grown = ndjson(track(1)), ndjson(track(1)) + b"{oops, a line\n"
    deliver(command_line, sandbox.base_url, command_line.folder / "log", begin)
    deliver(command_line, sandbox.base_url, command_line.folder / "copy", grown)
    run = deliver(command_line, sandbox.base_url, command_line.folder / "log", grown)
    assert (run.report["read"], dead(command_line)) == (0, 1)


def test_a_dead_letter_ends_when_its_event_is_delivered(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    deliver(
        command_line, sandbox.base_url, command_line.folder / "bad.ndjson", ndjson(NOBODY, {**track(2), "userId": 1.5})
    )
    assert dead(command_line) == 2
    fixed = deliver(command_line, sandbox.base_url, command_line.folder / "good.ndjson", ndjson(track(1), track(3)))
    assert (fixed.code, dead(command_line)) == (0, 1)
    assert command_line("dead-letters", "list").out.startswith("1 rejected")


def test_a_corrected_event_is_delivered_in_place_of_the_refused_one(command_line: CommandLine) -> None:
    def answer(number: int) -> Any:
        return (400, {}, b'{"message": "no"}') if b'"units":13' in server.bodies[number] else (200, {}, b"")

    refused, corrected = track(1, properties={"units": 13}), track(1, properties={"units": 3})
    with scripted_server(answer) as server:
        path = command_line.folder / "events.ndjson"
        assert deliver(command_line, server.base_url, path, ndjson(refused)).code == 1
        # The same again, written in another way, is the same event.
        again = deliver(
            command_line, server.base_url, path, json.dumps(dict(reversed(refused.items())), indent=1).encode()
        )
        assert (again.report["duplicates"], again.report["dead_lettered"]["refused"]) == (1, 1)
        before = len(server.bodies)
        run = deliver(command_line, server.base_url, path, ndjson(corrected))
        assert (run.code, run.report["delivered"], run.report["duplicates"]) == (0, 1, 0)
        assert [json.loads(body)["data"] for body in server.bodies[before:]] == [{"units": 3}]
        assert dead(command_line) == 0
        # What was delivered is delivered, whatever comes under its ID.
        late = deliver(command_line, server.base_url, path, ndjson(refused))
        assert (late.code, late.report["duplicates"], len(server.bodies)) == (0, 1, before + 1)


def test_a_dry_run_groups_what_would_be_rejected_again(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    nobodies = [{**track(number), "userId": ""} for number in range(2_000)]
    others = [{**track(3_000 + number), "userId": 1.5 + number} for number in range(30)]
    deliver(command_line, sandbox.base_url, command_line.folder / "events.ndjson", ndjson(*nobodies, *others))
    run = command_line("dead-letters", "replay", "--dry-run", "--base-url", sandbox.base_url)
    lines = run.out.splitlines()
    assert lines[0].startswith("2,000 would be rejected again, such as 1: clientId: Client ID is required")
    assert "rejected again: 2,030, kept; fix the mapping first" in lines[-1]
    assert len(lines) < 25

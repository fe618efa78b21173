"""`outbox backup`, `outbox copy` and `outbox erase`, as a user runs them."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING

import pytest

from postgres_server import require_postgres, shared_server
from scripted_server import scripted_server
from segment_events import ndjson, track
from terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine

CUSTOMERS = ("acme", "other", "acme", "acme", "acme-2")
EVENTS = [track(number, properties={"units": number}) | {"userId": who} for number, who in enumerate(CUSTOMERS)]
REJECTED = [
    {**track(50), "userId": "acme", "timestamp": "never"},
    {**track(51), "userId": "other", "timestamp": "never"},
]
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def filled(command_line: CommandLine) -> CommandLine:
    """A folder whose outbox holds events and dead letters of several customers; nobody took them."""
    run = command_line.deliver(ndjson(*EVENTS, *REJECTED), NOBODY, "--wait", "0")
    assert (run.report["unsent"], run.report["dead_lettered"]["rejected"]) == (5, 2)
    return command_line


def customers_of(server_bodies: list[bytes]) -> list[str]:
    """Return the customers whose events a server was sent."""
    payloads = [json.loads(body) for body in server_bodies]
    return sorted(event["clientId"] for body in payloads for event in (body if isinstance(body, list) else [body]))


def counts(command_line: CommandLine, outbox: str = "outbox.sqlite") -> tuple[int, int]:
    """Return how many events are queued, and how many dead letters there are."""
    status = json.loads(command_line("status", "--json", "--outbox", outbox).out)
    return sum(lane["queued"] for lane in status["lanes"]), sum(status["dead"].values())


def test_a_backup_has_everything_and_is_its_owners_alone(filled: CommandLine) -> None:
    run = filled("outbox", "backup", "copy.sqlite")
    assert run.code == 0, run.err
    assert run.out.startswith("outbox.sqlite is copied to copy.sqlite (")
    assert stat.S_IMODE((filled.folder / "copy.sqlite").stat().st_mode) == 0o600
    assert counts(filled, "copy.sqlite") == counts(filled) == (5, 2)
    assert [path.name for path in filled.folder.glob("*.part*")] == []


def test_a_restored_backup_sends_what_was_queued(filled: CommandLine) -> None:
    filled("outbox", "backup", "copy.sqlite")
    for path in filled.folder.glob("outbox.sqlite*"):
        path.unlink()
    (filled.folder / "copy.sqlite").rename(filled.folder / "outbox.sqlite")
    with scripted_server(lambda _: (200, {}, b"")) as server:
        # The lane is that of the account at NOBODY, so another base URL finds nothing to send.
        assert "0 delivered" in filled("deliver", "--base-url", server.base_url).out
    assert counts(filled) == (5, 2)
    again = filled.deliver(ndjson(*EVENTS), NOBODY, "--wait", "0")
    assert again.report["unsent"] == 5, "the backup knows their IDs"
    assert counts(filled) == (5, 2)


def test_an_outbox_is_copied_to_postgres_and_back(filled: CommandLine) -> None:
    require_postgres()
    url = shared_server().outbox(filled.folder).replace("kable@", "kable:S3cr3t@")
    there = filled("outbox", "copy", "outbox.sqlite", url)
    assert there.code == 0, there.err
    assert there.out.startswith("outbox.sqlite is copied to postgresql://…: ")
    assert there.out.endswith(", 2 dead letters, 5 known IDs\n")
    assert counts(filled, url) == (5, 2)
    back = filled("outbox", "copy", url, "back.sqlite", "--json")
    assert json.loads(back.out)["known_ids"] == 5
    assert counts(filled, "back.sqlite") == (5, 2)
    again = filled("outbox", "copy", "outbox.sqlite", url)
    assert (again.code, "is not empty; name another schema" in again.err) == (2, True)
    assert "S3cr3t" not in f"{there.out}{there.err}{back.out}{back.err}{again.out}{again.err}"


def test_a_backup_overwrites_nothing(filled: CommandLine) -> None:
    (filled.folder / "there").write_text("mine")
    (filled.folder / "dangling").symlink_to("nowhere")
    for name in ("there", "dangling"):
        run = filled("outbox", "backup", name)
        assert (run.code, run.err) == (
            2,
            f"error: {name}: is there already, and is not overwritten; name another file\n",
        )
    assert (filled.folder / "there").read_text() == "mine"
    own = filled("outbox", "backup", "outbox.sqlite")
    assert (own.code, "is the outbox, and would be overwritten" in own.err) == (2, True)
    missing = filled("outbox", "backup", "nowhere/copy")
    assert (missing.code, missing.err) == (2, "error: nowhere/copy: cannot be written: No such file or directory\n")
    none = filled("outbox", "backup", "copy", "--outbox", "none.sqlite")
    assert (none.code, "there is no outbox at none.sqlite" in none.err) == (2, True)
    other = filled("outbox", "backup", "copy", "--outbox", "memory:")
    assert (other.code, "outbox" in other.err) == (2, True)
    (filled.folder / "text").write_text("no database, but text that is long enough to be looked into\n" * 20)
    text = filled("outbox", "backup", "copy", "--outbox", "text")
    assert (text.code, "Traceback" in text.err) == (2, False)
    assert not (filled.folder / "copy").exists()


def test_a_backup_while_events_are_delivered_is_consistent(command_line: CommandLine, tmp_path: Path) -> None:
    """Each copy has every event exactly once: queued, or delivered."""
    seen, may_end = Event(), Event()
    answered = 0

    def answer(number: int) -> tuple[int, dict[str, str], bytes]:
        nonlocal answered
        if number >= 20:
            seen.set()
            assert may_end.wait(60)
        answered += 1
        return 200, {}, b""

    events = ndjson(*(track(number) for number in range(4_000)))
    (command_line.folder / "events.ndjson").write_bytes(events)
    with scripted_server(answer) as server:
        options = ("--base-url", server.base_url, "--batch-size", "50", "--concurrency", "1", "--planners", "0")
        with command_line.start("deliver", "events.ndjson", *options) as process:
            assert seen.wait(60)
            run = command_line("outbox", "backup", "copy.sqlite")
            may_end.set()
            assert process.wait(timeout=60) == 0
    assert run.code == 0, run.err
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        queued, delivered = copy.execute("SELECT sum(events), sum(delivered) FROM lanes").fetchone()
        assert copy.execute("SELECT sum(events) FROM batches").fetchone()[0] == queued
    assert delivered >= 20 * 50 - 50
    assert 0 < queued <= 4_000 - delivered


def test_erasing_a_customer_keeps_the_events_of_others(filled: CommandLine) -> None:
    run = filled("outbox", "erase", "--customer", "acme", "--yes")
    assert (run.code, run.out, run.err) == (0, "3 queued events and 1 dead letter of acme erased\n", "")
    assert counts(filled) == (2, 1)
    again = filled("outbox", "erase", "--customer", "acme", "--yes", "--json")
    told = json.loads(again.out)
    assert (again.code, told["queued"], told["dead_letters"]) == (0, 0, 0)
    for path in filled.folder.glob("outbox.sqlite*"):
        assert b"message-000050" not in path.read_bytes(), "what was erased is overwritten"
    assert b"message-000051" in (filled.folder / "outbox.sqlite").read_bytes(), "dead letters are there as text"


def test_an_erased_event_does_not_come_back(filled: CommandLine) -> None:
    filled("outbox", "erase", "--customer", "acme", "--yes")
    again = filled.deliver(ndjson(*EVENTS, {"type": "page"}), NOBODY, "--wait", "0")
    assert again.code == 1
    assert counts(filled) == (2, 1)


def test_what_is_being_sent_stays_and_is_counted(command_line: CommandLine) -> None:
    seen, may_end = Event(), Event()

    def answer(_: int) -> tuple[int, dict[str, str], bytes]:
        seen.set()
        assert may_end.wait(60)
        return 200, {}, b""

    (command_line.folder / "events.ndjson").write_bytes(ndjson(*EVENTS))
    with (
        scripted_server(answer) as server,
        command_line.start("deliver", "events.ndjson", "--base-url", server.base_url) as process,
    ):
        assert seen.wait(60)
        run = command_line("outbox", "erase", "--customer", "acme", "--yes")
        may_end.set()
        assert process.wait(timeout=60) == 0
        bodies = server.bodies
    assert run.code == 1
    assert run.err == ("warning: 3 events are being sent by a running process; run this again when that has ended\n")
    assert customers_of(bodies) == sorted(CUSTOMERS)


def test_dead_letters_that_nobody_can_attribute_are_named(command_line: CommandLine) -> None:
    event = {**track(1, properties={"company": "acme"}), "userId": ""}
    command_line.deliver(ndjson(event), NOBODY, "--wait", "0")
    run = command_line("outbox", "erase", "--customer", "acme", "--yes")
    assert run.code == 1
    assert "dead letters that have the ID elsewhere, so nobody knows whose they are: 1 (" in run.err
    assert counts(command_line) == (0, 1)


@pytest.mark.parametrize(("typed", "code", "left"), [("n\n", 1, (5, 2)), ("y\n", 0, (2, 1))])
def test_a_terminal_asks_before_a_customer_is_erased(
    filled: CommandLine, typed: str, code: int, left: tuple[int, int]
) -> None:
    with terminal(filled, "outbox", "erase", "--customer", "acme") as shown:
        shown.wait_for("Erase 3 queued events and 1 dead letter of acme for good? [y/N] ")
        shown.type(typed)
        assert shown.end() == code
    assert counts(filled) == left


def test_without_a_terminal_erasing_needs_yes(filled: CommandLine) -> None:
    run = filled("outbox", "erase", "--customer", "acme")
    assert (run.code, run.err) == (2, "error: erase: deletes events that were not billed yet; add --yes to mean it\n")
    blank = filled("outbox", "erase", "--customer", " ", "--yes")
    assert (blank.code, blank.err) == (2, "error: --customer: is blank, and names nobody\n")
    assert counts(filled) == (5, 2)

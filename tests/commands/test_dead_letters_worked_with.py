"""Dead letters that somebody works with: chosen by ID, exported, corrected, delivered, discarded after a question."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY
from scripted_server import scripted_server
from segment_events import ndjson, track
from terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox

NOBODY = [{**track(number), "userId": ""} for number in range(1, 4)]
WITHOUT_ID = {key: value for key, value in track(9).items() if key != "messageId"}


def listed(command_line: CommandLine) -> list[int]:
    """Return the IDs of all dead letters, as a script reads them."""
    groups = json.loads(command_line("dead-letters", "list", "--json").out)["groups"]
    return sorted(number for group in groups for number in group["ids"])


def corrected(command_line: CommandLine, correct: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """Return the exported events after somebody has corrected them."""
    lines = (command_line.folder / "fix.ndjson").read_bytes().splitlines()
    return ndjson(*(correct(json.loads(line)) for line in lines))


def with_customer(event: dict[str, Any]) -> dict[str, Any]:
    """Name the customer of an event."""
    return {**event, "userId": "customer_7"}


def deliver(command_line: CommandLine, base_url: str, *files: str) -> Run:
    """Deliver files."""
    return command_line("deliver", *files, "--base-url", base_url)


def test_a_list_has_the_ids_of_each_group(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    command_line.deliver(ndjson(*NOBODY, b"{oops"), sandbox.base_url)
    run = command_line("dead-letters", "list")
    assert "    IDs 1 2 3\n" in run.out
    assert "    ID 4\n" in run.out
    shown = json.loads(command_line("dead-letters", "list", "--json").out)
    assert [(group["ids"], group["count"], group["reason"]) for group in shown["groups"]] == [
        ([1, 2, 3], 3, "rejected"),
        ([4], 1, "unreadable"),
    ]
    assert shown["counts"] == {"rejected": 3, "unreadable": 1}


def test_of_very_many_ids_a_list_shows_the_first_and_json_all(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    command_line.deliver(ndjson(*({**track(number), "userId": ""} for number in range(1_234))), sandbox.base_url)
    assert "    IDs 1 2 3 4 5 6 7 8 9 10 and 1,224 more\n" in command_line("dead-letters", "list").out
    assert listed(command_line) == list(range(1, 1_235))


def test_a_replay_sends_the_letters_with_the_given_ids(command_line: CommandLine) -> None:
    is_mended = False

    def answer(number: int) -> tuple[int, dict[str, str], bytes]:
        return (200, {}, b"") if is_mended or b'"units":13' not in server.bodies[number] else (400, {}, b"")

    with scripted_server(answer) as server:
        events = [track(number, properties={"units": 13}) for number in range(1, 5)]
        assert command_line.deliver(ndjson(*events), server.base_url).code == 1
        is_mended, before = True, len(server.bodies)
        typo = command_line("dead-letters", "replay", "2", "99", "--base-url", server.base_url)
        assert (typo.code, typo.err) == (2, "error: ID: there is no dead letter 99; nothing was changed\n")
        assert len(server.bodies) == before
        first, third = (json.loads(command_line("dead-letters", "show", n).out)["event"]["messageId"] for n in "13")
        run = command_line("dead-letters", "replay", "3", "1", "--json", "--base-url", server.base_url)
        assert run.code == 0, run.err
        told = json.loads(run.out)
        assert (told["again"], told["run"]["delivered"], told["ended"]) == (2, 2, None)
        sent = json.loads(server.bodies[-1])
        assert sorted(event["transactionId"] for event in sent) == sorted([first, third])
        assert listed(command_line) == [2, 4]


def test_a_corrected_event_closes_its_dead_letter(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    assert command_line.deliver(ndjson(*NOBODY), sandbox.base_url).code == 1
    run = command_line("dead-letters", "export", "fix.ndjson")
    assert run.code == 0, run.err
    assert run.out.startswith("3 events written to fix.ndjson, which only you can read\n")
    assert "kable-destination deliver fix.ndjson" in run.out
    assert stat.S_IMODE((command_line.folder / "fix.ndjson").stat().st_mode) == 0o600
    assert listed(command_line) == [1, 2, 3], "they stay until they are delivered"
    (command_line.folder / "fixed.ndjson").write_bytes(corrected(command_line, with_customer))
    assert deliver(command_line, sandbox.base_url, "fixed.ndjson").code == 0
    assert [event["clientId"] for event in sandbox.ledger.events] == ["customer_7"] * 3
    assert listed(command_line) == []


def test_a_refused_event_is_delivered_once_it_is_corrected(command_line: CommandLine) -> None:
    def answer(number: int) -> tuple[int, dict[str, str], bytes]:
        return (400, {}, b"") if b'"units":13' in server.bodies[number] else (200, {}, b"")

    with scripted_server(answer) as server:
        assert command_line.deliver(ndjson(track(1, properties={"units": 13})), server.base_url).code == 1
        assert command_line("dead-letters", "export", "fix.ndjson", "1").code == 0
        deliver(command_line, server.base_url, "fix.ndjson")
        assert listed(command_line) == [1], "what is not corrected stays"
        fixed = corrected(command_line, lambda event: {**event, "properties": {"units": 3}})
        (command_line.folder / "fix.ndjson").write_bytes(fixed)
        assert deliver(command_line, server.base_url, "fix.ndjson").code == 0
        assert json.loads(server.bodies[-1])["data"] == {"units": 3}
        assert listed(command_line) == []


def test_numbers_are_exported_as_they_were_written(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    line = ndjson(NOBODY[0]).strip()[:-1] + b', "properties": {"a": 12345678901234567890123, "b": 1.10, "c": 1E2}}'
    pretty = b"[\n" + line.replace(b', "', b',\n "') + b"\n]\n"
    assert command_line.deliver(pretty, sandbox.base_url).code == 1
    assert command_line("dead-letters", "export", "fix.ndjson").code == 0
    (exported,) = (command_line.folder / "fix.ndjson").read_bytes().splitlines()
    assert b'"a": 12345678901234567890123' in exported
    assert b'"b": 1.10' in exported
    assert b'"c": 1E2' in exported


def test_what_holds_no_event_is_named_and_left_out(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    assert command_line.deliver(ndjson(NOBODY[0], b"{oops", b"[1]"), sandbox.base_url).code == 1
    run = command_line("dead-letters", "export", "fix.ndjson")
    assert run.code == 1
    assert run.err.startswith("warning: not exported, since they are no event: 2 3 (correct the source")
    assert len((command_line.folder / "fix.ndjson").read_bytes().splitlines()) == 1
    none = command_line("dead-letters", "export", "none.ndjson", "2", "3")
    assert (none.code, none.out) == (1, "nothing to export, so none.ndjson was not written\n")
    assert not (command_line.folder / "none.ndjson").exists()


def test_an_event_without_an_id_is_exported_with_what_is_left_to_do(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    assert command_line.deliver(ndjson(WITHOUT_ID, NOBODY[0]), sandbox.base_url).code == 1
    run = command_line("dead-letters", "export", "fix.ndjson", "--json")
    (without_id,) = json.loads(run.out)["without_id"]
    text = command_line("dead-letters", "export", "again.ndjson").out
    assert f"without an ID, so no delivery closes it: 1 event, {without_id}\n" in text
    assert "kable-destination dead-letters discard ID\n" in text
    fixed = corrected(command_line, lambda event: {"messageId": "new-1", **event, "userId": "customer_7"})
    (command_line.folder / "fix.ndjson").write_bytes(fixed)
    assert deliver(command_line, sandbox.base_url, "fix.ndjson").code == 0
    assert listed(command_line) == [without_id]
    assert command_line("dead-letters", "discard", str(without_id)).code == 0


def test_an_event_with_a_letter_for_each_of_two_subscriptions_is_exported_once(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    (command_line.folder / "kable.toml").write_text(
        "\n".join(
            f"[[subscriptions]]\nname = '{name}'\npartnerAction = 'track'\nsubscribe = 'type = \"track\"'\n"
            f"mapping.transactionId = {{'@template' = '{{{{messageId}}}}-{name}'}}\n"
            for name in ("one", "two")
        )
    )
    command_line.deliver(ndjson(NOBODY[0], NOBODY[1]), sandbox.base_url, "--config", "kable.toml")
    assert len(listed(command_line)) == 4
    run = command_line("dead-letters", "export", "fix.ndjson")
    assert run.out.startswith("2 events of 4 dead letters written")
    (command_line.folder / "fixed.ndjson").write_bytes(corrected(command_line, with_customer))
    done = command_line("deliver", "fixed.ndjson", "--base-url", sandbox.base_url, "--config", "kable.toml")
    assert (done.code, len(sandbox.ledger.events), listed(command_line)) == (0, 4, [])


def test_equal_events_without_an_id_are_exported_each(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    line = ndjson(WITHOUT_ID).strip()
    command_line.deliver(b"[%b, %b]\n" % (line, line), sandbox.base_url)
    assert command_line("dead-letters", "export", "fix.ndjson").out.startswith("2 events written")


def test_an_export_never_overwrites_a_file(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    command_line.deliver(ndjson(*NOBODY), sandbox.base_url)
    (command_line.folder / "fix.ndjson").write_text("corrected by hand")
    run = command_line("dead-letters", "export", "fix.ndjson")
    assert (run.code, run.out) == (2, "")
    assert run.err == "error: fix.ndjson: is there already, and is not overwritten; name another file\n"
    assert (command_line.folder / "fix.ndjson").read_text() == "corrected by hand"
    for path in ("outbox.sqlite", "outbox.sqlite-wal"):
        run = command_line("dead-letters", "export", path)
        assert (run.code, "is the outbox, and would be overwritten" in run.err) == (2, True), run.err
    missing = command_line("dead-letters", "export", "nowhere/fix.ndjson")
    assert (missing.code, missing.err) == (
        2,
        "error: nowhere/fix.ndjson: cannot be written: No such file or directory\n",
    )


def test_a_secret_in_an_event_does_not_get_into_the_file(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    command_line.deliver(ndjson({**NOBODY[0], "anonymousId": API_KEY}, NOBODY[1]), sandbox.base_url)
    run = command_line("dead-letters", "export", "fix.ndjson")
    assert run.code == 1
    assert "not exported, since it is an event with a secret of this configuration: 1 (" in run.err
    assert API_KEY not in (command_line.folder / "fix.ndjson").read_text()


def test_a_damaged_row_is_named_and_the_others_are_exported(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    command_line.deliver(ndjson(*NOBODY), sandbox.base_url)
    with closing(sqlite3.connect(command_line.folder / "outbox.sqlite")) as connection, connection:
        connection.execute("UPDATE dead_letters SET event = 17, message = cast(x'ff' AS TEXT) WHERE id = 2")
    run = command_line("dead-letters", "export", "fix.ndjson")
    assert run.code == 1
    assert run.err == (
        "warning: not exported, since it is damaged in the outbox: 2 (restore a backup, or discard them)\n"
    )
    assert len((command_line.folder / "fix.ndjson").read_bytes().splitlines()) == 2
    shown = json.loads(command_line("dead-letters", "show", "2").out)
    assert shown["message"].startswith("dead letter 2 of the outbox is damaged")
    assert command_line("dead-letters", "list").code == 0
    again = command_line("dead-letters", "replay", "--dry-run", "--base-url", sandbox.base_url)
    assert "unreadable: 1, kept" in again.out or "of another account: 1, kept" in again.out
    assert command_line("dead-letters", "discard", "2").out == "1 dead letter discarded\n"


@pytest.mark.parametrize(("answer", "left", "code"), [("n\n", 3, 1), ("\n", 3, 1), ("y\n", 0, 0), ("\x04", 3, 1)])
def test_a_terminal_asks_before_letters_are_discarded(
    command_line: CommandLine, sandbox: RunningSandbox, answer: str, left: int, code: int
) -> None:
    command_line.deliver(ndjson(*NOBODY), sandbox.base_url)
    with terminal(command_line, "dead-letters", "discard", "--all") as shown:
        shown.wait_for("Delete 3 dead letters for good? [y/N] ")
        shown.type(answer)
        assert shown.end() == code
    assert len(listed(command_line)) == left
    assert ("nothing was discarded" in shown.shown) is bool(left)


def test_yes_answers_before_the_question(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    command_line.deliver(ndjson(*NOBODY), sandbox.base_url)
    with terminal(command_line, "dead-letters", "discard", "1", "--yes") as shown:
        assert shown.end() == 0
    assert "[y/N]" not in shown.shown
    assert json.loads(command_line("dead-letters", "discard", "--all", "--json").out) == {"version": 1, "discarded": 2}

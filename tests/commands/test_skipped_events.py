"""What is skipped is said by name and with what to do, and can still be sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

OLD = "2020-03-04T05:06:07Z"


def test_events_that_were_too_old_are_sent_when_the_user_allows_it(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    """The file counted as read, so that `--allow-old` found nothing in it."""
    events = ndjson(track(1), *(track(number, timestamp=OLD) for number in range(2, 5)), b"{bad")
    run = command_line.deliver(events, sandbox.base_url)
    assert (run.report["delivered"], run.report["skipped"]["too_old"]) == (1, 3)
    assert "3 events are so old that nobody can say whether they were sent; --allow-old sends them" in run.err
    assert "no event matches" not in run.err
    assert command_line.deliver(events, sandbox.base_url).report["read"] == 0
    allowed = command_line.deliver(events, sandbox.base_url, "--allow-old")
    assert (allowed.report["read"], allowed.report["duplicates"]) == (5, 1)
    assert command_line.deliver(events, sandbox.base_url, "--allow-old").report["read"] == 0
    assert sorted(event["transactionId"][-1] for event in sandbox.ledger.events) == ["1", "2", "3", "4"]
    assert "dead letters: 1 unreadable" in command_line("dead-letters", "list").out


def test_unknown_types_are_counted_by_name(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    kinds = ["purchase", "purchase", "lead", "\x1b[31m", *(f"kind {number}" for number in range(20))]
    events = ndjson(track(0), *(track(number, type=kind) for number, kind in enumerate(kinds, start=1)))
    run = command_line.deliver(events, sandbox.base_url)
    assert run.report["skipped"]["unknown_type"] == 24
    assert run.report["unknown_types"]["purchase"] == 2
    assert 'unknown types: "purchase" 2, "lead" 1, ' in run.out
    assert run.out.count("kind ") < 20
    assert "\x1b" not in run.out
    dry = command_line("deliver", "events.ndjson", "--base-url", sandbox.base_url, "--dry-run")
    assert 'unknown types: "purchase" 2' in dry.err


def test_a_run_in_which_everything_is_turned_away_says_so(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    away = [track(number, integrations={"All": False}) for number in range(2)]
    run = command_line.deliver(ndjson(*away), sandbox.base_url)
    assert "warning: nothing was sent: every event was skipped (2 read, skipped: 2 integrations)" in run.err


@pytest.mark.parametrize("is_dry", [True, False])
def test_a_flag_without_effect_is_noticed(command_line: CommandLine, sandbox: RunningSandbox, *, is_dry: bool) -> None:
    events = ndjson(track(0, integrations={"kable": False}), track(1, integrations={"Kable": False}), track(2))
    run = command_line.deliver(events, sandbox.base_url, *(["--dry-run"] if is_dry else []))
    assert 'integrations: "kable" has no effect, since flags are case sensitive; write "Kable"' in run.err
    if not is_dry:
        assert run.report["misspelt_flags"] == ["kable"]
        assert len(sandbox.ledger.events) == 2
    check = command_line("check", "--events", "events.ndjson")
    assert "1 event with a flag in the integrations object that has no effect" in check.out
    assert "kable" in check.out
    quiet = command_line("deliver", "-", "--base-url", sandbox.base_url, stdin=json.dumps(track(9)).encode())
    assert quiet.err == ""

"""Events of visitors whom nobody knows yet: kept as dead letters, or only counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.sandbox import Faults
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

WITHOUT_USER = {key: value for key, value in track(3).items() if key != "userId"}
ANONYMOUS = [{**track(1), "userId": None, "anonymousId": "a"}, {**track(2), "userId": ""}, WITHOUT_USER]
AT_FAULT = [
    {**track(4), "userId": None, "timestamp": "never"},
    {**track(5), "userId": None, "messageId": None},
    {**track(6), "userId": "  "},
    {**track(7), "userId": True},
    {**track(8), "messageId": None},
]
"""These have another fault, or an identifier that is no good."""


@pytest.mark.parametrize("option", ["dead-letter", "count", None])
def test_events_without_a_client_id_are_kept_or_counted(
    command_line: CommandLine, sandbox: RunningSandbox, option: str | None
) -> None:
    environment = {} if option is None else {"KABLE_ON_MISSING_CLIENT_ID": option}
    run = command_line.deliver(ndjson(track(0), *ANONYMOUS, *AT_FAULT), sandbox.base_url, **environment)
    counted = len(ANONYMOUS) if option == "count" else 0
    assert run.report["skipped"]["missing_client_id"] == counted
    assert run.report["dead_lettered"]["rejected"] == len(ANONYMOUS) + len(AT_FAULT) - counted
    assert (run.report["delivered"], run.report["read"]) == (1, 9)
    assert ("3 missing_client_id" in run.out) == (option == "count")


def test_a_run_in_which_anonymous_events_are_counted_succeeds(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    (command_line.folder / "kable.toml").write_text("[delivery]\nonMissingClientId = 'count'\n")
    for options in ((), ("--dry-run",), ("--no-outbox",)):
        run = command_line.deliver(ndjson(track(0), *ANONYMOUS), sandbox.base_url, "--config", "kable.toml", *options)
        assert run.code == 0, run.err
        assert run.report["skipped"]["missing_client_id"] == 3
    assert "no such" not in command_line("dead-letters", "list").out


@pytest.mark.parametrize("value", ["drop", "Count", "1"])
def test_another_word_is_refused(command_line: CommandLine, value: str) -> None:
    run = command_line("deliver", KABLE_ON_MISSING_CLIENT_ID=value)
    assert run.code == 2
    assert "delivery.onMissingClientId" in run.err


def test_limits_of_dead_letters_are_reported(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    bad = ndjson(*ANONYMOUS)
    assert command_line.deliver(bad, sandbox.base_url).report["deleted_dead_letters"] == 0
    run = command_line.deliver(ndjson(track(9)), sandbox.base_url, KABLE_DEAD_LETTER_MEGABYTES="0.0001")
    assert run.report["deleted_dead_letters"] == 3
    assert "3 old dead letters deleted: deadLetterDays or deadLetterMegabytes is reached" in run.out
    assert command_line("dead-letters", "list").out == "no dead letters\n"


def test_limits_hold_after_each_run_also_for_refused_events_and_without_input(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    sandbox.faults.set(Faults.model_validate({"refuse": [{"field": "data.units"}]}))
    run = command_line.deliver(ndjson(*map(track, range(30))), sandbox.base_url, KABLE_DEAD_LETTER_MEGABYTES="0.001")
    assert (run.report["dead_lettered"]["refused"], run.report["wanted"]) == (30, 30)
    kept = 30 - run.report["deleted_dead_letters"]
    assert 0 < kept < 5
    run = command_line("deliver", "--base-url", sandbox.base_url, KABLE_DEAD_LETTER_MEGABYTES="0.0001")
    assert f"{kept} old dead letters deleted" in run.out

"""`preview`, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from command_line import API_KEY
from segment_events import track

if TYPE_CHECKING:
    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox


def preview(command_line: CommandLine, event: object, *arguments: str) -> Run:
    """Preview an event from a file."""
    (command_line.folder / "event.json").write_text(json.dumps(event), encoding="utf-8")
    return command_line("preview", "event.json", *arguments)


def test_it_tells_where_every_value_came_from_and_why_a_trigger_does_not_match(command_line: CommandLine) -> None:
    run = preview(command_line, track(3, timestamp=1772600767))
    assert run.code == 0, run.err
    for words in (
        "Record usage → track",
        '"customer_3"',
        "$.userId",
        "the default",
        '"2026-03-04T05:06:07Z"',
        "where it is 1772600767",
        "https://test.kable.io/api/v1/events/create",
        "Record membership → identify",
        'the event\'s type is "track"',
    ):
        assert words in run.out, words
    assert API_KEY not in run.out


def test_it_shows_the_code_that_was_compiled_when_asked_to(command_line: CommandLine) -> None:
    event = track(3)
    assert "def valid(event):" not in preview(command_line, event).out
    run = preview(command_line, event, "--explain")
    assert run.code == 0, run.err
    assert run.out.count("  code\n    def valid(event):") == 2, "one function for each subscription, wanted or not"
    assert '# "clientId": string, identifier, required' in run.out


def test_the_curl_command_runs_and_brings_the_same_body(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    event = track(5, properties={"note": 'it\'s $HOME `x` "y"', "emoji": "💸"})
    run = preview(command_line, event, "--base-url", sandbox.base_url)
    (command,) = [line for line in run.out.splitlines() if line.startswith("curl ")]
    environment = {**os.environ, "KABLE_API_KEY": API_KEY, "no_proxy": "127.0.0.1"}
    subprocess.run(["/bin/sh", "-c", f"{command} --silent --fail"], env=environment, check=True)
    (recorded,) = sandbox.ledger.events
    assert recorded["data"] == event["properties"]


def test_it_lists_every_validation_error(command_line: CommandLine) -> None:
    run = preview(command_line, {"type": "track", "properties": [1], "timestamp": "soon"})
    for field in ("clientId", "transactionId", "data"):
        assert f"rejected  {field}" in run.out


def test_an_event_that_is_turned_away_is_told_so(command_line: CommandLine) -> None:
    run = preview(command_line, track(integrations={"Kable": False}))
    assert "Kable: false" in run.out


def test_an_event_cannot_steer_the_terminal(command_line: CommandLine) -> None:
    run = preview(command_line, track(properties={"x": "\x1b[31mred\x07"}, event="[bold]x[/bold]\x1b]0;t\x07"))
    assert "\x1b" not in run.out
    assert "\x07" not in run.out


def test_what_is_not_one_event_is_told_with_its_place(command_line: CommandLine) -> None:
    (command_line.folder / "event.json").write_text('{"type": "track",\n', encoding="utf-8")
    run = command_line("preview", "event.json")
    assert run.code == 2
    assert "line 2" in run.err
    assert command_line("preview", "none.json").code == 2


def test_the_documented_event_previews_from_the_examples(command_line: CommandLine) -> None:
    examples = Path(__file__).parents[2] / "examples"
    run = command_line("preview", str(examples / "event.json"))
    assert run.code == 0
    assert '"clientId": "yourcompanyuser_1234567890"' in run.out

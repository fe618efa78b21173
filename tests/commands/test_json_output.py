"""What commands print with --json follows the schemas in docs/schemas, and these are the ones that the docs have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from command_tree import every_command
from kable_destination.runner.commands.json_output import outputs, schemas
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
WITH: dict[str, tuple[str, ...]] = {
    "bill": ("events.ndjson",),
    "dead-letters discard": ("1",),
    "dead-letters export": ("fix.ndjson", "1"),
    "dead-letters replay": ("1", "--base-url", "BASE_URL"),
    "dead-letters show": ("1",),
    "doctor": ("--base-url", "BASE_URL"),
    "snapshot": ("--events", "events.ndjson", "--dir", "snap"),
}
"""What a command needs beside --json, in a folder with an outbox that has two dead letters."""

EXIT_CODES = {"bill": 1, "dead-letters replay": 1}
"""The exit codes for an event that cannot be read, or is rejected again; 0 for all other commands."""


def commands_with_json() -> set[str]:
    """Return the commands that have the option, by their paths."""
    return {
        path
        for path, command in every_command().items()
        if any("--json" in parameter.opts for parameter in command.params)
    }


def schema_of(command: str) -> Any:
    """Return the schema that the docs have."""
    return json.loads((SCHEMAS / f"{command.replace(' ', '-')}.schema.json").read_text(encoding="utf-8"))


def test_every_command_that_prints_json_has_a_schema() -> None:
    assert commands_with_json() == outputs().keys()


@pytest.mark.parametrize("command", outputs())
def test_what_a_command_prints_follows_its_schema(
    command_line: CommandLine, sandbox: RunningSandbox, command: str
) -> None:
    command_line.deliver(ndjson(track(1), b"oops", {**track(2), "userId": ""}), sandbox.base_url)
    options = (option.replace("BASE_URL", sandbox.base_url) for option in WITH.get(command, ()))
    run = command_line(*command.split(), *options, "--json")
    assert run.code == EXIT_CODES.get(command, 0), run.err
    schema = schema_of(command)
    jsonschema.Draft202012Validator.check_schema(schema)
    printed = json.loads(run.out)
    jsonschema.Draft202012Validator(schema).validate(printed)
    assert printed["version"] == 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({**printed, "version": 2})


def test_a_changed_bill_follows_the_schema_of_snapshot(command_line: CommandLine) -> None:
    """The first run, above, has nothing to compare."""
    for number in range(2):
        events = ndjson(track(1, properties={"units": number}), track(2 + number, userId=None), {"type": "page"})
        command = ("snapshot", "--events", "-", "--dir", "snap", "--json")
        run = command_line(*command, stdin=events, CI="")
    printed = json.loads(run.out)
    assert (run.code, printed["state"], bool(printed["bill"]["customers"])) == (1, "changed", True)
    jsonschema.Draft202012Validator(schema_of("snapshot")).validate(printed)


def test_the_committed_schemas_are_fresh() -> None:
    for name, text in schemas().items():
        assert (SCHEMAS / name).read_text(encoding="utf-8") == text

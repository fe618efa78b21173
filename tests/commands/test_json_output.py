"""What every command prints with --json follows its schema in docs/schemas, and these are the ones that the docs have.

A new command fails here until it has `--json`, an output in `json_outputs`, and a case in CASES.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from command_tree import every_command
from kable_destination.runner.commands.json_output import outputs, schemas
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


@dataclass(frozen=True)
class Case:
    """How a command is called beside --json, and how it ends. BASE_URL stands for that of a sandbox.

    The folder has events of all kinds in more.ndjson, one in one.json, and an outbox with two dead letters.
    """

    arguments: tuple[str, ...] = ()
    code: int = 0


CASES: dict[str, tuple[Case, ...]] = {
    "audience list": (Case(),),
    "audience preview": (Case(("--name", "Buyers", "others.txt")), Case(("--name", "New", "others.txt"))),
    "audience remove": (Case(("Buyers",)), Case(("Buyers", "--notify", "--base-url", "BASE_URL"))),
    "audience rename": (Case(("Buyers", "Sellers")),),
    "audience show": (Case(("Buyers",)),),
    "audience sync": (
        Case(("--name", "Buyers", "others.txt", "--base-url", "BASE_URL")),
        Case(("--name", "Buyers", "others.txt", "--dry-run")),
        Case(("--name", "Buyers", "others.txt", "--base-url", "http://127.0.0.1:1", "--wait", "0"), 1),
    ),
    "bill": (Case(("more.ndjson",), 1), Case(("one.json",))),
    "check": (
        Case(("--base-url", "BASE_URL", "--credentials", "--events", "more.ndjson")),
        Case(("--events", "nowhere.ndjson"), 2),
        Case(("--config", "broken.toml"), 2),
    ),
    "dead-letters discard": (Case(("1",)), Case(("--all",))),
    "dead-letters export": (Case(("fix.ndjson", "1")), Case(("fix.ndjson",), 1)),
    "dead-letters list": (Case(), Case(("--since", "2099-01-01"))),
    "dead-letters replay": (
        Case(("1", "--base-url", "BASE_URL"), 1),
        Case(("--dry-run", "--base-url", "BASE_URL"), 1),
        Case(("--since", "2099-01-01", "--base-url", "BASE_URL")),
    ),
    "dead-letters show": (Case(("1",)), Case(("2",))),
    "deliver": (
        Case(("more.ndjson", "one.json", "--base-url", "BASE_URL"), 1),
        Case(("more.ndjson", "nowhere.ndjson", "--base-url", "BASE_URL", "--no-outbox"), 1),
        Case(("one.json", "--base-url", "http://127.0.0.1:1", "--wait", "0"), 1),
        Case(("--base-url", "BASE_URL")),
    ),
    "destinations": (Case(),),
    "docs": (Case(("-o", "pages")), Case(("-o", "pages", "--check"), 1)),
    "doctor": (Case(("--base-url", "BASE_URL")), Case(("--base-url", "http://127.0.0.1:1"), 1)),
    "init": (Case(("--base-url", "BASE_URL")),),
    "new": (Case(("meter",)), Case(("meter", "folder", "--title", "The Meter"))),
    "outbox backup": (Case(("copy.sqlite",)),),
    "outbox copy": (Case(("outbox.sqlite", "copied.sqlite")),),
    "outbox erase": (Case(("--customer", "customer_1", "--yes")),),
    "preview": (Case(("one.json",)), Case(("one.json", "--explain")), Case(("skipped.json",)), Case(("no.json",))),
    "snapshot": (Case(("--events", "more.ndjson", "--dir", "snap")),),
    "status": (Case(),),
}
"""Each command that prints JSON and ends: what it prints is compared with its schema."""

SERVES = {"page", "sandbox", "serve", "work"}
"""Commands that print a line and go on; their tests are below."""
IS_JSON = {"config-schema"}
"""Commands that print JSON as it is, not their own: it has no version."""


def schema_of(command: str) -> jsonschema.Draft202012Validator:
    """Return the schema of a command that the docs have."""
    schema = json.loads((SCHEMAS / f"{command.replace(' ', '-')}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def validate(command: str, text: str) -> dict[str, Any]:
    """Return what a command has printed, which must follow its schema, and be of its version."""
    printed: dict[str, Any] = json.loads(text)
    schema = schema_of(command)
    schema.validate(printed)
    assert printed["version"] == 1
    with pytest.raises(jsonschema.ValidationError):
        schema.validate({**printed, "version": 2})
    with pytest.raises(jsonschema.ValidationError):
        schema.validate({"version": 1})
    return printed


@pytest.fixture
def prepared(command_line: CommandLine, sandbox: RunningSandbox) -> CommandLine:
    """A folder with events, and with an outbox that has two dead letters."""
    folder = command_line.folder
    command_line.deliver(ndjson(track(1), b"oops", {**track(2), "userId": ""}), sandbox.base_url)
    (folder / "members.txt").write_bytes(b"u1\nu2\n")
    (folder / "others.txt").write_bytes(b"u2\nu3\n")
    assert command_line("audience", "sync", "--name", "Buyers", "members.txt", "--base-url", sandbox.base_url).code == 0
    more = ndjson(track(3), track(3), {**track(4), "integrations": {"All": False}}, {**track(5), "userId": ""}, b"oops")
    (folder / "more.ndjson").write_bytes(more + ndjson({"type": "screen", "userId": "u"}, {**track(6), "type": "trak"}))
    (folder / "one.json").write_bytes(ndjson(track(7)))
    (folder / "skipped.json").write_bytes(ndjson({**track(8), "integrations": {"All": False}}))
    (folder / "no.json").write_bytes(ndjson({**track(9), "userId": ""}))
    (folder / "broken.toml").write_text("[settings\n", encoding="utf-8")
    return command_line


def run_json(command_line: CommandLine, base_url: str, command: str, case: Case) -> Run:
    """Run a command with --json."""
    arguments = (argument.replace("BASE_URL", base_url) for argument in case.arguments)
    return command_line(*command.split(), *arguments, "--json")


def test_every_command_has_json_a_schema_and_a_case() -> None:
    commands = every_command()
    assert commands.keys() == CASES.keys() | SERVES | IS_JSON
    has_json = {path for path, command in commands.items() if any("--json" in each.opts for each in command.params)}
    assert has_json == (CASES.keys() | SERVES) == outputs().keys()


@pytest.mark.parametrize(("command", "case"), [(command, case) for command, cases in CASES.items() for case in cases])
def test_what_a_command_prints_follows_its_schema(
    prepared: CommandLine, sandbox: RunningSandbox, command: str, case: Case
) -> None:
    run = run_json(prepared, sandbox.base_url, command, case)
    assert run.code == case.code, run.err
    validate(command, run.out)


def test_a_sandbox_prints_where_it_listens_on_one_line(command_line: CommandLine) -> None:
    with command_line.start("sandbox", "--port", "0", "--json") as process:
        assert process.stdout is not None
        printed = validate("sandbox", process.stdout.readline().decode())
        assert printed["received"] == f"{printed['base_url']}/sandbox/ledger"
        process.terminate()
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("command", ["page", "serve", "work"])
def test_a_service_prints_a_line_once_it_is_ready(command_line: CommandLine, command: str) -> None:
    options = () if command == "work" else ("--port", "0")
    with command_line.start(command, *options, "--json") as process:
        assert process.stdout is not None
        validate(command, process.stdout.readline().decode())
        process.terminate()
        assert process.wait(timeout=60) == 0


def test_a_changed_bill_follows_the_schema_of_snapshot(command_line: CommandLine) -> None:
    """The first run, above, has nothing to compare."""
    for number in range(2):
        events = ndjson(track(1, properties={"units": number}), track(2 + number, userId=None), {"type": "page"})
        command = ("snapshot", "--events", "-", "--dir", "snap", "--json")
        run = command_line(*command, stdin=events, CI="")
    printed = json.loads(run.out)
    assert (run.code, printed["state"], bool(printed["bill"]["customers"])) == (1, "changed", True)
    schema_of("snapshot").validate(printed)


def test_what_is_json_anyway_is_json(command_line: CommandLine) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(command_line("config-schema").out))


def test_a_delivery_prints_the_report(prepared: CommandLine, sandbox: RunningSandbox) -> None:
    case = Case(("more.ndjson", "--base-url", "BASE_URL", "--report", "again.json"))
    printed = json.loads(run_json(prepared, sandbox.base_url, "deliver", case).out)
    assert printed["run"] == json.loads((prepared.folder / "again.json").read_text(encoding="utf-8"))
    assert (printed["run"]["delivered"], printed["run"]["duplicates"]) == (2, 1)
    assert (printed["outbox"], printed["ended"], printed["next_retry"]) == ("outbox.sqlite", None, None)


def test_json_and_a_dry_run_exclude_each_other(prepared: CommandLine) -> None:
    run = prepared("deliver", "one.json", "--dry-run", "--json")
    assert (run.code, run.out) == (2, "")
    assert "--json: has no place beside the requests that --dry-run prints" in run.err


def test_a_command_that_cannot_start_prints_no_json(command_line: CommandLine) -> None:
    for command in ("status", "deliver", "dead-letters list"):
        run = command_line(*command.split(), "--json")
        assert (run.code, run.out) == (2, "")
        assert "error: outbox: there is no outbox at outbox.sqlite" in run.err


def test_the_committed_schemas_are_fresh() -> None:
    for name, text in schemas().items():
        assert (SCHEMAS / name).read_text(encoding="utf-8") == text

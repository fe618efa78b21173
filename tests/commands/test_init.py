"""`init`, as a user runs it: in a terminal, and where nobody can be asked."""

from __future__ import annotations

import json
import stat
import tomllib
from typing import TYPE_CHECKING

import pytest

from command_line import API_KEY, CLIENT_ID
from manifests import action, field, manifest
from terminal import CTRL_C, CTRL_D, terminal

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

UNSET = {"KABLE_API_KEY": "", "KABLE_CLIENT_ID": ""}


def files(command_line: CommandLine) -> list[str]:
    """Give the names of the files that are there."""
    return sorted(path.name for path in command_line.folder.iterdir())


def test_in_a_terminal_it_asks_only_for_what_it_does_not_know(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    with terminal(command_line, "init", "--base-url", sandbox.base_url, **UNSET) as shown:
        shown.wait_for("API Key (hidden while you type): ")
        assert not shown.echoes()
        shown.type(f"{API_KEY}\n")
        shown.wait_for("Kable Client ID: ")
        assert shown.echoes()
        shown.type(f" {CLIENT_ID} \n")
        shown.wait_for("Preview a made-up event? [Y/n]")
        shown.type("\n")
        assert shown.end() == 0
    assert API_KEY not in shown.shown
    assert "Kable: settings are valid" in shown.shown
    assert "A made-up event:" in shown.shown
    assert "matches   yes" in shown.shown
    assert files(command_line) == [".env", "kable.schema.json", "kable.toml", "secrets.key"]
    text = (command_line.folder / "kable.toml").read_text(encoding="utf-8")
    assert text.startswith("#:schema ./kable.schema.json\n")
    assert API_KEY not in text
    assert tomllib.loads(text) == {"settings": {"kableClientId": CLIENT_ID}, "delivery": {"baseUrl": sandbox.base_url}}
    assert stat.S_IMODE((command_line.folder / ".env").stat().st_mode) == 0o600
    run = command_line("check", "--config", "kable.toml", "--credentials", stdin=b"", **UNSET)
    assert (run.code, run.err) == (0, "")
    assert "Kable accepts the credentials" in run.out


def test_every_key_that_it_comments_out_is_valid(command_line: CommandLine) -> None:
    assert command_line("init").code == 0
    path = command_line.folder / "kable.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    without = [line.removeprefix("# ") if " = " in line or line.startswith("# [[") else line for line in lines]
    path.write_text("\n".join(without), encoding="utf-8")
    assert {"settings", "subscriptions", "delivery"} == tomllib.loads("\n".join(without)).keys()
    run = command_line("check", "--config", "kable.toml")
    assert (run.code, run.err) == (0, ""), run.err


def test_what_it_writes_for_others_follows_its_schema(command_line: CommandLine) -> None:
    assert command_line("init", "--config", "conf/my.toml").code == 0
    assert files(command_line) == ["conf"]
    schema = (command_line.folder / "conf" / "my.schema.json").read_text(encoding="utf-8")
    assert schema == command_line("config-schema").out
    assert "#:schema ./my.schema.json" in (command_line.folder / "conf" / "my.toml").read_text(encoding="utf-8")


def test_an_answer_that_is_wrong_is_asked_for_again(command_line: CommandLine) -> None:
    with terminal(command_line, "init", "--no-preview", KABLE_API_KEY="") as shown:
        shown.wait_for("API Key (hidden while you type): ")
        shown.type('"sk_test.in-quotes"\n')
        shown.wait_for("has quotation marks around it; remove them")
        shown.wait_for("API Key (hidden while you type): ")
        shown.type("\n")
        shown.wait_for("is required")
        shown.wait_for("API Key (hidden while you type): ")
        shown.type(f"{API_KEY}\n")
        assert shown.end() == 0
    assert "in-quotes" not in shown.shown
    assert "Preview" not in shown.shown


@pytest.mark.parametrize(("typed", "code"), [(CTRL_D, 2), (CTRL_C, 130)])
def test_without_an_answer_nothing_is_written(command_line: CommandLine, typed: str, code: int) -> None:
    for question, variable in (("API Key (hidden while you type): ", "API_KEY"), ("Kable Client ID: ", "CLIENT_ID")):
        with terminal(command_line, "init", **{f"KABLE_{variable}": ""}) as shown:
            shown.wait_for(question)
            shown.type(typed)
            assert shown.end() == code
        assert "Traceback" not in shown.shown
        assert files(command_line) == []


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2), (CTRL_D, 2)])
def test_nothing_is_overwritten_without_asking(command_line: CommandLine, typed: str, code: int) -> None:
    (command_line.folder / "kable.toml").write_text("# mine\n", encoding="utf-8")
    with terminal(command_line, "init", "--no-preview") as shown:
        shown.wait_for("Overwrite kable.toml? [y/N]")
        shown.type(typed)
        assert shown.end() == code
    assert ((command_line.folder / "kable.toml").read_text(encoding="utf-8") == "# mine\n") == (code == 2)


def test_an_env_file_is_added_to_and_never_overwritten(command_line: CommandLine) -> None:
    path = command_line.folder / ".env"
    path.write_text("DATABASE_URL=x", encoding="utf-8")
    path.chmod(0o600)
    assert command_line("init", "--save-key").code == 0
    assert path.read_text(encoding="utf-8") == f"DATABASE_URL=x\nKABLE_API_KEY={_as_written(API_KEY)}\n"
    # It is known from now on, so that nothing is asked and nothing is added.
    run = command_line("init", "--force", KABLE_API_KEY="")
    assert (run.code, "wrote .env" in run.out) == (0, False)
    assert path.read_text(encoding="utf-8").count("KABLE_API_KEY") == 1


def test_the_key_for_stored_credentials_is_made_for_its_owner_and_kept_ever_after(command_line: CommandLine) -> None:
    run = command_line("init")
    path = command_line.folder / "secrets.key"
    text = path.read_text(encoding="ascii")
    assert "wrote secrets.key" in run.out
    assert text.strip() not in run.out + run.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = command_line("init", "--force")
    assert (again.code, "wrote secrets.key" in again.out) == (0, False)
    assert path.read_text(encoding="ascii") == text


def _as_written(key: str) -> str:
    return key if all(letter.isalnum() or letter in "._/+=:@%-" for letter in key) else f"'{key}'"


def test_without_a_terminal_options_replace_the_questions(command_line: CommandLine) -> None:
    missing = command_line("init", stdin=b"", **UNSET)
    assert missing.code == 2
    assert missing.err.splitlines() == [
        "error: settings.apiKey: API Key is required; set KABLE_API_KEY",
        "error: settings.kableClientId: Kable Client ID is required; add --set kableClientId=…, or set KABLE_CLIENT_ID",
    ]
    assert files(command_line) == []
    mappings = 'propertiesMappings={"a.b": "c"}'
    run = command_line("init", "--set", "kableClientId=kci_1", "--set", mappings, "--preview", KABLE_CLIENT_ID="")
    assert (run.code, run.err) == (0, "")
    assert "A made-up event:" in run.out
    written = tomllib.loads((command_line.folder / "kable.toml").read_text(encoding="utf-8"))
    assert written["settings"] == {"kableClientId": "kci_1", "propertiesMappings": {"a.b": "c"}}
    assert files(command_line) == ["kable.schema.json", "kable.toml", "secrets.key"], "the key stays in the environment"
    again = command_line("init")
    assert (again.code, "kable.toml: exists already; --force overwrites it" in again.err) == (2, True)
    other = command_line("init", "--force", "--set", "kableClientId=kci_other")
    assert other.err == "warning: KABLE_CLIENT_ID is set, and wins over the configuration\n"


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("apiKey=sk_test.x", "--set: apiKey is a secret, which others could see there; set KABLE_API_KEY"),
        ("kableClientID=x", '--set: there is no setting "kableClientID"; did you mean "kableClientId"?'),
        ("kableClientId", "--set: should read KEY=VALUE"),
        ("propertiesMappings=x", "--set: propertiesMappings should be JSON"),
    ],
)
def test_an_option_that_cannot_be_used_is_told(command_line: CommandLine, option: str, told: str) -> None:
    run = command_line("init", "--set", option)
    assert run.code == 2
    assert told in run.err
    assert files(command_line) == []


def test_it_writes_for_any_destination(command_line: CommandLine) -> None:
    given = manifest(actions={"send": action(fields={"name": field(), "units": field(label="Units")})})
    (command_line.folder / "meter.json").write_text(json.dumps(given), encoding="utf-8")
    run = command_line("init", "--destination", "meter.json", "--preview", METER_API_KEY="secret-key")
    assert (run.code, run.err) == (0, ""), run.err
    written = tomllib.loads((command_line.folder / "meter.toml").read_text(encoding="utf-8"))
    assert written["destination"] == "meter.json"


def test_a_folder_that_cannot_be_written_is_told(command_line: CommandLine) -> None:
    (command_line.folder / "file").write_text("", encoding="utf-8")
    run = command_line("init", "--config", "file/kable.toml")
    assert (run.code, "Traceback" in run.err) == (2, False)
    assert "cannot be written: " in run.err

"""Every command with hostile values for every option: an error that a person can use, and never a traceback."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from command_tree import every_command
from kable_destination.runner.commands.app import app
from segment_events import ndjson, track

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

VALUES = ("", "\udcff", "-1", "9" * 30, "nan", "999999d", "http://127.0.0.1:99999", "https://a\\b", "[", "💥" * 300)
"""No argument of a process holds a NUL, but a configuration file may."""

WITH: dict[str, tuple[str, ...]] = {
    "deliver": ("--wait", "0"),
    "preview": ("event.json",),
    "dead-letters show": ("1",),
    "new": ("name",),
    "outbox backup": ("copy.sqlite",),
    "outbox erase": ("--customer", "c1", "--yes"),
}
"""What a command needs beside an option."""


PROGRAM: Any = typer.main.get_command(app)
COMMANDS = every_command()


def test_all_commands_are_tried() -> None:
    assert {"deliver", "status", "check", "dead-letters discard", "sandbox"} <= COMMANDS.keys()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an event, which is the working directory; nobody is at the base URL."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "event.json").write_bytes(ndjson(track(1)))
    for name, value in (("API_KEY", "sk_test_x"), ("CLIENT_ID", "kci"), ("BASE_URL", "http://127.0.0.1:1")):
        monkeypatch.setenv(f"KABLE_{name}", value)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("path", COMMANDS)
def test_no_value_makes_a_traceback(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        # These would run for ever; this port is taken, so they end.
        port = {"page": "--port", "sandbox": "--port", "serve": "--port", "work": "--admin-port"}.get(path)
        own = WITH.get(path, ()) if port is None else (port, str(taken.getsockname()[1]))
        for parameter in COMMANDS[path].params:
            is_option = parameter.param_type_name == "option"
            if is_option and parameter.is_flag:
                continue
            for value in VALUES:
                given = (*own, f"{parameter.opts[0]}={value}") if is_option else ("--", value)
                with pytest.raises(SystemExit):
                    PROGRAM.main([*path.split(), *given], prog_name="kable-destination")
                shown = "".join(capsys.readouterr())
                assert "Traceback" not in shown, (path, given, shown[-300:])


@pytest.mark.parametrize("name", ["CLIENT_ID_FIELD", "OUTBOX", "BASE_URL", "PROPERTIES_MAPPINGS"])
def test_a_variable_that_is_not_utf_8_is_named(command_line: CommandLine, name: str) -> None:
    run = command_line("check", stdin=b"", **{f"KABLE_{name}": "a\udcffb"})
    assert (run.code, run.out) == (2, "")
    assert f"error: KABLE_{name}: is not UTF-8" in run.err


def test_a_nul_in_a_configuration_is_refused(command_line: CommandLine) -> None:
    (command_line.folder / "kable.toml").write_text('[delivery]\noutbox = "a\\u0000b"\n')
    for command in (("deliver",), ("status",), ("check",)):
        run = command_line(*command, "--config", "kable.toml")
        assert (run.code, "NUL" in run.err, "Traceback" in run.err) == (2, True, False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--base-url", "http://127.0.0.1:99999"), "base URL (--base-url): should have a port from 1 to 65535"),
        (("--base-url", "https://a\\b"), "base URL (--base-url): should be a URL such as https://api.example.com"),
        (("--base-url", "https://api.example.com:0"), "base URL (--base-url): should have a port from 1"),
    ],
)
def test_a_base_url_that_names_no_server_is_refused(
    command_line: CommandLine, options: tuple[str, ...], message: str
) -> None:
    run = command_line("check", *options)
    assert run.code == 2
    assert message in run.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "--since", "999999d"), '"999999d" is not a time'),
        (("list", "--since", "0001-01-01T00:00:00+14:00"), "is not a time"),
        (("show", "9223372036854775808"), "9223372036854775807"),
        (("discard", "1", "99999999999999999999"), "9223372036854775807"),
        (("show", "9223372036854775807"), "there is no dead letter 9223372036854775807"),
    ],
)
def test_numbers_and_times_beyond_all_stores_are_refused(
    command_line: CommandLine, sandbox: RunningSandbox, arguments: tuple[str, ...], message: str
) -> None:
    command_line.deliver(b"{oops", sandbox.base_url)
    run = command_line("dead-letters", *arguments)
    assert run.code == 2
    assert message in run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize("depth", [150, 250, 5_000])
def test_a_deeply_nested_event_is_shown(command_line: CommandLine, sandbox: RunningSandbox, depth: int) -> None:
    event = ndjson({**track(1), "userId": "", "properties": {"deep": "DEEP"}})
    event = event.replace(b'"DEEP"', b"[" * depth + b"]" * depth)
    command_line.deliver(event, sandbox.base_url)
    run = command_line("dead-letters", "show", "1")
    assert run.code == 0, run.err
    shown = json.loads(run.out)
    assert shown["event"] or "[[[[" in shown["text"]

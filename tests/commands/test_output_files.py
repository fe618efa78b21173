"""What a run writes: no input, for its owner alone, and kept where it says."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from command_line import shell
from segment_events import ndjson, track

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox

EVENTS = ndjson(track(1), b"{oops")
NOWHERE = "http://127.0.0.1:1"


def deliver(command_line: CommandLine, *options: str, to: str = NOWHERE) -> Run:
    """Deliver to where nobody is, unless somebody is named, for what is refused before anything is sent."""
    return command_line("deliver", "--base-url", to, "--wait", "0", *options)


@pytest.fixture
def events(command_line: CommandLine) -> Path:
    """A file of events."""
    path = command_line.folder / "events.ndjson"
    path.write_bytes(EVENTS)
    return path


@pytest.mark.parametrize(
    "outbox", [":memory:", "memory:", "sqlite::memory:", "file::memory:", ":MEMORY:", "", "sqlite:", "memory:x"]
)
@pytest.mark.parametrize("command", [("deliver", "events.ndjson"), ("status",), ("dead-letters", "list")])
def test_an_outbox_that_keeps_nothing_is_refused(
    command_line: CommandLine, events: Path, outbox: str, command: tuple[str, ...]
) -> None:
    run = command_line(*command, "--outbox", outbox)
    assert (run.code, run.out) == (2, "")
    assert f'error: delivery.outbox (--outbox): "{outbox}" would keep nothing' in run.err
    assert [*command_line.folder.iterdir()] == [events]


@pytest.mark.parametrize("outbox", ["/dev/zero", "folder", "pipe"])
def test_an_outbox_that_is_no_file_is_refused(command_line: CommandLine, events: Path, outbox: str) -> None:
    (command_line.folder / "folder").mkdir()
    os.mkfifo(command_line.folder / "pipe")
    run = deliver(command_line, events.name, "--outbox", outbox)
    assert run.code == 2
    assert "--outbox names a file" in run.err or "it is not a file" in run.err


@pytest.mark.parametrize("option", ["--report", "--dead-letters", "--outbox"])
@pytest.mark.parametrize("name", ["events.ndjson", "link", "hard", "folder/../events.ndjson"])
def test_no_output_overwrites_an_input(command_line: CommandLine, events: Path, option: str, name: str) -> None:
    (command_line.folder / "folder").mkdir()
    (command_line.folder / "link").symlink_to(events)
    (command_line.folder / "hard").hardlink_to(events)
    run = deliver(command_line, "events.ndjson", option, name)
    assert (run.code, run.out) == (2, "")
    assert f"error: {option}: {name} is an input, too" in run.err
    assert events.read_bytes() == EVENTS
    assert not (command_line.folder / "outbox.sqlite").exists()


def test_standard_input_and_the_configuration_are_inputs(command_line: CommandLine, events: Path) -> None:
    (command_line.folder / "kable.toml").write_text("")
    options = ("--base-url", NOWHERE, "--wait", "0", "--config", "kable.toml")
    assert "kable.toml is an input" in command_line("deliver", "events.ndjson", "--report", "kable.toml", *options).err
    run = shell(command_line, f"$K deliver - --dead-letters events.ndjson {' '.join(options)} <events.ndjson", NOWHERE)
    assert run.returncode == 2
    assert "events.ndjson is an input, too (standard input)" in run.stderr
    assert events.read_bytes() == EVENTS


@pytest.mark.parametrize("name", ["outbox.sqlite", "outbox.sqlite-wal"])
def test_no_output_overwrites_the_outbox_or_another_output(
    command_line: CommandLine, sandbox: RunningSandbox, events: Path, name: str
) -> None:
    assert deliver(command_line, events.name, to=sandbox.base_url).code == 1
    (command_line.folder / name).touch()
    before = (command_line.folder / "outbox.sqlite").read_bytes()
    for option in ("--report", "--dead-letters"):
        run = deliver(command_line, option, name)
        assert run.code == 2
        assert f"{name} is the outbox" in run.err
    assert (command_line.folder / "outbox.sqlite").read_bytes() == before
    run = deliver(command_line, events.name, "--report", "both", "--dead-letters", "./both")
    assert run.code == 2
    assert "is the file of --report" in run.err


def test_devices_may_be_outputs(command_line: CommandLine, sandbox: RunningSandbox, events: Path) -> None:
    outputs = ("--report", "/dev/stdout", "--dead-letters", "/dev/zero")
    run = deliver(command_line, events.name, *outputs, to=sandbox.base_url)
    assert run.code == 1
    assert '"unreadable": 1' in run.out


def test_dead_letters_are_for_their_owner_alone(
    command_line: CommandLine, sandbox: RunningSandbox, events: Path
) -> None:
    run = deliver(command_line, events.name, "--dead-letters", "letters.ndjson", to=sandbox.base_url)
    assert run.code == 1
    assert stat.S_IMODE((command_line.folder / "letters.ndjson").stat().st_mode) == 0o600
    assert deliver(command_line, events.name, "--no-outbox", "--attempts", "1").code == 1
    assert stat.S_IMODE((command_line.folder / "dead-letters.ndjson").stat().st_mode) == 0o600


@pytest.mark.parametrize("option", ["--dead-letters", "--report", "--outbox"])
def test_nothing_is_made_where_a_link_points(command_line: CommandLine, events: Path, option: str) -> None:
    (command_line.folder / "link").symlink_to(command_line.folder / "elsewhere")
    run = deliver(command_line, events.name, option, "link")
    assert run.code == 2
    assert "a link to a file that does not exist" in run.err
    assert not (command_line.folder / "elsewhere").exists()


def test_wider_permissions_are_said(command_line: CommandLine, sandbox: RunningSandbox, events: Path) -> None:
    options = (events.name, "--dead-letters", "letters.ndjson")
    assert "others may use" not in deliver(command_line, *options, to=sandbox.base_url).err
    for name in ("outbox.sqlite", "letters.ndjson"):
        (command_line.folder / name).chmod(0o664)
    run = deliver(command_line, *options, to=sandbox.base_url)
    for name in ("outbox.sqlite", "letters.ndjson"):
        assert f"warning: others may use {name}, which holds events (its mode is 0664); chmod 600 {name}" in run.err

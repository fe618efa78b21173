"""What commands show: --quiet, --verbose, --color, completion; colours and line breaks are for terminals only."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from command_line import API_KEY
from command_tree import every_command
from kable_destination.runner.commands.app import app
from segment_events import ndjson, track
from terminal import terminal

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

ESCAPE = "\x1b["
RED_ERROR = "\x1b[31merror:\x1b[0m"
WITHOUT_DETECTION = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
NOBODY = {**track(2), "userId": ""}


def without_colors(text: str) -> str:
    """Return what a person reads."""
    return re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", text)


def test_every_command_has_the_same_options() -> None:
    for path, command in every_command().items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--quiet", "-q", "--verbose", "-v", "--color"} <= options, path


@pytest.mark.parametrize("path", every_command())
def test_h_is_short_for_help_everywhere(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    program: Any = typer.main.get_command(app)
    with pytest.raises(SystemExit) as ended:
        program.main([*path.split(), "-h"], prog_name="kable-destination")
    assert (ended.value.code, capsys.readouterr().out.startswith(f"Usage: kable-destination {path} ")) == (0, True)


def test_a_quiet_delivery_prints_nothing_if_all_is_well(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    run = command_line.deliver(ndjson(track(1)), sandbox.base_url, "-q")
    assert (run.code, run.out, run.err) == (0, "", "")
    assert run.report["delivered"] == 1
    quiet = command_line("check", "--quiet", "--base-url", sandbox.base_url)
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_a_quiet_command_prints_results_and_errors(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    run = command_line.deliver(ndjson(NOBODY), sandbox.base_url, "--quiet")
    assert (run.code, run.out) == (1, "")
    assert command_line("dead-letters", "list", "-q").out == command_line("dead-letters", "list").out
    assert json.loads(command_line("status", "-q", "--json").out)["dead"] == {"rejected": 1}
    failed = command_line("deliver", "nowhere.ndjson", "-q")
    assert (failed.code, "nowhere.ndjson" in failed.err) == (2, True)


def test_a_verbose_delivery_says_where_settings_come_from_and_logs(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    (command_line.folder / "kable.toml").write_text("[delivery]\nwait = 5\n")
    run = command_line.deliver(ndjson(track(1), NOBODY), sandbox.base_url, "-v", "--config", "kable.toml")
    lines = run.err.splitlines()
    assert f"configuration: {command_line.folder / 'kable.toml'}" in lines
    assert "settings.apiKey: from KABLE_API_KEY" in lines
    assert "delivery.baseUrl: from --base-url" in lines
    assert "delivery.wait: from kable.toml" in lines
    assert "outbox: outbox.sqlite" in lines
    assert any("file=events.ndjson" in line and "line=2" in line for line in lines)
    assert API_KEY not in run.err + run.out
    as_json = command_line.deliver(ndjson(track(3)), sandbox.base_url, "-v", "--log", "json")
    assert [line for line in as_json.err.splitlines() if line.startswith("{")]


def test_quiet_and_verbose_exclude_each_other(command_line: CommandLine) -> None:
    run = command_line("check", "-q", "-v")
    assert (run.code, run.err) == (2, "error: --quiet and --verbose exclude each other; give one of them\n")


@pytest.mark.parametrize(
    ("options", "environment", "is_colored"),
    [
        ((), {"NO_COLOR": ""}, False),
        ((), {"NO_COLOR": "", "FORCE_COLOR": "1"}, True),
        ((), {"NO_COLOR": "", "FORCE_COLOR": "0"}, False),
        ((), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {"NO_COLOR": "", "FORCE_COLOR": "1"}, False),
    ],
)
def test_piped_output_has_colors_only_if_somebody_asks(
    command_line: CommandLine, options: tuple[str, ...], environment: dict[str, str], *, is_colored: bool
) -> None:
    run = command_line("check", "--config", "nowhere.toml", *options, stdin=b"", **environment)
    assert run.code == 2
    assert (RED_ERROR in run.err) is is_colored
    assert (ESCAPE in run.err) is is_colored
    assert without_colors(run.err) == "error: nowhere.toml: cannot be read: No such file or directory\n"


@pytest.mark.parametrize(
    ("options", "environment", "is_colored"),
    [
        ((), {"NO_COLOR": ""}, True),
        ((), {"NO_COLOR": "", "TERM": "dumb"}, False),
        ((), {"NO_COLOR": "1"}, False),
        (("--color", "never"), {"NO_COLOR": ""}, False),
    ],
)
def test_a_terminal_has_colors_unless_somebody_does_not_want_them(
    command_line: CommandLine, options: tuple[str, ...], environment: dict[str, str], *, is_colored: bool
) -> None:
    for command in (("check", "--config", "nowhere.toml"), ("doctor", "--base-url", "http://127.0.0.1:1")):
        with terminal(command_line, *command, *options, **environment) as shown:
            shown.end()
        assert (ESCAPE in shown.shown) is is_colored, shown.shown


def test_forced_colors_draw_no_progress_into_a_pipe(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    run = command_line.deliver(ndjson(track(1)), sandbox.base_url, NO_COLOR="", FORCE_COLOR="1")
    assert (run.code, ESCAPE in run.err + run.out) == (0, False)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_lines_fit_a_terminal_without_splitting_words(
    command_line: CommandLine, sandbox: RunningSandbox, columns: int
) -> None:
    without_id = {key: value for key, value in NOBODY.items() if key != "messageId"}
    command_line.deliver(ndjson(NOBODY, without_id, b"{oops", *map(track, range(3, 6))), sandbox.base_url)
    for command in (
        *(("dead-letters", "list"), ("status",), ("check",), ("destinations",), ("doctor",)),
        *(("deliver", "events.ndjson"), ("dead-letters", "export", f"fix-{columns}.ndjson")),
    ):
        base_url = () if command[0] in {"dead-letters", "status", "destinations"} else ("--base-url", sandbox.base_url)
        piped = command_line(*command, *base_url)
        with terminal(command_line, *command, *base_url, COLUMNS=str(columns)) as shown:
            shown.end()
        words = set(re.split(r"\s+", piped.out + piped.err))
        for line in without_colors(shown.shown).splitlines():
            assert len(line) <= columns or len(line.split()) == 1, line
        if command[0] in {"dead-letters", "check", "destinations"} and "export" not in command:
            assert set(re.split(r"\s+", without_colors(shown.shown))) == words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown_and_installed(command_line: CommandLine, shell: str) -> None:
    """The installed script asks for completion under its own name."""
    program = Path(sys.executable).with_name("kable-destination")
    home = {**command_line.environment, "HOME": str(command_line.folder), **WITHOUT_DETECTION}
    for option in ("--show-completion", "--install-completion"):
        done = subprocess.run(
            [program, option, shell], env=home, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert option == "--install-completion" or "_KABLE_DESTINATION_COMPLETE" in done.stdout
    installed = [path.read_text() for path in command_line.folder.rglob("*kable-destination*")]
    assert [text for text in installed if "_KABLE_DESTINATION_COMPLETE" in text]

"""The command line as a whole: help, version, and what they import."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command_line import CommandLine

COMMANDS = (
    *("init", "deliver", "status", "preview", "snapshot", "check", "doctor"),
    *("destinations", "config-schema", "new", "docs", "sandbox", "dead-letters"),
)
HEAVY = {"aiohttp", "httpx", "liquid", "orjson", "msgspec", "sqlite3", "structlog", "uvicorn", "rich.progress"}


def imported(*arguments: str) -> set[str]:
    """Return the modules that the command line has imported when it ends."""
    program = (
        "import atexit, sys;"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from kable_destination.runner.commands.app import main;"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout
    return set(done.stderr.split())


def test_help_imports_nothing_heavy() -> None:
    modules = imported("--help")
    assert modules & {*HEAVY, "pydantic"} == set()


@pytest.mark.parametrize("arguments", [("--version",), *((command, "--help") for command in COMMANDS)])
def test_neither_do_the_version_and_the_help_of_a_command(arguments: tuple[str, ...]) -> None:
    """Typer imports pydantic itself as soon as it reads the value of an option, so that it is not ours to avoid."""
    modules = imported(*arguments)
    assert modules & HEAVY == set()
    assert "kable_destination.definitions" not in modules


def test_help_lists_every_command(command_line: CommandLine) -> None:
    run = command_line("--help")
    assert (run.code, run.err) == (0, "")
    listed = [line.split()[0] for line in run.out.partition("Commands:\n")[2].splitlines()]
    assert listed == list(COMMANDS)


@pytest.mark.parametrize("path", [(), ("deliver",), ("dead-letters",), ("dead-letters", "list")])
def test_h_is_short_for_help(command_line: CommandLine, path: tuple[str, ...]) -> None:
    short = command_line(*path, "-h")
    assert (short.code, short.out) == (0, command_line(*path, "--help").out)


def test_the_version_is_that_of_the_distribution(command_line: CommandLine) -> None:
    run = command_line("--version")
    assert (run.code, run.out) == (0, f"kable-destination {version('kable-destination')}\n")


def test_a_wrong_option_is_a_usage_error(command_line: CommandLine) -> None:
    run = command_line("deliver", "--nothing")
    assert run.code == 2
    assert "--nothing" in run.err


def test_output_that_nobody_reads_to_its_end_is_no_error(command_line: CommandLine) -> None:
    """As in `kable-destination docs | head -1`."""
    with command_line.start("docs", "--format", "html") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0

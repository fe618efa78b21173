"""The command line as a whole: help, version, and what they import."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.opening import open_queue

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine

COMMANDS = (
    *("init", "deliver", "serve", "work", "status", "page", "preview", "bill", "snapshot", "check", "doctor"),
    *("destinations", "config-schema", "new", "docs", "sandbox", "audience", "dead-letters", "outbox"),
)
HEAVY = {
    *("aiohttp", "asyncio", "httpx", "liquid", "jinja2", "msgspec", "orjson", "psutil", "pydantic", "rich"),
    *("sqlite3", "ssl", "structlog", "uvicorn", "uvloop", "zstandard", "kable_destination.definitions"),
}


def printed_and_imported(*arguments: str, **environment: str) -> tuple[str, set[str]]:
    """Return what the command line prints, and the modules that it has imported when it ends."""
    program = (
        "import atexit, sys; sys.argv[0] = 'kable-destination';"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from kable_destination.runner.commands.app import main;"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    return done.stdout, set(done.stderr.split())


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), ("dead-letters", "list", "--help"), *((command, "--help") for command in COMMANDS)],
)
def test_help_and_version_import_nothing_heavy(arguments: tuple[str, ...]) -> None:
    printed, modules = printed_and_imported(*arguments)
    assert printed
    assert modules & HEAVY == set()


@pytest.mark.parametrize(
    ("shell", "words", "completed"),
    [
        ("bash", "d", ["deliver", "doctor", "destinations", "docs", "dead-letters"]),
        ("bash", "deliver --batch-size 5 --con", ["--config", "--concurrency"]),
        ("bash", "deliver --log ", ["console", "json"]),
        ("bash", "deliver eve", []),
        ("bash", "dead-letters ", ["list", "show", "replay", "export", "discard"]),
        ("fish", "dead-letters list --reason re", ["rejected", "refused"]),
        ("fish", "deliver --base", ["--base-url"]),
        ("zsh", "dead-letters show --out", ["_arguments", "'*:", ':(("--outbox"))\'']),
    ],
)
def test_a_shell_completes_without_importing_anything_heavy(shell: str, words: str, completed: list[str]) -> None:
    line = f"kable-destination {words}"
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_TYPER_COMPLETE_ARGS": line}
    how = {"_KABLE_DESTINATION_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    printed, modules = printed_and_imported(**asked, **how)
    assert printed.split() == completed
    assert modules & HEAVY == set()


def test_what_sends_nothing_imports_no_client(tmp_path: Path) -> None:
    outbox = str(tmp_path / "outbox.sqlite")
    asyncio.run(open_queue(outbox, clock=SystemClock()).close())
    settings = {"KABLE_API_KEY": "sk_test.a", "KABLE_CLIENT_ID": "kci_1", "KABLE_OUTBOX": outbox}
    for command in (("check",), ("status",), ("dead-letters", "list")):
        printed, modules = printed_and_imported(*command, **settings)
        assert printed
        assert modules & {"aiohttp", "httpx", "liquid", "jinja2", "rich", "structlog", "uvicorn"} == set()


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

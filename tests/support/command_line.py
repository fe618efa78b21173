"""The command line, run as a user runs it: a process of its own in a folder of its own.

It is forked from a process that has the imports already, unless that would make a difference.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fork_server import ForkServer, Program

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from running_program import RunningProgram

CLIENT_ID = "kci_test_0001"
API_KEY = "sk_test.S3cr3t-Key+with/odd=chars"


MODULE = "kable_destination.runner"
IMPORTED = (
    "kable_destination.runner.commands.app",
    *(f"kable_destination.runner.commands.{name}" for name in ("bill", "billing", "check", "checking", "comparing")),
    *(f"kable_destination.runner.commands.{name}" for name in ("configured", "dead_letters", "json_outputs.bill")),
    *(f"kable_destination.runner.commands.{name}" for name in ("deliver", "docs", "doctor", "init", "live_question")),
    *(f"kable_destination.runner.commands.{name}" for name in ("output_files", "preview", "previewing", "report_file")),
    *(f"kable_destination.runner.commands.{name}" for name in ("run_outcome", "snapshot", "status", "watching")),
    "kable_destination.destination",
    "kable_destination.definitions.documentation",
    "kable_destination.runner.configuration.configuration",
    "kable_destination.runner.configuration.reference",
    "kable_destination.runner.configuration.start",
    "kable_destination.runner.configuration.targets",
    "kable_destination.runner.delivery.dead_letter_file",
    "kable_destination.runner.doctor",
    "kable_destination.runner.event_loop",
    "kable_destination.runner.observability.detached",
    "kable_destination.runner.observability.logs",
    "kable_destination.runner.observability.observers",
    "kable_destination.runner.queues.memory",
    "kable_destination.runner.queues.sqlite",
    "kable_destination.runner.session",
    *(f"kable_destination.runner.snapshotting.{name}" for name in ("bills", "difference", "recording", "renames")),
    "kable_destination.runner.sources.files",
    "kable_destination.runner.sources.paths",
    "concurrent.futures.thread",
    "encodings.idna",
    "encodings.utf_16_be",
    "kable_destination.definitions.request",
    "pydantic.type_adapter",
    "typer._adapters",
    "typer._click.decorators",
    "uvloop",
    "warmed",
)
"""What most commands import; together with what these import it takes most of the time of a short run."""
READ_LATE = (
    *("AWS_", "AZURE_", "KABLE_", "METER_", "NO_GCE_CHECK", "STORAGE_EMULATOR_HOST"),
    *("CI", "HOME", "NETRC", "SSL_CERT_"),
    *("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy"),
)
"""The beginnings of the names of variables that nobody reads while it is imported."""


SETTINGS = ("KABLE_", "METER_", "PYTEST_", "CI", "GITHUB_", "FORCE_COLOR", "CLICOLOR", "SSL_CERT_")
"""The beginnings of the names of variables that change what a command does: a test sets those that it is about."""


def without_settings() -> dict[str, str]:
    """Return the environment of this process with no setting that somebody has made."""
    return {name: text for name, text in os.environ.items() if not name.startswith(SETTINGS)}


def with_credentials(**more: str) -> dict[str, str]:
    """Return the environment of this process with credentials, and with no other setting that somebody has made."""
    return {
        **without_settings(),
        "KABLE_API_KEY": API_KEY,
        "KABLE_CLIENT_ID": CLIENT_ID,
        "COLUMNS": "120",
        "NO_COLOR": "1",
        **more,
    }


@dataclass(frozen=True)
class Run:
    """What a run of the command line gave."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        """The report that the run wrote."""
        report: dict[str, Any] = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        return report

    @property
    def letters(self) -> list[dict[str, Any]]:
        """The dead letters that the run wrote."""
        path = self.folder / "letters.ndjson"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


@dataclass(frozen=True)
class CommandLine:
    """Runs the command line in a folder of its own, as a user would; `installed` is a folder of more packages."""

    folder: Path
    environment: dict[str, str]
    server: ForkServer
    installed: str = ""

    def __call__(self, *arguments: str, stdin: bytes = b"", **environment: str) -> Run:
        """Run a command to its end."""
        given = {**self.environment, **environment}
        if self._is_known(given):
            done = self.server.run(self._program(arguments, given), stdin)
        else:
            assert not self.installed, "a plain process has only what is installed"
            done = subprocess.run(
                [sys.executable, "-m", MODULE, *arguments],
                cwd=self.folder,
                env=given,
                input=stdin,
                capture_output=True,
                check=False,
                timeout=120,
            )
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode(), self.folder)

    def _is_known(self, environment: dict[str, str]) -> bool:
        """Return whether nothing differs from the environment of the server but what is read after the imports."""
        changed = dict(environment.items() ^ self.server.environment.items())
        return all(name.startswith(READ_LATE) for name in changed)

    def start(self, *arguments: str, before: str = "") -> RunningProgram:
        """Start a command and leave it running, with pipes; `before` is as in Program."""
        return self.server.start(self._program(arguments, self.environment, before))

    def start_with(
        self,
        stdin: int,
        stdout: int,
        stderr: int,
        *arguments: str,
        before: str = "",
        ends_early: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> RunningProgram:
        """Start a command and leave it running, with these descriptors as its own; the options are as in Program.

        `environment` is added to that of the command line.
        """
        given = {**self.environment, **(environment or {})}
        return self.server.start_with(
            self._program(arguments, given, before, ends_early=ends_early), stdin, stdout, stderr
        )

    def _program(
        self, arguments: tuple[str, ...], environment: dict[str, str], before: str = "", *, ends_early: bool = True
    ) -> Program:
        words = ("-m", MODULE, *arguments)
        return Program(words, str(self.folder), environment, self.installed, before, ends_early)

    def deliver(self, events: bytes, base_url: str, *arguments: str, **environment: str) -> Run:
        """Deliver events from a file, with a report and dead letters in the folder."""
        (self.folder / "events.ndjson").write_bytes(events)
        common = ("--base-url", base_url, "--report", "report.json", "--dead-letters", "letters.ndjson")
        return self("deliver", "events.ndjson", *common, *arguments, stdin=b"", **environment)


def shell(
    command_line: CommandLine, script: str, base_url: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a script of bash in the folder of the command line.

    `$K` is the program, and `$B` its options. `$W` is the program that takes its interpreter apart at its end, too, and
    `$P` the program as a plain process, to be measured.
    """
    server = command_line.server
    pythons = {"K": server.command(), "W": server.command(ends_early=False), "P": [sys.executable]}
    return subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=command_line.folder,
        # The shell splits these at blanks.
        env={
            **command_line.environment,
            **{name: " ".join([*python, "-m", MODULE]) for name, python in pythons.items()},
            "B": f"--base-url {base_url}",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

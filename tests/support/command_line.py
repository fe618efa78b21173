"""The command line, run as a user runs it: a process of its own in a folder of its own.

Runs to the end are forked from a process that has the imports already; the others are plain processes.
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
    from pathlib import Path

CLIENT_ID = "kci_test_0001"
API_KEY = "sk_test.S3cr3t-Key+with/odd=chars"


MODULE = "kable_destination.runner"
IMPORTED = (
    "kable_destination.runner.commands.app",
    *(f"kable_destination.runner.commands.{name}" for name in ("check", "dead_letters", "deliver", "docs", "preview")),
    "kable_destination.destination",
    "kable_destination.definitions.documentation",
    "kable_destination.runner.configuration.configuration",
    "kable_destination.runner.configuration.reference",
    "kable_destination.runner.queues.sqlite",
    "kable_destination.runner.session",
    "kable_destination.runner.snapshotting.recording",
    "kable_destination.runner.sources.files",
)
"""What most commands import; together with what these import it takes most of the time of a short run."""
READ_LATE = ("KABLE_", "METER_", "CI")
"""The beginnings of the names of variables that nobody reads while it is imported."""


def with_credentials(**more: str) -> dict[str, str]:
    """Return the environment of this process with credentials, and with no other setting that somebody has made."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KABLE_", "PYTEST_"))}
    return {**kept, "KABLE_API_KEY": API_KEY, "KABLE_CLIENT_ID": CLIENT_ID, "COLUMNS": "120", "NO_COLOR": "1", **more}


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
    """Runs the command line in a folder of its own, as a user would."""

    folder: Path
    environment: dict[str, str]
    server: ForkServer

    def __call__(self, *arguments: str, stdin: bytes = b"", **environment: str) -> Run:
        """Run a command to its end."""
        given = {**self.environment, **environment}
        if self._is_known(given):
            done = self.server.run(Program(MODULE, arguments, str(self.folder), given), stdin)
        else:
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

    def start(self, *arguments: str, around: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start a command, by way of another program where one is given, and leave it running, with pipes."""
        return subprocess.Popen(
            [*around, sys.executable, "-m", MODULE, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def deliver(self, events: bytes, base_url: str, *arguments: str, **environment: str) -> Run:
        """Deliver events from a file, with a report and dead letters in the folder."""
        (self.folder / "events.ndjson").write_bytes(events)
        common = ("--base-url", base_url, "--report", "report.json", "--dead-letters", "letters.ndjson")
        return self("deliver", "events.ndjson", *common, *arguments, stdin=b"", **environment)

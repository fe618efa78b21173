"""The command line, run as a user runs it: a process of its own in a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CLIENT_ID = "kci_test_0001"
API_KEY = "sk_test.S3cr3t-Key+with/odd=chars"


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

    def __call__(self, *arguments: str, stdin: bytes = b"", **environment: str) -> Run:
        """Run a command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "kable_destination.runner", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            input=stdin,
            capture_output=True,
            check=False,
            timeout=120,
        )
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode(), self.folder)

    def start(self, *arguments: str, around: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start a command, by way of another program where one is given, and leave it running, with pipes."""
        return subprocess.Popen(
            [*around, sys.executable, "-m", "kable_destination.runner", *arguments],
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

"""A folder with a configuration and events, of which snapshots are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segment_events import ndjson, track

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine, Run

CONFIGURATION = """
[settings]
kableClientId = "kci_example"

[[subscriptions]]
name = "API calls"
partnerAction = "track"
subscribe = 'type = "track" and event = "API Call"'

[subscriptions.mapping.data]
units = { "@path" = "$.properties.units" }
region = { "@path" = "$.properties.region" }
"""
EVENTS = (track(1), track(2), {"type": "page", "messageId": "a page"}, track(4, userId=" "))


def write_folder(command_line: CommandLine) -> Path:
    """Write a TOML file and an NDJSON file into the folder of the command line, and return the folder."""
    (command_line.folder / "kable.toml").write_text(CONFIGURATION, encoding="utf-8")
    (command_line.folder / "events.ndjson").write_bytes(ndjson(*EVENTS))
    return command_line.folder


def snapshot(command_line: CommandLine, *arguments: str, stdin: bytes = b"", **environment: str) -> Run:
    """Take a snapshot outside of CI, or compare with it."""
    common = ("--config", "kable.toml", "--events", "events.ndjson", "--dir", "snap")
    return command_line("snapshot", *common, *arguments, stdin=stdin, **{"CI": "", **environment})


def change(folder: Path, was: str, now: str) -> None:
    """Change the configuration."""
    text = (folder / "kable.toml").read_text(encoding="utf-8")
    assert was in text
    (folder / "kable.toml").write_text(text.replace(was, now), encoding="utf-8")


def files(folder: Path) -> dict[str, bytes]:
    """The files of the snapshot."""
    return {path.name: path.read_bytes() for path in sorted((folder / "snap").iterdir())}


def details(out: str) -> str:
    """Return what follows the change in the bill."""
    return out.partition("\n\n")[2]

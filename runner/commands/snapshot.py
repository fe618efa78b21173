"""The command `snapshot`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import FAILED, OK, exits
from .options import ConfigOption, DestinationOption
from .output import echo

if TYPE_CHECKING:
    from ...definitions import Redactor
    from ..snapshotting.difference import Difference
    from ..snapshotting.files import Key
    from ..snapshotting.recording import Recording


@exits
def snapshot(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    events: Annotated[
        str,
        typer.Option("--events", metavar="FILE", help="NDJSON or a JSON array, plain or gzipped; - is standard input."),
    ],
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Folder of the snapshot; it must hold nothing else.")
    ],
    update: Annotated[bool, typer.Option("--update", help="Show what changed, and record it.")] = False,
    show_all: Annotated[bool, typer.Option("--all", help="Show every changed event, not only the first 20.")] = False,
) -> int:
    """Record what becomes of your events.

    The first run records. Later runs compare: they show what changed by event and field, and fail. Commit the folder.
    If CI is set in the environment, as CI services do, a missing snapshot is an error, so nothing passes by accident.

    Credentials are not needed and not read: placeholders replace them. Nothing is sent.

    Exit codes: 0 no change, or recorded; 1 something changed; 2 wrong usage or configuration.
    """
    import asyncio

    from ...definitions import Problem, SetupError, counted
    from ..snapshotting.difference import compare
    from ..snapshotting.files import read_sections, write_sections
    from ..snapshotting.placeholders import set_up_without_credentials
    from ..snapshotting.recording import record
    from ..sources.paths import sources_of

    ready = set_up_without_credentials(config, destination, os.environ)
    recorded = read_sections(folder)
    if not recorded and not update and os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        message = "holds no snapshot, and CI only compares; record one elsewhere, or with --update, and commit it"
        raise SetupError.of([Problem(str(folder), message)])
    (source,) = sources_of([events])
    now = asyncio.run(record(ready.destination, ready.redactor, source))
    _print_unreadable(now, events)
    differences = compare(recorded, now.sections, now.lines) if recorded else []
    _print_differences(differences, now, ready.redactor, show_all=show_all)
    if recorded and not update:
        return _print_comparison(now, folder, {difference.key for difference in differences})
    write_sections(folder, now.sections.values())
    done = "recorded again" if recorded else "recorded"
    echo(f"{counted(len(now.lines), 'event')} {done} in {folder}: {_outcomes(now)}")
    if ready.placeholders:
        names = ", ".join(ready.placeholders)
        echo(f"credentials are not read for a snapshot; placeholders replace {names}")
    return OK


def _print_unreadable(now: Recording, events: str) -> None:
    from ...definitions import counted, one_line
    from ..snapshotting.difference import MOST_SHOWN

    for line, message in now.unreadable[:MOST_SHOWN]:
        echo(one_line(f"{events}, line {line}: no event: {message}"), err=True)
    if (more := len(now.unreadable) - MOST_SHOWN) > 0:
        echo(f"… and {counted(more, 'more line that is no event', 'more lines that are no events')}", err=True)


def _print_differences(differences: list[Difference], now: Recording, redactor: Redactor, *, show_all: bool) -> None:
    from ..snapshotting.difference import report

    for line in report(differences, now.lines, show_all=show_all) if differences else ():
        echo(redactor.text(line))


def _print_comparison(now: Recording, folder: Path, changed: set[Key | None]) -> int:
    """Print how a comparison ended. The key None means that something changed that all events share."""
    from ...definitions import counted

    if not changed:
        echo(f"{counted(len(now.lines), 'event')} as recorded in {folder}: {_outcomes(now)}")
        return OK
    what = counted(len(changed - {None}), "event") if changed - {None} else "what all events share is"
    echo(f"{what} not as recorded in {folder}; if you meant this, record it with --update")
    return FAILED


def _outcomes(recording: Recording) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(recording.outcomes.items()))

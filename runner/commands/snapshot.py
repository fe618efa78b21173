"""The command `snapshot`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import FAILED, OK, exits
from .options import ConfigOption, DestinationOption, JsonOption
from .output import echo, echo_lines

if TYPE_CHECKING:
    from ..snapshotting.comparison import Comparison
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
    show_all: Annotated[
        bool, typer.Option("--all", help="Show every changed customer and event, not only the first 20.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Record what happens to your events.

    The first run records. Later runs compare: they show how the bill changes, per customer and dimension, then what
    changed by event and field, and fail. Commit the folder. If CI is set in the environment, as CI services do, a
    missing snapshot is an error, so nothing passes by accident.

    Credentials are not needed and not read: placeholders replace them. Nothing is sent.

    Exit codes: 0 no change, or recorded; 1 something changed; 2 wrong usage or configuration.
    """
    import asyncio

    from ...definitions import Problem, SetupError, counted
    from ..snapshotting.comparison import compared
    from ..snapshotting.files import read_sections, write_sections
    from ..snapshotting.placeholders import set_up_without_credentials
    from ..snapshotting.recording import record
    from ..sources.paths import sources_of
    from .comparing import comparison_lines, snapshot_output
    from .json_output import print_output

    ready = set_up_without_credentials(config, destination, os.environ)
    recorded = read_sections(folder)
    if not recorded and not update and os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        message = "holds no snapshot, and CI only compares; record one elsewhere, or with --update, and commit it"
        raise SetupError.of([Problem(str(folder), message)])
    (source,) = sources_of([events])
    now = asyncio.run(record(ready.destination, ready.redactor, source))
    _print_unreadable(now, events)
    comparison = compared(ready.destination.definition, recorded, now) if recorded else None
    is_recorded = comparison is None or update
    if is_recorded:
        write_sections(folder, now.sections.values())
    if as_json:
        print_output(snapshot_output(folder, now, comparison, ready.redactor, update=update, show_all=show_all))
        return OK if is_recorded or not comparison else FAILED
    if comparison:
        echo_lines(comparison_lines(comparison, now, ready.redactor, show_all=show_all))
    if comparison is not None and not update:
        return _print_comparison(now, folder, comparison)
    done = "recorded" if comparison is None else "recorded again"
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


def _print_comparison(now: Recording, folder: Path, comparison: Comparison) -> int:
    """Print how a comparison ended."""
    from ...definitions import counted

    if not comparison:
        echo(f"{counted(len(now.lines), 'event')} as recorded in {folder}: {_outcomes(now)}")
        return OK
    events = comparison.changed_events
    what = counted(events, "event") if events else "what all events share is"
    echo(f"{what} not as recorded in {folder}; if you meant this, record it with --update")
    return FAILED


def _outcomes(recording: Recording) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(recording.outcomes.items()))

"""How the outcome of a run is shown: as text, as JSON, and in the report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from .output import inform, say
from .run_outcome import kept_in_outbox, not_accepted, run_output, warnings, why_stopped

if TYPE_CHECKING:
    from pathlib import Path

    from ...definitions import AnswerError, Destination
    from ..delivery.dead_letter_file import DeadLetterFile, UnsentFile
    from ..delivery.run_report import RunReport
    from .json_outputs.deliver import DeliverOutput


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: why early, if it did, its counts, and the files that it wrote. `outbox` is None without one."""

    ended: AnswerError | None
    report: RunReport
    outbox: str | None
    letters: DeadLetterFile | UnsentFile | None
    report_file: Path | None
    dry_run: bool


def print_outcome(outcome: Outcome, destination: Destination, *, as_json: bool) -> bool:
    """Write the report and print how the run went. Return whether every dead letter could be written.

    What cannot be shown changes nothing: the delivery itself is done.
    """
    from .report_file import write_report

    letters, report, redactor = outcome.letters, outcome.report, destination.redactor
    failures = [
        *filter(None, (None if letters is None else letters.failure, write_report(outcome.report_file, report)))
    ]
    if outcome.ended is not None:
        say(why_stopped(outcome.ended, report, redactor), error=True)
    for source in report.unread_sources:
        say(f"error: {redactor.text(str(source.error))}", error=True)
    for warning in warnings(report, destination.definition.name):
        say(f"warning: {warning}", error=True)
    if as_json:
        _print_json(outcome, destination)
    else:
        _print_summary(outcome, destination)
    if letters is not None and report.unaccepted:
        say(f"warning: {not_accepted(report, letters.path)}", error=True)
    for failure in failures:
        say(f"error: {failure}", error=True)
    return letters is None or letters.failure is None


def _print_summary(outcome: Outcome, destination: Destination) -> None:
    report, letters, dry_run = outcome.report, outcome.letters, outcome.dry_run
    out = partial(inform, error=dry_run)
    out(report.summary(dry_run=dry_run))
    if letters is not None and letters.count > report.unaccepted:
        out(f"dead letters: {letters.path}")
    for line in kept_in_outbox(report, outcome.outbox) if outcome.outbox and not dry_run else ():
        out(line)
    if not dry_run and report.last_errors:
        out(destination.redactor.text(report.last_errors))


def _print_json(outcome: Outcome, destination: Destination) -> None:
    from .output import json_text

    # As the summary does, it changes nothing if it cannot be printed.
    say(json_text(_json(outcome, destination)))


def _json(outcome: Outcome, destination: Destination) -> DeliverOutput:
    from .json_outputs.deliver import DeliverOutput

    report, letters, ended = outcome.report, outcome.letters, outcome.ended
    return DeliverOutput(
        run=run_output(report, destination.redactor),
        outbox=outcome.outbox,
        dead_letters=str(letters.path) if letters is not None and letters.count else None,
        ended=None if ended is None else why_stopped(ended, report, destination.redactor),
        next_retry=None if report.next_due is None else report.next_due.timestamp(),
    )

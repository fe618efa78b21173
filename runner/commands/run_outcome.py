"""How a run ended, as text and as an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exit_codes import CONFIGURATION, CREDENTIALS, FAILED, INTERRUPTED, OK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...definitions import AnswerError, Redactor
    from ..delivery.run_report import RunReport


def exit_code(ended: AnswerError | None, report: RunReport) -> int:
    """Return the exit code of a run; `ended` is the reason why it ended early."""
    from ...definitions import ConfigurationError, CredentialsError, UnexpectedAnswerError
    from ..delivery.delivery import InterruptionError

    if ended is not None:
        codes: dict[type[AnswerError], int] = {
            CredentialsError: CREDENTIALS,
            ConfigurationError: CONFIGURATION,
            UnexpectedAnswerError: CONFIGURATION,
            InterruptionError: INTERRUPTED,
        }
        return codes.get(type(ended), FAILED)
    if report.unread_sources and not report.read:
        return CONFIGURATION
    is_complete = not (report.dead or report.earlier_dead or report.next_due is not None or report.unread_sources)
    return OK if is_complete else FAILED


def why_stopped(ended: AnswerError, report: RunReport, redactor: Redactor) -> str:
    """Return one line that says why a run ended early, and how far it came."""
    from ...definitions import counted

    partly = "" if report.read_to_the_end else "; the input was not read to its end"
    return f"stopped: {redactor.text(str(ended))}; {counted(report.unsent, 'event')} unsent{partly}"


def nothing_matched(report: RunReport) -> str | None:
    """Return a warning if everything that was read was skipped: a trigger or an input is hardly as it should be."""
    skipped = report.skipped.total()
    if not skipped or report.wanted:
        return None
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.skipped.items()) if count)
    return (
        f"warning: nothing was sent: no event matches a subscription ({report.read:,} read, skipped: {reasons}). "
        "Compare the events with the triggers: kable-destination preview"
    )


def kept_in_outbox(report: RunReport, path: str) -> Iterator[str]:
    """Yield what an outbox keeps after a run, and what to do about it."""
    from ...definitions import counted

    if report.dead or report.earlier_dead:
        yield f"dead letters are kept in {path}: kable-destination dead-letters list"
    if report.next_due is not None:
        earlier = report.kept - report.unsent
        partly = f" ({earlier:,} of them from earlier runs)" if earlier > 0 else ""
        verb = "is" if report.kept == 1 else "are"
        yield (
            f"{counted(report.kept, 'unsent event')} {verb} kept in {path}{partly}; run the same command again. "
            f"Next retry: {report.next_due:%Y-%m-%dT%H:%M:%SZ}"
        )

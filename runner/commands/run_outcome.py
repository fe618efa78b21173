"""How a run ended, as text and as an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exit_codes import CONFIGURATION, CREDENTIALS, FAILED, INTERRUPTED, OK

_UNWANTED = frozenset({"not_subscribed", "unknown_type"})
_MOST_FLAGS = 5

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...definitions import AnswerError, Redactor
    from ..delivery.run_report import RunReport
    from .json_outputs.deliver import RunOutput


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


def warnings(report: RunReport, destination: str) -> Iterator[str]:
    """Yield what a person should know of events that were not sent, or that were sent in spite of a flag."""
    from ...definitions import counted, quoted

    skipped = +report.skipped
    if skipped and not report.wanted and not set(skipped) <= {"too_old", "outside_period"}:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(skipped.items()))
        why = "no event matches a subscription" if skipped.keys() <= _UNWANTED else "every event was skipped"
        yield (
            f"nothing was sent: {why} ({report.read:,} read, skipped: {reasons}). "
            "Compare the events with the triggers: kable-destination preview"
        )
    if skipped["too_old"]:
        so_old = "so old that nobody can say whether"
        count = counted(skipped["too_old"], f"event is {so_old} it was sent", f"events are {so_old} they were sent")
        yield f"{count}; --allow-old sends {'it' if skipped['too_old'] == 1 else 'them'}"
    if report.misspelt_flags:
        flags = ", ".join(map(quoted, sorted(report.misspelt_flags)[:_MOST_FLAGS]))
        yield f"integrations: {flags} has no effect, since flags are case sensitive; write {quoted(destination)}"


def not_accepted(report: RunReport, path: Path) -> str:
    """Return where events are that could not be accepted, though nobody can read them again, and what to do."""
    from ...definitions import counted

    count = counted(report.unaccepted, "event was", "events were")
    return (
        f"{count} read, could not be accepted, and cannot be read again. {path} has each as `event`, for the "
        f"reason `unsent`. When there is room: jq -c 'select(.reason == \"unsent\").event // empty' {path} | "
        "kable-destination deliver -"
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


def run_output(report: RunReport, redactor: Redactor) -> RunOutput:
    """Return the counts of a run as commands print them with --json, with every secret masked."""
    import msgspec

    from .json_outputs.deliver import RunOutput

    return msgspec.convert(redactor.value(report.as_json()), RunOutput)

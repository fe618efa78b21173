"""How the outcome of `audience sync` is shown: as text, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .audience_state import movement_output, movement_text
from .output import echo, echo_lines, inform, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...definitions import Destination, Redactor
    from ..audience.changes import Change
    from ..audience.sending import Sent
    from ..configuration.configuration import Configuration
    from ..delivery.run_report import RunReport
    from .json_outputs.audience import AudienceSyncOutput, MemberChange, RefusedMembers
    from .synced import Synced

_MOST_CHANGES = 1_000
_MOST_REFUSED_SHOWN = 5


def print_dry_run(synced: Synced, configuration: Configuration, *, as_json: bool) -> None:
    """Print who would enter and leave."""
    if as_json:
        from .json_output import print_output

        print_output(_output(synced, None, configuration))
        return
    for page in synced.comparison.changes.pages():
        echo_lines(map(_line, page))
    for line in _told(synced):
        echo(line, err=True)
    inform(f"would be: {movement_text(synced.comparison.changes.movement)}; nothing was changed", error=True)


def print_synced(
    synced: Synced,
    report: RunReport,
    destination: Destination,
    configuration: Configuration,
    report_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Write the report, and print what a sync did. What cannot be shown changes nothing: it is done."""
    from ..outbox import outbox_name
    from .output import json_text
    from .report_file import write_report
    from .run_outcome import kept_in_outbox, warnings, why_stopped

    redactor = destination.redactor
    failure = write_report(report_file, report)
    if synced.ended is not None:
        say(why_stopped(synced.ended, report, redactor), error=True)
    for warning in warnings(report, destination.definition.name):
        say(f"warning: {warning}", error=True)
    if as_json:
        say(json_text(_output(synced, report, configuration, destination)))
    else:
        kept = kept_in_outbox(report, outbox_name(configuration.delivery))
        for line in filter(None, (*_told(synced), *report.summary().splitlines(), *kept, report.last_errors)):
            inform(redactor.text(line))
    _warn(synced, redactor)
    if failure is not None:
        say(f"error: {failure}", error=True)


def _warn(synced: Synced, redactor: Redactor) -> None:
    """Say who was not sent, and whether something is left to do."""
    if synced.sent is None:
        return
    for line in refused_lines(synced.sent):
        say(f"warning: {redactor.text(line)}", error=True)
    if not synced.sent.is_complete:
        say("the sync is not complete; run the same command again, and it continues", error=True)


def refused_lines(sent: Sent) -> Iterator[str]:
    """Yield a line for each reason why the events of members were rejected."""
    from ...definitions import counted

    for message, count in sent.refused.most_common(_MOST_REFUSED_SHOWN):
        yield f"{counted(count, 'member')} not sent, such as {sent.examples[message]}: {message}"
    if len(sent.refused) > _MOST_REFUSED_SHOWN:
        yield f"{sent.refused.total():,} members not sent in all; the next sync tries them again"


def refused_output(sent: Sent | None, destination: Destination | None) -> list[RefusedMembers]:
    """Return what was rejected as JSON shows it, with every secret masked."""
    from .json_outputs.audience import RefusedMembers

    if sent is None or destination is None:
        return []
    text = destination.redactor.text
    return [
        RefusedMembers(message=text(message), members=count, example=text(sent.examples[message]))
        for message, count in sent.refused.most_common()
    ]


def _told(synced: Synced) -> Iterator[str]:
    from ...definitions import counted

    members, audience, comparison = synced.members, synced.audience, synced.comparison
    kind = "audience" if audience.kind == "audience" else "computed trait"
    yield f"{kind} {audience.name} ({audience.key}), sync {audience.sync:,}"
    notes = [f"{counted(members.rows, 'row')} in {members.name}"]
    notes += [counted(members.duplicates, "duplicate")] if members.duplicates else []
    notes += [f"{members.without_value:,} without a value"] if members.without_value else []
    yield " · ".join(notes)
    moved = comparison.changes.movement if synced.sent is None else synced.sent.movement
    yield f"{movement_text(moved)}, {comparison.unchanged:,} unchanged"


def _line(change: Change) -> str:
    """Return a change as a line: + enters, - leaves, ~ gets another value."""
    member, value, before = change.member.decode(), change.value, change.before
    if value is None:
        return f"- {member}"
    shown = "" if value == b"true" else f" {value.decode()}"
    return f"+ {member}{shown}" if before is None else f"~ {member} {before.decode()} → {value.decode()}"


def _output(
    synced: Synced, report: RunReport | None, configuration: Configuration, destination: Destination | None = None
) -> AudienceSyncOutput:
    from ..outbox import outbox_name
    from ..queues.contract import Movement
    from .json_outputs.audience import AudienceSyncOutput, ListOutput
    from .run_outcome import run_output, why_stopped

    members, audience, sent, ended = synced.members, synced.audience, synced.sent, synced.ended
    told = None if report is None or destination is None else (report, destination.redactor)
    return AudienceSyncOutput(
        audience=audience.name,
        trait=audience.key,
        sync=audience.sync,
        dry_run=sent is None,
        list=ListOutput(
            name=members.name, rows=members.rows, duplicates=members.duplicates, without_value=members.without_value
        ),
        members=synced.comparison.before,
        unchanged=synced.comparison.unchanged,
        difference=movement_output(synced.comparison.changes.movement),
        put=movement_output(Movement() if sent is None else sent.movement),
        refused=refused_output(sent, destination),
        complete=sent is not None and sent.is_complete,
        changes=_first_changes(synced) if sent is None else [],
        run=None if told is None else run_output(*told),
        outbox=outbox_name(configuration.delivery),
        ended=None if told is None or ended is None else why_stopped(ended, *told),
        next_retry=None if report is None or report.next_due is None else report.next_due.timestamp(),
    )


def _first_changes(synced: Synced) -> list[MemberChange]:
    from .json_outputs.audience import MemberChange

    changes: list[Change] = []
    for page in synced.comparison.changes.pages():
        changes += page
        if len(changes) >= _MOST_CHANGES:
            break
    return [
        MemberChange(
            member=change.member.decode(),
            value=None if change.value is None else change.value.decode(),
            before=None if change.before is None else change.before.decode(),
        )
        for change in changes[:_MOST_CHANGES]
    ]

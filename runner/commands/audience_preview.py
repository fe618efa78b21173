"""What `audience preview` shows: the first event of each kind that a sync would send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .exit_codes import OK
from .output import echo_whole, inform

if TYPE_CHECKING:
    from ..audience.changes import Change, ChangeFile
    from ..configuration.configuration import Configuration
    from .audience_options import Wanted
    from .json_outputs.audience import PreviewedEvent

Kind = Literal["enters", "leaves", "changes"]


def preview(configuration: Configuration, wanted: Wanted, *, as_json: bool) -> int:
    """Show events, and what the destination makes of them."""
    from ...definitions import read_event, visible_json
    from ..audience.changes import ChangeFile
    from ..audience.events import EventMaker
    from ..audience.sorting import LineSorter
    from ..delivery.clock import SystemClock
    from .previewing import preview_output, preview_text
    from .syncing import compare_only, prepared, read_list

    destination = prepared(configuration, wanted)
    with LineSorter() as sorter, ChangeFile() as changes:
        members = read_list(wanted.source(), sorter)
        synced = compare_only(configuration, destination, wanted, members, changes)
        first = _first_of_each_kind(changes)
    maker = EventMaker(destination, synced.audience, SystemClock().now())
    shown: list[PreviewedEvent] = []
    for kind, change in first.items():
        event = maker.event(change)
        if as_json:
            from .json_outputs.audience import PreviewedEvent

            told = preview_output(destination, read_event(event))
            shown.append(PreviewedEvent(change=kind, event=destination.redactor.text(event.decode()), preview=told))
            continue
        text = preview_text(destination, configuration.destination_name, read_event(event))
        echo_whole(f"{change.member.decode()} {kind}:\n{visible_json(event.decode())}\n\n{text}\n")
    if as_json:
        from .json_output import print_output
        from .json_outputs.audience import AudiencePreviewOutput

        print_output(AudiencePreviewOutput(audience=synced.audience.name, trait=synced.audience.key, events=shown))
    elif not first:
        inform("nothing would be sent: all members are as they were")
    return OK


def _first_of_each_kind(changes: ChangeFile) -> dict[Kind, Change]:
    found: dict[Kind, Change] = {}
    for page in changes.pages():
        for change in page:
            kind: Kind = "enters" if change.before is None else "leaves" if change.value is None else "changes"
            found.setdefault(kind, change)
    return found

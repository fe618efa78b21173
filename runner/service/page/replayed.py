"""What the page says about a replay: how many events are sent again, and why the others stay dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ....definitions import counted, shortened, visible
from .messages import Message, Place

if TYPE_CHECKING:
    from ...delivery.correcting import Correction, Obstruction
    from ...delivery.replay import Obstacle, ReplayReport

_LONGEST_MESSAGE = 2_000
_MOST_REJECTIONS = 20

_STAYING: dict[Obstacle, str] = {
    "of another account": "The settings of their account are not part of the configuration.",
    "unreadable": "Their text is not an event. Correct it first.",
    "rejected again": "They were rejected again. Correct the event, or the mapping.",
    "not wanted any more": "No trigger wants them any more. Correct the event or the trigger, or discard them.",
}
_UNCORRECTED: dict[Obstruction, str] = {
    "rejected again": "The event was rejected again.",
    "not wanted any more": "No subscription wants the event",
    "known by its ID": (
        "An event with this ID is queued already, or was delivered. If this is another event, give it an ID of its "
        "own; if not, discard this dead letter."
    ),
    "known with other content": (
        "The ID came before, with other content. If this is another event, give it an ID of its own; if not, discard "
        "this dead letter."
    ),
    "too old": (
        "The event is older than keepIds, so it may have been sent before. To send it anyway, set allowOld in the "
        "configuration."
    ),
}


class Rejection(Message, frozen=True, kw_only=True):
    """Why dead letters are rejected again: the message, how many there are, the ID of one, and the fields at fault."""

    message: str
    count: int
    example: int
    problems: list[Place] = msgspec.field(default_factory=list)


class Staying(Message, frozen=True, kw_only=True):
    """Dead letters that stay: how many, and what to do about it."""

    count: int
    advice: str


class Replayed(Message, frozen=True, kw_only=True):
    """What happened to dead letters.

    `queued` counts those that are sent again. `known` are not dead letters any more: the outbox has their events
    under the same ID, queued or delivered. `gone` were replayed or discarded by somebody else. `stay` is left. `next`
    is `after` of the next request, or null if nothing is left to do. `message` sums it up for people.
    """

    queued: int
    known: int
    gone: int
    stay: list[Staying]
    rejections: list[Rejection]
    next: int | None
    message: str


def replayed(report: ReplayReport, gone: int, following: int | None, *, is_sent_here: bool) -> Replayed:
    """Return what a replay did."""
    counts = report.counts
    known = counts["queued before"] + counts["delivered before"]
    gone += counts["gone"]
    stay = [Staying(count=counts[what], advice=advice) for what, advice in _STAYING.items() if counts[what]]
    rejections = [
        Rejection(message=_words(message), count=count, example=report.examples[message])
        for message, count in report.rejections.most_common(_MOST_REJECTIONS)
    ]
    return Replayed(
        queued=counts["queued"],
        known=known,
        gone=gone,
        stay=stay,
        rejections=rejections,
        next=following,
        message=_summary(counts["queued"], known, gone, sum(each.count for each in stay), is_sent_here=is_sent_here),
    )


def corrected(correction: Correction, number: int, *, is_sent_here: bool) -> Replayed:
    """Return what a correction did."""
    stay, rejections = list[Staying](), list[Rejection]()
    message = _summary(correction.queued, 0, 0, 0, is_sent_here=is_sent_here)
    if correction.obstruction is not None:
        advice = _UNCORRECTED[correction.obstruction]
        if correction.obstruction == "not wanted any more":
            advice += f": {_words(correction.detail)}." if correction.detail else "."
        stay.append(Staying(count=1, advice=advice))
        message = f"{message} {advice}" if correction.queued else advice
    if (error := correction.error) is not None:
        problems = [Place(place=problem.place, message=_words(problem.message)) for problem in error.problems]
        rejections.append(Rejection(message=_words(error.message), count=1, example=number, problems=problems))
    return Replayed(
        queued=correction.queued, known=0, gone=0, stay=stay, rejections=rejections, next=None, message=message
    )


def _summary(queued: int, known: int, gone: int, stay: int, *, is_sent_here: bool) -> str:
    told = []
    if queued:
        them = "it" if queued == 1 else "them"
        when = "being sent" if is_sent_here else f"queued; the next delivery sends {them}"
        told.append(f"{counted(queued, 'event')} {'is' if queued == 1 else 'are'} {when}.")
    if known:
        told.append(f"{counted(known, 'event')} the outbox had under the same ID, so nothing is sent twice.")
    if gone:
        told.append(f"{counted(gone, 'dead letter')} had gone before.")
    if stay:
        told.append(f"{counted(stay, 'dead letter')} {'stays' if stay == 1 else 'stay'}.")
    return " ".join(told) or "There was nothing to replay."


def _words(text: str) -> str:
    return shortened(visible(text), _LONGEST_MESSAGE)

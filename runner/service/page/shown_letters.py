"""Dead letters as the page shows them: in groups, in a list, or one whole with what was sent of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ....definitions import (
    DestinationError,
    UnreadableError,
    indented_json,
    read_event,
    shortened,
    shown_request,
    visible,
    visible_json,
)
from ...configuration.targets import environment_of
from ...delivery.replay import batch_of
from .letter_selection import group_key
from .messages import Message, Place, RequestShown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....definitions import Destination, DestinationDefinition, Redactor
    from ...queues.contract import DeadLetterGroup, KeptDeadLetter

MOST_TEXT_BYTES = 1_000_000
"""Longer events and payloads are shown in part, and cannot be edited here."""

_LONGEST_MESSAGE = 2_000


class LetterGroup(Message, frozen=True, kw_only=True):
    """Dead letters with the same reason and message. `lastId` is the newest; moments are seconds since 1970."""

    key: str
    reason: str
    message: str
    count: int
    first_at: float
    last_at: float
    last_id: int


class LetterSummary(Message, frozen=True, kw_only=True):
    """A dead letter in a list. `line` is the line of a file, or the offset or number in another source.

    `environment` is null if the host of the account does not say which it is.
    """

    id: int
    at: float
    reason: str
    message: str
    account: str
    environment: str | None
    is_live: bool
    action: str | None
    subscription: str | None
    source: str
    line: int
    item: int | None
    status: int | None


class LettersShown(Message, frozen=True, kw_only=True):
    """Groups of dead letters, the largest first, and some letters, the newest first.

    `counts` has all, by the reason. `next` is `before` of the next request, or null if there are no more.
    """

    counts: dict[str, int]
    groups: list[LetterGroup]
    groups_left_out: int
    letters: list[LetterSummary]
    next: int | None


class LetterShown(Message, frozen=True, kw_only=True):
    """One dead letter whole.

    `event` is its text, indented if it is JSON, and null if the outbox has none. `payload` is what was sent of it.
    `request` is the request with this event alone, null if none was made. `whyNotEdit` and `whyNotReplay` are null if
    that is possible. `target` is where a replay goes.
    """

    letter: LetterSummary
    problems: list[Place]
    request_id: str | None
    event: str | None
    payload: str | None
    request: RequestShown | None
    target: str | None
    is_sent_here: bool
    why_not_edit: str | None
    why_not_replay: str | None


def shown_group(group: DeadLetterGroup) -> LetterGroup:
    """Return a group as the page shows it."""
    return LetterGroup(
        key=group_key(group),
        reason=group.reason,
        message=_words(group.message),
        count=group.count,
        first_at=group.first_at,
        last_at=group.last_at,
        last_id=group.ids[-1],
    )


def summary(kept: KeptDeadLetter, definition: DestinationDefinition) -> LetterSummary:
    """Return a dead letter as a list shows it."""
    letter = kept.letter
    environment = environment_of(letter.account, definition)
    return LetterSummary(
        id=kept.id,
        at=kept.at,
        reason=letter.reason,
        message=_words(letter.message),
        account=letter.account,
        environment=None if environment is None else environment.name,
        is_live=environment is not None and environment.is_live,
        action=letter.action,
        subscription=letter.subscription,
        source=visible(letter.origin.source),
        line=letter.origin.line,
        item=letter.origin.item,
        status=letter.status_code,
    )


def shown_letter(
    kept: KeptDeadLetter,
    definition: DestinationDefinition,
    destination: Destination | None,
    redactors: Sequence[Redactor],
    *,
    is_sent_here: bool,
) -> LetterShown:
    """Return a dead letter whole, with every secret masked. Without a destination it cannot be replayed."""
    letter = kept.letter
    event = None if letter.event is None else _text(letter.event, redactors)
    return LetterShown(
        letter=summary(kept, definition),
        problems=[Place(place=problem.place, message=_words(problem.message)) for problem in letter.problems],
        request_id=letter.request_id,
        event=event,
        payload=None if letter.payload is None else _text(letter.payload, redactors),
        request=None if destination is None else _request(kept, destination),
        target=None if destination is None else destination.target,
        is_sent_here=is_sent_here,
        why_not_edit=_why_not_edit(kept, destination, redactors),
        why_not_replay=_why_not_replay(kept, destination),
    )


def has_secret(text: bytes, redactors: Sequence[Redactor]) -> bool:
    """Return whether a text holds a secret, so it is shown masked, and would be another text if it came back."""
    plain = text.decode("utf-8", "backslashreplace")
    return any(redactor.text(plain) != plain for redactor in redactors)


def _text(text: bytes, redactors: Sequence[Redactor]) -> str:
    """Return a text to show: indented if it is JSON, masked, without what would not print."""
    try:
        # Numbers stay as they were written.
        plain = msgspec.json.format(text, indent=2).decode("utf-8", "backslashreplace")
    except (msgspec.DecodeError, RecursionError):
        plain = text.decode("utf-8", "backslashreplace").replace("\r\n", "\n").replace("\t", "    ")
    for redactor in redactors:
        plain = redactor.text(plain)
    return shortened(visible_json(plain), MOST_TEXT_BYTES)


def _request(kept: KeptDeadLetter, destination: Destination) -> RequestShown | None:
    """Return the request with this event alone, made again from what was sent of it; None if there was none."""
    letter = kept.letter
    if letter.payload is None or letter.action is None:
        return None
    try:
        planned = destination.request_for(batch_of(destination, kept))
        shown: dict[str, Any] = shown_request(planned.request, destination.redactor)
    except (DestinationError, ValueError, RecursionError):
        # The action is gone, or the row in the outbox is damaged.
        return None
    body = shortened(indented_json(shown["body"]), MOST_TEXT_BYTES)
    return RequestShown(method=shown["method"], url=shown["url"], headers=shown["headers"], body=body)


def _why_not_edit(kept: KeptDeadLetter, destination: Destination | None, redactors: Sequence[Redactor]) -> str | None:
    letter = kept.letter
    if letter.event is None:
        return "The outbox has no text of this event. Correct its source, deliver it, and discard this dead letter."
    if destination is None:
        return _NOT_KNOWN
    if has_secret(letter.event, redactors):
        return (
            "The event holds a secret of this configuration, which is masked here. Correct its source and deliver it."
        )
    if len(letter.event) > MOST_TEXT_BYTES:
        return f"The event is larger than {MOST_TEXT_BYTES // 1_000_000} MB. Use: kable-destination dead-letters export"
    return None


def _why_not_replay(kept: KeptDeadLetter, destination: Destination | None) -> str | None:
    letter = kept.letter
    if destination is None:
        return _NOT_KNOWN
    if letter.event is None:
        return "The outbox has no text of this event."
    if letter.reason == "unreadable" or not _is_event(letter.event):
        return "This text is not an event, so it must be corrected first."
    return None


def _is_event(text: bytes) -> bool:
    try:
        read_event(text)
    except UnreadableError:
        return False
    return True


def _words(text: str) -> str:
    return shortened(visible(text), _LONGEST_MESSAGE)


_NOT_KNOWN = "The settings of this account are not part of the configuration, so its events cannot be sent from here."

"""Rows of dead letters. A damaged one is read as a dead letter that says so, since it must not hide the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from ....definitions import Problem
from ...sources.contract import Origin
from ..contract import DeadLetter, KeptDeadLetter
from ..stored.letter_groups import group_of
from .statements import decoded, decoded_or_none, encoded, encoded_or_none

if TYPE_CHECKING:
    from ...sources.contract import Unit
    from ..contract import Reason

WRITTEN = (
    "identity, run, at, reason, message, source, place, unit, event, account, action, subscription, key, payload,"
    " problems, status_code, request_id, path, name, size, group_id"
)
READ = (
    "SELECT id, at, reason, message, source, place, unit, event, account, action, subscription, key, payload,"
    " problems, status_code, request_id, path FROM dead_letters"
)
_to_json = msgspec.json.Encoder().encode


def row_of(letter: DeadLetter, identity: bytes, name: bytes | None, run: int, now: float) -> tuple[Any, ...]:
    """Return a dead letter as a row of the columns WRITTEN."""
    source, place, unit = letter.origin
    return (
        identity, run, now, letter.reason, encoded(letter.message), encoded(source), place, unit, letter.event,
        encoded(letter.account), encoded_or_none(letter.action), encoded_or_none(letter.subscription),
        encoded_or_none(letter.key), letter.payload,
        _to_json([[problem.place, problem.message] for problem in letter.problems]), letter.status_code,
        encoded_or_none(letter.request_id), encoded(letter.path), name, letter.size,
        group_of(letter.reason, letter.message, letter.request_id),
    )  # fmt: skip


def letter_of(row: tuple[Any, ...]) -> KeptDeadLetter:
    """Read a dead letter from a row of READ."""
    (
        number, at, reason, message, source, place, unit, event, account, action, subscription, key, payload, problems,
        status_code, request_id, path,
    ) = row  # fmt: skip
    return KeptDeadLetter(
        number,
        at,
        DeadLetter(
            cast("Reason", reason),
            decoded(message),
            Origin(decoded(source), place, cast("Unit", unit)),
            event,
            decoded(account),
            decoded_or_none(action),
            decoded_or_none(subscription),
            decoded_or_none(key),
            payload,
            _problems(problems),
            status_code,
            decoded_or_none(request_id),
            decoded(path),
        ),
    )


def _problems(text: bytes) -> tuple[Problem, ...]:
    """Return the problems of a row; none if they are damaged, since that must not hide the dead letter."""
    try:
        return tuple([Problem(*pair) for pair in cast("list[list[str]]", msgspec.json.decode(text))])
    except (msgspec.DecodeError, TypeError, ValueError):
        return ()

"""Which dead letters a command is about: IDs, filters, and how to ask the outbox for them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from ..configuration.configuration import Configuration
    from ..queues.contract import DeadLetterFilter, DeadLetters

T = TypeVar("T")

LARGEST_ID = 2**63 - 1
"""No store has larger numbers."""

MOST_SHOWN = 10
"""So many IDs are shown of each group."""


class LetterReason(StrEnum):
    """Why an event is a dead letter."""

    UNREADABLE = "unreadable"
    REJECTED = "rejected"
    REFUSED = "refused"
    EXHAUSTED = "exhausted"


IdArgument = Annotated[int, typer.Argument(metavar="ID", help="ID of the dead letter.", min=1, max=LARGEST_ID)]
IdsArgument = Annotated[
    list[int] | None,
    typer.Argument(metavar="ID", help="IDs of dead letters, as `list` shows them.", min=1, max=LARGEST_ID),
]
ReasonOption = Annotated[LetterReason | None, typer.Option("--reason", help="Only dead letters with this reason.")]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="WHEN", help="Only dead letters since this time (2026-03-04T05:06) or this long ago (12h)."
    ),
]


async def ask(
    configuration: Configuration, question: Callable[[DeadLetters], Awaitable[T]], *, read_only: bool = True
) -> T:
    """Ask the dead letters of the outbox. Raises SetupError."""
    from ..outbox import outbox_of

    async with outbox_of(configuration.delivery, read_only=read_only) as queue:
        return await question(queue.dead_letters)


def letter_filter(reason: LetterReason | None, since: str | None, ids: Sequence[int] | None = None) -> DeadLetterFilter:
    """Return the filter of the options. Raises SetupError."""
    from datetime import UTC, datetime

    from ..queues.contract import DeadLetterFilter

    return DeadLetterFilter(
        ids or None,
        None if reason is None else reason.value,
        None if since is None else _time(since, datetime.now(UTC)).timestamp(),
    )


async def chosen_ids(letters: DeadLetters, chosen: DeadLetterFilter) -> list[int]:
    """Return the IDs of the chosen dead letters. Raises SetupError for an ID that is named and not there."""
    from ...definitions import Problem, SetupError
    from ..queues.contract import DeadLetterFilter

    if chosen.ids is not None:
        there = set(await letters.ids(DeadLetterFilter(chosen.ids)))
        if missing := [number for number in dict.fromkeys(chosen.ids) if number not in there]:
            raise SetupError.of([Problem("ID", f"there is no dead letter {shown_ids(missing)}; nothing was changed")])
    return await letters.ids(chosen)


def shown_ids(ids: Sequence[int]) -> str:
    """Return IDs as the commands take them; of very many only the first."""
    shown = " ".join(map(str, ids[:MOST_SHOWN]))
    return f"{shown} and {len(ids) - MOST_SHOWN:,} more" if len(ids) > MOST_SHOWN else shown


def _time(text: str, now: datetime) -> datetime:
    import re
    from datetime import UTC, datetime, timedelta

    from ...definitions import Problem, SetupError

    try:
        if ago := re.fullmatch(r"(\d{1,6})([smhd])", text):
            unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[ago[2]]
            return now - timedelta(**{unit: int(ago[1])})
        moment = datetime.fromisoformat(text)
        # The first and the last day of the calendar have moments that no zone but their own can name.
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        example = "a time such as 2026-03-04T05:06, or 90m, 12h, 3d for how long ago"
        raise SetupError.of([Problem("--since", f'"{text[:40]}" is not a time; write {example}')]) from None

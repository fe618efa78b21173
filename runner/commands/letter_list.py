"""How dead letters are shown: in groups, or one whole."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from .letter_options import shown_ids
from .output import echo, print_json, time_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...definitions import Redactor
    from ..queues.contract import DeadLetterGroup, KeptDeadLetter

_LONGEST_MESSAGE = 300


def print_groups(groups: Sequence[DeadLetterGroup], redactor: Redactor, *, as_json: bool) -> None:
    """Print groups of dead letters."""
    counts: Counter[str] = Counter()
    for group in groups:
        counts[group.reason] += group.count
    if as_json:
        _print_json(groups, counts, redactor)
    elif groups:
        _print_text(groups, counts, redactor)
    else:
        echo("no dead letters")


def _print_text(groups: Sequence[DeadLetterGroup], counts: Counter[str], redactor: Redactor) -> None:
    from ...definitions import shortened

    for group in groups:
        first, last = time_text(group.first_at), time_text(group.last_at)
        echo(f"{group.count:,} {group.reason}, {last if group.count == 1 else f'{first} to {last}'}")
        echo(f"    {shortened(redactor.text(group.message), _LONGEST_MESSAGE)}")
        echo(f"    {'ID' if group.count == 1 else 'IDs'} {shown_ids(group.ids)}")
    echo(f"dead letters: {', '.join(f'{count:,} {reason}' for reason, count in sorted(counts.items()))}")
    echo(f"to look at one: kable-destination dead-letters show {groups[0].ids[-1]}")


def _print_json(groups: Sequence[DeadLetterGroup], counts: Counter[str], redactor: Redactor) -> None:
    from .json_output import print_output
    from .json_outputs.dead_letters import LetterGroup, LettersOutput

    shown = [
        LetterGroup(
            reason=group.reason,
            message=redactor.text(group.message),
            count=group.count,
            first_at=group.first_at,
            last_at=group.last_at,
            ids=[*group.ids],
        )
        for group in groups
    ]
    print_output(LettersOutput(groups=shown, counts=dict(sorted(counts.items()))))


def print_letter(kept: KeptDeadLetter, redactor: Redactor) -> None:
    """Print one dead letter as JSON, with every secret masked."""
    from ..delivery.dead_letter_file import shown
    from .json_outputs.dead_letters import LetterOutput

    letter = kept.letter
    print_json(
        LetterOutput(
            id=kept.id,
            at=kept.at,
            time=time_text(kept.at),
            account=letter.account,
            payload=_shown_payload(letter.payload, redactor),
            **shown(letter, redactor),
        )
    )


def _shown_payload(payload: bytes | None, redactor: Redactor) -> Any:
    """Return a payload as JSON, or as text if it cannot be read or is nested too deeply."""
    import msgspec

    if payload is None:
        return None
    try:
        return redactor.value(msgspec.json.decode(payload))
    except (msgspec.DecodeError, RecursionError, ValueError):
        return redactor.text(payload.decode("utf-8", "backslashreplace"))

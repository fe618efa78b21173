"""Whether two contenders do the same work: what they make is compared by JSON value, all of it, before any timing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contenders import Ours, Peer
    from measures import Measure


class DisagreementError(Exception):
    """The two make different things, so their times cannot be compared."""


def check_agreement(ours: Ours, peer: Peer, measure: Measure) -> int:
    """Compare everything that one pass makes; give how much that is. Raises DisagreementError where it differs."""
    left, right = ours.answers(measure), peer.answers(measure)
    if difference := _difference(left, right, measure.title):
        raise DisagreementError(difference)
    return len(left)


def _difference(ours: Any, peers: Any, place: str) -> str | None:
    if isinstance(ours, dict) and isinstance(peers, dict):
        pairs = ((key, ours.get(key, "(absent)"), peers.get(key, "(absent)")) for key in {**ours, **peers})
        found = (_difference(left, right, f"{place}.{key}") for key, left, right in pairs)
    elif isinstance(ours, list) and isinstance(peers, list) and len(ours) == len(peers):
        rows = enumerate(zip(ours, peers, strict=True))
        found = (_difference(left, right, f"{place}[{index}]") for index, (left, right) in rows)
    elif ours == peers and isinstance(ours, bool) is isinstance(peers, bool):
        return None
    else:
        return f"{place}: python made {_short(ours)}, the peer {_short(peers)}"
    return next((difference for difference in found if difference), None)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"

"""What happens during a delivery, told to whoever listens: logs, metrics and traces are hooks of one shape.

A hook is a function of an Occurrence. It is called where the thing happens, and must neither wait nor raise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "accepted", "attempted", "delivered", "dead", "halved", "postponed", "parked", "slowed", "stopped", "full", "room"
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One thing that happened; what a kind has nothing to say of is left at its default.

    - `accepted`: `events` were put into the queue; `duplicates` were there already under their ids, and were not.
    - `attempted`: a request of `events` was sent and answered (`status`) or not (None), in `seconds`; `attempt` is its
      number for these events, `error` what the answer meant.
    - `delivered`: the destination has `events`.
    - `dead`: `events` became dead letters for `reason`, as `error` tells.
    - `halved`: a refused list of `events` is sent again in two parts.
    - `postponed`: `events` are tried again in `wait` seconds, since `error` happened.
    - `parked`: the same, though the server asked for an absurd time (`asked` seconds).
    - `slowed`: the server is busy; `allowed` requests may be in flight, after a pause of `wait` seconds.
    - `stopped`: nothing more is sent until a person acts, as `error` tells.
    - `full`, `room`: the outbox takes nothing more, as `error` tells; it takes again.
    """

    kind: Kind
    account: str = ""
    action: str = ""
    events: int = 0
    duplicates: int = 0
    attempt: int = 0
    status: int | None = None
    request_id: str | None = None
    seconds: float = 0.0
    wait: float = 0.0
    asked: float = 0.0
    allowed: int = 0
    reason: str = ""
    error: str = ""


Hook = Callable[[Occurrence], None]


def to_all(hooks: tuple[Hook, ...]) -> Hook:
    """Make one hook of several."""

    def tell(occurrence: Occurrence) -> None:
        for hook in hooks:
            hook(occurrence)

    return tell

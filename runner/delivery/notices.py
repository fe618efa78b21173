"""Notices: what happens during a delivery, for observers such as the log, metrics, traces and the progress bar.

An observer is a function of a Notice. It is called where the thing happens, so it must not wait. If it raises, it is
dropped: what is shown never decides what is delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

if TYPE_CHECKING:
    from ..queues.contract import DeadLetter

Kind = Literal[
    "started", "accepted", "attempted", "delivered", "dead", "halved", "postponed", "parked", "slowed", "limits",
    "stopped", "lost", "full", "room", "replaced", "halted", "gap", "lag", "released", "tombstones", "unreachable",
]  # fmt: skip


class Notice(msgspec.Struct, frozen=True, kw_only=True, gc=False):  # two for each request, and cheaper than a dataclass
    """One thing that happened. Attributes that a kind does not use keep their defaults.

    - `started`: events are going to be sent to `host`; `environment` is that of the key, if there are several.
    - `accepted`: `events` were put into the queue; `duplicates` were known by their IDs and were not put again.
    - `attempted`: a request with `events` was sent; `status` is None if there was no response. It took `seconds`.
      `attempt` is its number for these events, `error` what the response means.
    - `delivered`: the destination has `events`.
    - `dead`: an event became a dead letter for `reason`; `error` is the message. It came from the `line` of `file` (or
      the offset or number in another source), where it was the `item` of a batch.
    - `halved`: a refused batch of `events` is sent again in two parts.
    - `postponed`: `events` are sent again in `wait` seconds because of `error`.
    - `parked`: the same, but the server asked for an absurd time (`asked` seconds).
    - `slowed`: the server is busy; the lane pauses for `wait` seconds, then `in_flight` requests may be in flight.
    - `limits`: `in_flight` requests may be in flight now, and `per_second` be sent (None: any number).
    - `stopped`: nothing more is sent until a person acts; `error` says what to do.
    - `lost`: the lease of `events` ended while they were sent, so another process has them.
    - `full`: the queue accepts no more events, as `error` says. `room`: it takes more again.
    - `halted`: a part of a source (`file`) is not read until a person acts; `error` says why.
    - `gap`: a part of a source continues although Kafka has lost `events` of it (0: nobody knows how many).
    - `lag`: how many `events` of a part of a source are not read yet.
    - `released`: this process reads a part of a source (`file`) no more; another one may.
    - `tombstones`: how many messages (`events`) had no value; they are only counted.
    - `unreachable`: a source does not answer, as `error` says; it is tried again.
    - `replaced`: another planner takes the place of one that has ended; `error` says which events it was planning.
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
    in_flight: int = 0
    per_second: float | None = None
    reason: str = ""
    error: str = ""
    file: str = ""
    line: int | None = None
    item: int | None = None
    environment: str = ""
    host: str = ""


def dead_notice(letter: DeadLetter) -> Notice:
    """Return the notice of a dead letter."""
    origin = letter.origin
    return Notice(
        kind="dead",
        account=letter.account,
        action=letter.action or "",
        events=1,
        reason=letter.reason,
        error=letter.message,
        file=origin.source,
        line=origin.line,
        item=origin.item,
    )


Observer = Callable[[Notice], None]

KINDS: tuple[Kind, ...] = get_args(Kind)


class Only:
    """An observer of a few kinds of notices; it is not called with the others."""

    def __init__(self, observer: Observer, *kinds: Kind) -> None:
        self.kinds = kinds
        self._observer = observer

    def __call__(self, notice: Notice) -> None:
        """Pass on a notice of one of the kinds."""
        if notice.kind in self.kinds:
            self._observer(notice)


def to_all(observers: Sequence[Observer]) -> Observer:
    """Return one observer that calls several, and drops each that raises."""
    by_kind: dict[Kind, list[Observer]] = {kind: [] for kind in KINDS}
    for observer in observers:
        for kind in observer.kinds if isinstance(observer, Only) else KINDS:
            by_kind[kind].append(observer)

    def drop(observer: Observer) -> None:
        for left in by_kind.values():
            if observer in left:
                left.remove(observer)

    def notify(notice: Notice) -> None:
        for observer in (*by_kind[notice.kind],):
            try:
                observer(notice)
            except Exception:  # noqa: BLE001 - a closed terminal or a full disk must not stop a delivery
                drop(observer)

    return notify

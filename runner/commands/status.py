"""The command `status`: what the outbox holds, lane by lane."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from ..queues.sqlite import Choice
from .dead_letters import inspection, outbox_path, redactor_of, told
from .exit_codes import OK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...definitions import Redactor
    from ..configuration.configuration import Configuration
    from ..queues.sqlite import LaneState

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def status(configuration: Configuration, *, as_json: bool) -> int:
    """Print what waits, what is being sent, what is dead and why, how fast it goes, and what went wrong last."""
    now, redactor = time.time(), redactor_of(configuration)
    with inspection(configuration) as opened:
        lanes = [_masked(lane, redactor) for lane in opened.lanes(now)]
        groups = opened.groups(Choice())
    dead: Counter[str] = Counter()
    for group in groups:
        dead[group.reason] += group.count
    if as_json:
        about = {"outbox": str(outbox_path(configuration)), "lanes": [asdict(lane) for lane in lanes], "dead": dead}
        print(msgspec.json.format(msgspec.json.encode(about), indent=2).decode())  # noqa: T201 - the command's output
        return OK
    console = Console(markup=False, highlight=False, soft_wrap=True)
    queued, leased = sum(lane.queued for lane in lanes), sum(lane.leased for lane in lanes)
    counts = f"{queued:,} queued, {leased:,} of them being sent · {dead.total():,} dead letters"
    console.print(f"{outbox_path(configuration)}: {counts}")
    for lane in lanes:
        for line in _about(lane, now):
            console.print(line)
    if dead:
        counts = ", ".join(f"{count:,} {reason}" for reason, count in sorted(dead.items()))
        console.print(f"dead letters: {counts} (kable-destination dead-letters list)")
    return OK


def _masked(lane: LaneState, redactor: Redactor) -> LaneState:
    """Mask the secrets of the settings in the last error: they may be others than when it was kept."""
    return lane if lane.error is None else replace(lane, error=redactor.text(lane.error))


def _about(lane: LaneState, now: float) -> Iterator[str]:
    yield f"{lane.account}, {lane.action}:"
    if lane.queued:
        yield f"  {lane.queued:,} queued in {lane.batches:,} batches, {lane.leased:,} being sent{_due(lane, now)}"
    if lane.oldest_at is not None:
        yield f"  the oldest was accepted {_span(now - lane.oldest_at)} ago"
    last = "" if lane.delivered_at is None else f", the last {_span(now - lane.delivered_at)} ago"
    yield f"  {lane.delivered:,} delivered{last}; {lane.per_minute:,.0f} a minute in the last 5 minutes"
    if lane.error is not None and lane.error_at is not None:
        yield f"  last error, {told(lane.error_at)}: {lane.error}"
    if lane.stopped:
        yield "  stopped: it goes on with the next deliver, once the cause is mended"


def _due(lane: LaneState, now: float) -> str:
    if lane.next_due is None:
        return ""
    return "; due now" if lane.next_due <= now else f"; the next is due in {_span(lane.next_due - now)}"


def _span(seconds: float) -> str:
    """Write a time span in its largest unit and the next."""
    left = max(0, round(seconds))
    for size, unit in _UNITS:
        if left >= size:
            return f"{left / size:.1f} {unit}"
    return f"{left} s"

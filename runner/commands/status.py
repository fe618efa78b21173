"""The command `status`."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import OK, exits
from .options import ConfigOption, OutboxOption
from .output import plain_console, print_json, time_text

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from ...definitions import Redactor
    from ..queues.sqlite import LaneState

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@exits
def status(
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Show what the outbox holds.

    For each lane: queued events, the next retry, the speed and the last error; then the dead letters by reason.
    """
    from collections import Counter

    from ..configuration.configuration import Configuration
    from ..inspection import inspection, outbox_path, redactor_of
    from ..queues.sqlite import Choice

    configuration = Configuration(config, environment=os.environ, delivery={"outbox": outbox})
    now, redactor = time.time(), redactor_of(configuration)
    with inspection(configuration) as opened:
        lanes = [_masked(lane, redactor) for lane in opened.lanes(now)]
        groups = opened.groups(Choice())
    dead: Counter[str] = Counter()
    for group in groups:
        dead[group.reason] += group.count
    path = str(outbox_path(configuration))
    if as_json:
        print_json({"outbox": path, "lanes": [asdict(lane) for lane in lanes], "dead": dead})
    else:
        _print_lanes(path, lanes, dead, now)
    return OK


def _masked(lane: LaneState, redactor: Redactor) -> LaneState:
    """Mask the secrets in the last error: the settings may have changed since it was kept."""
    return lane if lane.error is None else replace(lane, error=redactor.text(lane.error))


def _print_lanes(path: str, lanes: list[LaneState], dead: Counter[str], now: float) -> None:
    console = plain_console()
    queued, leased = sum(lane.queued for lane in lanes), sum(lane.leased for lane in lanes)
    console.print(f"{path}: {queued:,} queued, {leased:,} of them being sent · {dead.total():,} dead letters")
    for lane in lanes:
        for line in _lane(lane, now):
            console.print(line)
    if dead:
        counts = ", ".join(f"{count:,} {reason}" for reason, count in sorted(dead.items()))
        console.print(f"dead letters: {counts} (kable-destination dead-letters list)")


def _lane(lane: LaneState, now: float) -> Iterator[str]:
    yield f"{lane.account}, {lane.action}:"
    if lane.queued:
        yield f"  {lane.queued:,} queued in {lane.batches:,} batches, {lane.leased:,} being sent{_due(lane, now)}"
    if lane.oldest_at is not None:
        yield f"  the oldest was accepted {_span(now - lane.oldest_at)} ago"
    last = "" if lane.delivered_at is None else f", the last {_span(now - lane.delivered_at)} ago"
    yield f"  {lane.delivered:,} delivered{last}; {lane.per_minute:,.0f} a minute in the last 5 minutes"
    if lane.error is not None and lane.error_at is not None:
        yield f"  last error, {time_text(lane.error_at)}: {lane.error}"
    if lane.stopped:
        yield "  stopped: fix the cause, then run deliver again"


def _due(lane: LaneState, now: float) -> str:
    if lane.next_due is None:
        return ""
    return "; due now" if lane.next_due <= now else f"; the next is due in {_span(lane.next_due - now)}"


def _span(seconds: float) -> str:
    """Return a time span in the largest unit that fits, with one decimal."""
    left = max(0, round(seconds))
    for size, unit in _UNITS:
        if left >= size:
            return f"{left / size:.1f} {unit}"
    return f"{left} s"

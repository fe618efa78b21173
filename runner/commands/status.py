"""The command `status`."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import OK, exits
from .options import ConfigOption, OutboxOption
from .output import echo, print_json, time_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...definitions import Redactor
    from ..queues.contract import Lane, LaneStatus, QueueStatus
    from ..session import Limits

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
    import asyncio

    from ..configuration.configuration import Configuration
    from ..session import limits_of, outbox_name, outbox_of

    configuration = Configuration(config, environment=os.environ, delivery={"outbox": outbox})
    redactor = configuration.redactor()

    async def read() -> tuple[QueueStatus, Mapping[Lane, Limits]]:
        async with outbox_of(configuration.delivery, read_only=True) as queue:
            return await queue.status(), await limits_of(queue)

    found, limits = asyncio.run(read())
    found = replace(found, lanes=[_masked(lane, redactor) for lane in found.lanes])
    path = outbox_name(configuration.delivery)
    if as_json:
        lanes = [{**asdict(lane), "limits": _limits_json(limits.get(_key(lane)))} for lane in found.lanes]
        print_json(
            {"outbox": path, "lanes": lanes, "dead": found.dead, "bytes": found.bytes, "known_ids": found.known_ids}
        )
    else:
        _print_lanes(path, found, limits)
    return OK


def _key(lane: LaneStatus) -> Lane:
    from ..queues.contract import Lane

    return Lane(lane.account, lane.action)


def _limits_json(limits: Limits | None) -> dict[str, float | None] | None:
    return None if limits is None else {"in_flight": limits.in_flight, "per_second": limits.per_second}


def _masked(lane: LaneStatus, redactor: Redactor) -> LaneStatus:
    """Mask the secrets in the last error: the settings may have changed since it was kept."""
    return lane if lane.error is None else replace(lane, error=redactor.text(lane.error))


def _print_lanes(path: str, found: QueueStatus, limits: Mapping[Lane, Limits]) -> None:
    from ...definitions import counted

    now = time.time()
    queued, leased = sum(lane.queued for lane in found.lanes), sum(lane.leased for lane in found.lanes)
    dead = sum(found.dead.values())
    echo(f"{path}: {queued:,} queued, {leased:,} of them being sent · {counted(dead, 'dead letter')}")
    echo(f"{found.bytes / 1e6:,.1f} MB on disk, {counted(found.known_ids, 'ID')} remembered")
    for lane in found.lanes:
        for line in _lane(lane, limits.get(_key(lane)), now):
            echo(line)
    if dead:
        counts = ", ".join(f"{count:,} {reason}" for reason, count in sorted(found.dead.items()))
        echo(f"dead letters: {counts} (kable-destination dead-letters list)")


def _lane(lane: LaneStatus, limits: Limits | None, now: float) -> Iterator[str]:
    from ...definitions import counted

    yield f"{lane.account}, {lane.action}:"
    if lane.queued:
        batches = counted(lane.batches, "batch", "batches")
        yield f"  {lane.queued:,} queued in {batches}, {lane.leased:,} being sent{_due(lane, now)}"
    if lane.oldest_at is not None:
        yield f"  the oldest was accepted {_span(now - lane.oldest_at)} ago"
    last = "" if lane.delivered_at is None else f", the last {_span(now - lane.delivered_at)} ago"
    yield f"  {lane.delivered:,} delivered{last}; {lane.per_minute:,.0f} a minute in the last 5 minutes"
    if limits is not None:
        rate = "any number" if limits.per_second is None else f"{limits.per_second:,.3g}"
        yield f"  limits: {counted(limits.in_flight, 'request')} in flight, {rate} a second"
    if lane.error is not None and lane.error_at is not None:
        yield f"  last error, {time_text(lane.error_at)}: {lane.error}"
    if lane.stopped:
        yield "  stopped: fix the cause, then run deliver again"


def _due(lane: LaneStatus, now: float) -> str:
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

"""The command `status`."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from .exit_codes import OK, exits
from .options import ConfigOption, JsonOption, OutboxOption
from .output import echo, echo_lines, time_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...definitions import Redactor
    from ..outbox import Limits
    from ..queues.contract import Lane, LaneStatus, QueueStatus

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@exits
def status(
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show what the outbox holds.

    For each lane: queued events, the next retry, the speed and the last error; then the dead letters by reason.
    """
    import asyncio

    from ..configuration.targets import environment_of
    from ..outbox import kept_id_days, limits_of, outbox_name, outbox_of
    from ..sources.kafka.checkpoints import HALTED_PREFIX, halted_in
    from .configured import configured

    configuration = configured(config, outbox=outbox)
    redactor = configuration.redactor()

    async def read() -> tuple[QueueStatus, Mapping[Lane, Limits], Mapping[str, str]]:
        async with outbox_of(configuration.delivery, read_only=True) as queue:
            return await queue.status(), await limits_of(queue), halted_in(await queue.records(HALTED_PREFIX))

    found, limits, halted = asyncio.run(read())
    found = replace(found, lanes=[_masked(lane, redactor) for lane in found.lanes])
    path = outbox_name(configuration.delivery)
    environments = {lane.account: environment_of(lane.account, configuration.definition) for lane in found.lanes}
    names = {account: None if found is None else found.name for account, found in environments.items()}
    if as_json:
        _print_json(path, found, limits, names, halted)
    else:
        _print_lanes(path, found, limits, names, kept_id_days(configuration.delivery))
        for name, reason in halted.items():
            echo(f"{name} is not read: {reason}")
    return OK


def _key(lane: LaneStatus) -> Lane:
    from ..queues.contract import Lane

    return Lane(lane.account, lane.action)


def _print_json(
    path: str,
    found: QueueStatus,
    limits: Mapping[Lane, Limits],
    environments: Mapping[str, str | None],
    halted: Mapping[str, str],
) -> None:
    from .json_output import print_output
    from .json_outputs.status import LaneLimits, LaneOutput, StatusOutput

    lanes = []
    for lane in found.lanes:
        found_limits = limits.get(_key(lane))
        shown = None if found_limits is None else LaneLimits(**asdict(found_limits))
        lanes.append(LaneOutput(**asdict(lane), environment=environments[lane.account], limits=shown))
    dead = {str(reason): count for reason, count in found.dead.items()}
    print_output(
        StatusOutput(
            outbox=path, lanes=lanes, dead=dead, bytes=found.bytes, known_ids=found.known_ids, halted=dict(halted)
        )
    )


def _masked(lane: LaneStatus, redactor: Redactor) -> LaneStatus:
    """Mask the secrets in the last error: the settings may have changed since it was kept."""
    return lane if lane.error is None else replace(lane, error=redactor.text(lane.error))


def _print_lanes(
    path: str, found: QueueStatus, limits: Mapping[Lane, Limits], environments: Mapping[str, str | None], days: float
) -> None:
    from ...definitions import counted

    now = time.time()
    queued, leased = sum(lane.queued for lane in found.lanes), sum(lane.leased for lane in found.lanes)
    dead = sum(found.dead.values())
    echo(f"{path}: {queued:,} queued, {leased:,} of them being sent · {counted(dead, 'dead letter')}")
    echo(f"{found.bytes / 1e6:,.1f} MB on disk, {counted(found.known_ids, 'ID')} remembered, each for {days:g} days")
    for lane in found.lanes:
        echo_lines(_lane(lane, environments[lane.account], limits.get(_key(lane)), now))
    if dead:
        counts = ", ".join(f"{count:,} {reason}" for reason, count in sorted(found.dead.items()))
        echo(f"dead letters: {counts} (kable-destination dead-letters list)")


def _lane(lane: LaneStatus, environment: str | None, limits: Limits | None, now: float) -> Iterator[str]:
    from ...definitions import counted

    yield f"{lane.account}, {lane.action}{f', {environment}' if environment else ''}:"
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

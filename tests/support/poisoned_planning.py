"""A program that has chunks planned by processes of which some go wrong, and prints what became of that as JSON.

python poisoned_planning.py MODE: the event "poison" kills its planner `once` or `always`, or makes it `hang` or `grow`
once; with `none` it does nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kable_destination.definitions import (
    ActionDefinition,
    BatchLimits,
    Destination,
    DestinationDefinition,
    InputField,
    Preset,
    RequestOptions,
)
from kable_destination.runner.delivery.planning import ChunkPlanner, PlannersError
from kable_destination.runner.planners.pool import Limits
from kable_destination.runner.planners.program import Way
from kable_destination.runner.planners.server import PlannerServer
from kable_destination.runner.sources.contract import Chunk
from planner_pools import planners
from segment_events import track

if TYPE_CHECKING:
    import httpx

    from kable_destination.definitions import BatchData, EventData, RequestBuilder

MODE = sys.argv[1]
MAIN = os.getpid()
DONE = Path("done")


def misbehave() -> None:
    """Do what was asked for, in a planner only, and maybe only in the first."""
    if os.getpid() == MAIN or (DONE.exists() and MODE != "always"):
        return
    DONE.touch()
    if MODE in {"once", "always"}:
        os.kill(os.getpid(), signal.SIGKILL)
    kept = bytearray()
    while MODE in {"hang", "grow"}:
        if MODE == "grow" and len(kept) < 400_000_000:
            kept += bytes(20_000_000)


def perform(request: RequestBuilder, data: EventData) -> httpx.Request:
    """Build the request of one event."""
    return request("POST", "/one", json=data.payload)


def perform_batch(request: RequestBuilder, data: BatchData) -> httpx.Request:
    """Build the request of a batch."""
    if any(payload["id"] == "poison" for payload in data.payloads):
        misbehave()
    return request("POST", "/many", json=data.payloads)


DEFINITION = DestinationDefinition(
    name="Poison",
    slug="poison",
    description="Goes wrong.",
    extend_request=lambda _: RequestOptions("https://poison.example"),
    actions={
        "send": ActionDefinition(
            title="Send",
            description="Sends.",
            default_subscription='type = "track"',
            fields={
                "id": InputField(
                    label="ID", description="ID.", type="string", required=True, default={"@path": "$.messageId"}
                )
            },
            idempotency_field="id",
            batch=BatchLimits(events=100, bytes=1_000_000),
            perform=perform,
            perform_batch=perform_batch,
        )
    },
    presets=[Preset(name="All", type="automatic", partner_action="send", subscribe='type = "track"', mapping={})],
)


def chunk(first: int) -> Chunk:
    """Make a chunk of a thousand events; one of the third is poison."""
    texts = [
        json.dumps(track(number, messageId="poison" if number == 2_500 else str(number))).encode()
        for number in range(first, first + 1_000)
    ]
    return Chunk("events.ndjson", "key", texts=texts, places=[*range(first, first + 1_000)])


def digest(planned: Any) -> str:
    """Tell what was planned, in short."""
    parts = [
        (queued.batch.payloads.text, queued.origins.places, queued.batch.idempotency_keys) for queued in planned.batches
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


async def main(server: PlannerServer, way: Way, here: ChunkPlanner) -> dict[str, Any]:
    """Plan, and tell."""
    chunks = [chunk(first) for first in range(0, 6_000, 1_000)]
    limits = Limits(worth_bytes=0, seconds=1.5, memory_bytes=250_000_000)
    notices: list[str] = []
    told: dict[str, Any] = {"same": [], "here": 0, "error": "", "notices": notices}
    async with planners(
        server, way, 2, limits, lambda notice: notices.append(f"{notice.kind}: {notice.error}")
    ) as pool:
        begun = [pool.plan(item, None) for item in chunks]
        for item, result in zip(chunks, begun, strict=True):
            assert result is not None
            try:
                planned = await result
            except PlannersError as error:
                told["error"] = str(error)
                continue
            told["here"] += planned is None
            told["same"].append(planned is None or digest(planned) == digest(here.plan([item], None)))
    return told


if __name__ == "__main__":
    destination = Destination(DEFINITION, {})
    way = Way("account", "sqlite")
    server = PlannerServer.forked(destination, way)
    assert server is not None
    print(json.dumps(asyncio.run(main(server, way, ChunkPlanner(destination, way.account)))))  # noqa: T201

"""The rows of the delivery benchmark: what is asked of `deliver` and of the peer, and how fast it must be."""

from __future__ import annotations

from dataclasses import dataclass

from measures import BATCH_EVENTS, Requirement


@dataclass(frozen=True)
class Row:
    """A way to deliver.

    - `events`: how many are delivered in a round; `batch_events`: how many share a request.
    - `in_flight`: the most requests in flight, for both; the server answers each `latency` seconds late.
    - `options`: more options of `deliver`; the peer has no such thing.
    - `required`: how many times as fast as the peer. `of_ideal`: which part of the events that so many requests in
      flight can carry behind that latency. None: nothing is required.
    - `is_main`: it is in the chart of the README and in `make bench-quick`.
    """

    key: str
    title: str
    events: int
    in_flight: int
    batch_events: int = BATCH_EVENTS
    latency: float = 0.0
    options: tuple[str, ...] = ()
    required: Requirement | None = None
    of_ideal: float | None = None
    is_main: bool = False

    @property
    def arguments(self) -> list[str]:
        """The options of the command."""
        return ["--batch-size", str(self.batch_events), "--concurrency", str(self.in_flight), *self.options]

    @property
    def ideal(self) -> float | None:
        """The events a second that the requests in flight can carry, if nothing takes time but the latency."""
        return self.in_flight * self.batch_events / self.latency if self.latency else None


NO_OUTBOX = ("--no-outbox",)


def _behind(milliseconds: int, in_flight: int, events: int) -> Row:
    """Return the row of a latency; behind 200 ms, requests in flight are what counts, and ours must not be fewer."""
    is_far = milliseconds == 200
    return Row(
        f"latency_{milliseconds}_{in_flight}",
        f"behind {milliseconds} ms, {in_flight} in flight" if milliseconds else f"no latency, {in_flight} in flight",
        events,
        in_flight,
        latency=milliseconds / 1000,
        required=Requirement(1, 1) if is_far else None,
        of_ideal=0.85 if is_far and in_flight == 16 else None,
        is_main=is_far and in_flight == 16,
    )


ROWS = (
    Row("no_outbox", "batches of 500, outbox off", 200_000, 4, options=NO_OUTBOX, required=Requirement(3.5, 4.5),
        is_main=True),
    Row("outbox", "batches of 500, outbox on", 200_000, 4, required=Requirement(2.2, 3), is_main=True),
    Row("single", "one event a request, outbox off", 10_000, 8, 1, options=NO_OUTBOX, required=Requirement(1.8, 2.2),
        is_main=True),
    Row("planners_0", "outbox on, planned in process", 200_000, 4, options=("--planners", "0")),
    Row("planners_1", "outbox on, 1 planner", 200_000, 4, options=("--planners", "1")),
    Row("planners_2", "outbox on, 2 planners", 200_000, 4, options=("--planners", "2")),
    _behind(0, 16, 100_000),
    _behind(0, 64, 100_000),
    _behind(20, 4, 100_000),
    _behind(20, 16, 100_000),
    _behind(20, 64, 100_000),
    _behind(200, 4, 40_000),
    _behind(200, 16, 160_000),
    _behind(200, 64, 200_000),
)  # fmt: skip
"""The outbox is on unless a row turns it off."""

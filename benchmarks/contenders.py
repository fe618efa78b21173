"""Who is timed: this package, Segment's own code, and the floor. Each takes a whole workload through one measure.

The clock of each is the processor time of its own process: what else the machine does takes nothing from anybody.
"""

from __future__ import annotations

from collections import deque
from time import process_time
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from kable_destination.definitions import compile_fields, compile_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import httpx

    from kable_destination.definitions import Plan
    from measures import Measure
    from peer_process import PeerProcess
    from workload import Workload


class Contender(Protocol):
    """Somebody who can be timed with one workload."""

    def seconds(self, measure: Measure, passes: int) -> float:
        """Take the whole workload through the measure so many times; say how long that took."""


class Ours:
    """This package, by its public contract alone. What it compiles is compiled before the clock runs."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._destination = workload.destination
        self._resolve = compile_mapping(workload.subscription.mapping).resolve
        self._validate = compile_fields(workload.action.fields).validate
        self._passes: dict[str, Callable[[], Iterable[Any]]] = {
            "mapping": lambda: map(self._resolve, workload.events),
            "fields": lambda: map(self._validate, map(self._resolve, workload.events)),
            "batches": self._batches,
            "single": lambda: map(self._destination.plan, ([event] for event in workload.events)),
        }

    def seconds(self, measure: Measure, passes: int) -> float:
        """Time some passes; what they make is thrown away."""
        one_pass = self._passes[measure.key]
        start = process_time()
        for _ in range(passes):
            deque(one_pass(), maxlen=0)
        return process_time() - start

    def answers(self, measure: Measure) -> list[Any]:
        """Give what one pass makes: payloads, bodies or requests."""
        made = self._passes[measure.key]()
        if measure.key == "batches":
            return [_shown(planned.request)["body"] for plan in made for planned in plan.requests]
        if measure.key == "single":
            return [_shown(planned.request) for plan in made for planned in plan.requests]
        return list(made)

    def _batches(self) -> Iterator[Plan]:
        planner = self._destination.planner()
        for lines in self._workload.batches:
            yield planner.feed_texts(lines)
        yield planner.flush()


class Peer:
    """Segment's own code in Node."""

    def __init__(self, process: PeerProcess, workload: Workload) -> None:
        self._process = process
        self._name = workload.name
        process.ask(ask="load", workload=workload.for_the_peer())

    def seconds(self, measure: Measure, passes: int) -> float:
        """Have some passes timed, by Node itself."""
        answer = self._process.ask(ask="run", workload=self._name, measure=measure.key, passes=passes)
        return float(answer["seconds"])

    def answers(self, measure: Measure) -> list[Any]:
        """Give what one pass makes."""
        answers: list[Any] = self._process.ask(ask="answers", workload=self._name, measure=measure.key)["answers"]
        return answers


class Floor:
    """The least that line to body can cost with orjson: each line parsed, the body that is known beforehand dumped."""

    def __init__(self, ours: Ours, workload: Workload, measure: Measure) -> None:
        self._work = list(zip(workload.batches, ours.answers(measure), strict=True))

    def seconds(self, measure: Measure, passes: int) -> float:  # noqa: ARG002 - it has one measure only
        """Time some passes."""
        start = process_time()
        for _ in range(passes):
            for lines, body in self._work:
                deque(map(orjson.loads, lines), maxlen=0)
                orjson.dumps(body)
        return process_time() - start


def _shown(request: httpx.Request) -> dict[str, Any]:
    return {"method": request.method, "url": str(request.url), "body": orjson.loads(request.content)}

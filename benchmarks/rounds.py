"""The rounds: all contenders take turns at every measure, so that whatever slows the machine slows them alike."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from contenders import Contender
    from measures import Measure
    from workload import Workload

ROUNDS = 11
_WARM_UP_SECONDS = 1.0
_TURN_SECONDS = 0.25


@dataclass(frozen=True)
class Spread:
    """The median of some numbers, and the lowest and highest of their middle half."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        """Summarise at least three numbers."""
        ordered, quarter = sorted(numbers), len(numbers) // 4
        return cls(median(ordered), ordered[quarter], ordered[-1 - quarter])


@dataclass
class Contest:
    """One measure of one workload: the contenders, and what each of them did in each round, in events a second."""

    workload: Workload
    measure: Measure
    contenders: Mapping[str, Contender]
    rates: dict[str, list[float]] = field(default_factory=dict)
    _passes: dict[str, int] = field(default_factory=dict)

    def warm_up(self) -> None:
        """Run until compilers and caches have settled, and find how many passes make a turn."""
        for name, contender in self.contenders.items():
            spent, passes = 0.0, 0
            while spent < _WARM_UP_SECONDS:
                last = contender.seconds(self.measure, 1)
                spent, passes = spent + last, passes + 1
            self._passes[name] = max(1, round(_TURN_SECONDS / last))
            self.rates[name] = []

    def turn(self) -> None:
        """Let each contender have its turn."""
        for name, contender in self.contenders.items():
            gc.collect()
            passes = self._passes[name]
            self.rates[name].append(passes * len(self.workload.events) / contender.seconds(self.measure, passes))

    def rate(self, name: str) -> Spread:
        """Give the events a second of a contender."""
        return Spread.of(self.rates[name])

    def ratio(self, other: str) -> Spread:
        """Give how many times as fast as another contender this package is, round by round."""
        return Spread.of([ours / theirs for ours, theirs in zip(self.rates["python"], self.rates[other], strict=True)])


def hold(contests: Sequence[Contest], tell: Callable[[str], None]) -> None:
    """Hold all rounds of all contests."""
    for contest in contests:
        tell(f"Warming up: {contest.workload.title}, {contest.measure.title} …")
        contest.warm_up()
    gc.freeze()
    for number in range(1, ROUNDS + 1):
        tell(f"Round {number} of {ROUNDS} …")
        for contest in contests:
            contest.turn()

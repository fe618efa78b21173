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


@dataclass(frozen=True)
class Pace:
    """How many rounds there are, and how many seconds everybody warms up and has a turn."""

    rounds: int
    warm_up: float
    turn: float


THOROUGH = Pace(11, 1.0, 0.25)
QUICK = Pace(3, 0.2, 0.1)


@dataclass(frozen=True)
class Spread:
    """The median of some numbers, and the lowest and highest of their middle half."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        """Summarise some numbers."""
        ordered, quarter = sorted(numbers), len(numbers) // 4
        return cls(median(ordered), ordered[quarter], ordered[-1 - quarter])

    def rounded(self, digits: int) -> dict[str, float]:
        """Give them rounded, by their names."""
        return {name: round(getattr(self, name), digits or None) for name in ("median", "low", "high")}


@dataclass
class Contest:
    """One measure of one workload: the contenders, and what each of them did in each round, in events a second."""

    workload: Workload
    measure: Measure
    contenders: Mapping[str, Contender]
    rates: dict[str, list[float]] = field(default_factory=dict)
    _passes: dict[str, int] = field(default_factory=dict)

    def warm_up(self, pace: Pace) -> None:
        """Run until compilers and caches have settled, and find how many passes make a turn."""
        for name, contender in self.contenders.items():
            spent, passes = 0.0, 0
            while spent < pace.warm_up:
                last = contender.seconds(self.measure, 1)
                spent, passes = spent + last, passes + 1
            self._passes[name] = max(1, round(pace.turn / last))
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


def hold(contests: Sequence[Contest], pace: Pace, tell: Callable[[str], None]) -> None:
    """Hold all rounds of all contests."""
    for contest in contests:
        tell(f"Warming up: {contest.workload.title}, {contest.measure.title} …")
        contest.warm_up(pace)
    gc.freeze()
    for number in range(1, pace.rounds + 1):
        tell(f"Round {number} of {pace.rounds} …")
        for contest in contests:
            contest.turn()

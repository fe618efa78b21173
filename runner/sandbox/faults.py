"""Faults on demand, by chance or by script. Whatever the fault, the sandbox never forgets what it billed."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...definitions import Problem, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Kind = Literal[
    "hang_up_before", "hang_up_inside", "hang_up_after", "truncated", "not_json", "huge", "redirect", "silent"
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)

_Rate = Annotated[float, Field(ge=0, le=1)]
_Status = Annotated[str, Field(pattern=r"^[1-5][0-9]{2}$")]
_MOST_TEXT = 1_000


class Rule(BaseModel):
    """Which events are refused: those whose `field` (a path with dots) has this `value`. Without a value: any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str = Field(max_length=_MOST_TEXT)
    value: Any = None

    def refuses(self, event: Any) -> bool:
        """Return whether an event is refused."""
        found = event
        for key in self.field.split("."):
            if not isinstance(found, dict) or key not in found:
                return False
            found = found[key]
        return self.value is None or found == self.value


class Faults(BaseModel):
    """What goes wrong, as JSON or as options of the command.

    - `statuses`: how often (0 to 1) a status is answered instead of recording anything, such as `{"503": 0.25}`.
    - `kinds`: how often something worse happens. `hang_up_before` and `hang_up_inside` end the connection before and
      within the body of a request; `hang_up_after` records it and ends the connection without an answer; `truncated`
      records it and cuts the answer off; `not_json` and `huge` answer 200 with a page, or with 10 MB, and record
      nothing; `redirect` answers 307; `silent` never answers.
    - `script`: what happens to the next requests, in turn: `ok`, a status, or one of the kinds.
    - `retry_after`: the header `Retry-After` of 429 and 503.
    - `latency`: seconds before an answer, a number or the least and the most.
    - `refuse`: rules for events; a request that holds one is refused (400), and the answer does not say which it was.
    - `results_per_event`: answer 207 with a result for each event instead, and record the others.
    - `max_events`, `max_bytes`: how much a request may carry; beyond, 413.
    - `max_per_second`: how many requests may come in any one second; beyond, 429.
    - `authenticate`: the status of the authentication test, when it is not to depend on the credentials.
    - `seed`: the random seed of `statuses`, `kinds` and `latency`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    statuses: dict[_Status, _Rate] = Field(default_factory=dict)
    kinds: dict[Kind, _Rate] = Field(default_factory=dict)
    script: tuple[Literal["ok"] | Kind | _Status, ...] = ()
    retry_after: str | None = Field(default=None, max_length=_MOST_TEXT)
    latency: Annotated[float, Field(ge=0)] | tuple[float, float] = 0.0
    refuse: tuple[Rule, ...] = ()
    results_per_event: bool = False
    max_events: int | None = Field(default=None, ge=1)
    max_bytes: int | None = Field(default=None, ge=1)
    max_per_second: int | None = Field(default=None, ge=1, le=100_000)
    authenticate: int | None = Field(default=None, ge=200, le=599)
    seed: int | None = None


def read_faults(**what: Any) -> Faults:
    """Return the faults that options describe. Raises SetupError with all problems."""
    try:
        return Faults.model_validate(what)
    except ValidationError as error:
        raise SetupError.of([_problem(found["loc"], found["msg"]) for found in error.errors()]) from None


def _problem(place: tuple[int | str, ...], message: str) -> Problem:
    # pydantic puts this behind a key that is wrong itself, and says what its pattern is.
    if place[-1:] == ("[key]",) and place[0] == "statuses":
        message, place = "is not a status; one from 100 to 599 is expected", place[:-1]
    return Problem(".".join(map(str, place)), message)


class FaultPlan:
    """The faults in force, and what they did so far. It may be changed while the sandbox serves, from any thread."""

    def __init__(self, faults: Faults | None = None, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._lock = Lock()
        self._seconds = seconds
        self.set(faults or Faults())

    def set(self, faults: Faults) -> None:
        """Put other faults in force; what those before did is forgotten."""
        with self._lock:
            self.faults = faults
            self._dice = random.Random(faults.seed)  # noqa: S311 - faults are not secrets
            self._script = deque(faults.script)
            self._happened: Counter[str] = Counter()
            self._taken: deque[float] = deque(maxlen=faults.max_per_second)

    def next(self) -> str:
        """Return what happens to the next request: `ok`, a status, or one of the kinds."""
        with self._lock:
            happens = self._script.popleft() if self._script else self._limited() or self._thrown()
            self._happened[happens] += 1
            return happens

    def _limited(self) -> str | None:
        """Return 429 if as many requests as are allowed came within the last second."""
        if self.faults.max_per_second is None:
            return None
        now = self._seconds()
        if len(self._taken) == self.faults.max_per_second and now - self._taken[0] < 1.0:
            return "429"
        self._taken.append(now)
        return None

    def _thrown(self) -> str:
        thrown = self._dice.random()
        for happens, rate in (*self.faults.statuses.items(), *self.faults.kinds.items()):
            if thrown < rate:
                return happens
            thrown -= rate
        return "ok"

    async def wait(self) -> None:
        """Wait for the latency of the next answer."""
        latency = self.faults.latency
        if isinstance(latency, tuple):
            with self._lock:
                latency = self._dice.uniform(*latency)
        await asyncio.sleep(latency)

    def refused(self, events: Sequence[Any]) -> Iterator[int]:
        """Yield the positions of the events that a rule refuses."""
        for position, event in enumerate(events):
            if any(rule.refuses(event) for rule in self.faults.refuse):
                yield position

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `GET /sandbox/faults`."""
        with self._lock:
            return {"faults": self.faults.model_dump(mode="json"), "happened": dict(self._happened)}

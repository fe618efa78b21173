"""What a destination would make of a user's own events, as counts: matches, filled fields, paths that never occur."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import MappingError, RejectedError
from ..javascript.members import walk
from ..missing import MISSING
from .event_reader import read_event
from .event_types import type_problem
from .integrations import misspelt_flag, turned_away

_MOST_IDS = 2_000_000

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..destination import Destination
    from ..errors import Problem
    from .compiled_subscription import CompiledSubscription


@dataclass(slots=True)
class FieldCount:
    """How many of the events that matched fill one field with a value that is valid."""

    key: str
    label: str
    is_required: bool
    filled: int = 0


@dataclass(slots=True)
class SubscriptionCount:
    """What one subscription would make of the events.

    - `matched`: the events that its trigger matches; `rejected`: those of them that would be dead letters.
    - `fields`: its fields, in order; `paths`: how many of the matched events have something at each mapped path,
      and at each property that a setting renames.
    - `problems`: why events were rejected, and how many for each reason.
    - `repeated`: how many have an ID that an earlier one has, so the destination would discard them. Of very many
      IDs the first ones are compared.
    """

    name: str
    action: str
    fields: tuple[FieldCount, ...]
    paths: dict[str, int]
    matched: int = 0
    rejected: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    _ids: set[int] = field(default_factory=set, repr=False)

    def note_id(self, text: str) -> None:
        """Note the ID of an event."""
        number = hash(text)
        self.repeated += number in self._ids
        if len(self._ids) < _MOST_IDS:
            self._ids.add(number)

    @property
    def missing_paths(self) -> tuple[str, ...]:
        """The mapped paths that no matched event has; none if nothing matched."""
        return tuple(path for path, count in self.paths.items() if not count) if self.matched else ()

    @property
    def unfilled_required(self) -> tuple[FieldCount, ...]:
        """The required fields that no matched event fills; none if nothing matched."""
        return tuple(count for count in self.fields if count.is_required and not count.filled) if self.matched else ()


class EventCounter:
    """Counts what a destination would make of events, without making a request."""

    def __init__(self, destination: Destination) -> None:
        if not hasattr(destination, "compiled_subscriptions"):
            raise TypeError(f"a Destination is expected, but this is {type(destination).__name__}")
        self.events = 0
        self.unreadable = 0
        self.rejected = 0
        self.skipped = 0
        self.types: Counter[str] = Counter()
        self.misspelt_flags: Counter[str] = Counter()
        self._name = destination.definition.name
        self._counted = [(item, _count_of(item)) for item in destination.compiled_subscriptions]
        self._keys = [_keys_of(item) for item in destination.compiled_subscriptions]

    @property
    def subscriptions(self) -> tuple[SubscriptionCount, ...]:
        """The counts of each subscription, in their order."""
        return tuple(count for _, count in self._counted)

    @property
    def matched(self) -> int:
        """How often a subscription matched an event."""
        return sum(count.matched for count in self.subscriptions)

    def add_text(self, text: bytes) -> None:
        """Count an event that is JSON text; text that holds no event is counted as unreadable."""
        try:
            event = read_event(text)
        except RejectedError:
            self.unreadable += 1
            return
        self.add(event)

    def add(self, event: Mapping[str, Any]) -> None:
        """Count an event."""
        if not isinstance(event, dict):
            raise TypeError(f"an event is an object, but this is {type(event).__name__}")
        self.events += 1
        kind = event.get("type")
        self.types[kind if isinstance(kind, str) else "without a type"] += 1
        flag = misspelt_flag(event, self._name)
        if flag is not None:
            self.misspelt_flags[flag] += 1
        try:
            is_turned_away = turned_away(event, self._name) is not None
        except RejectedError:
            self.rejected += 1
            return
        if is_turned_away:
            self.skipped += 1
            return
        matches = [
            (subscription, count, keys)
            for (subscription, count), keys in zip(self._counted, self._keys, strict=True)
            if subscription.matches(event)
        ]
        for subscription, count, keys in matches:
            _add(subscription, count, keys, event)
        if not matches and type_problem(event) is not None:
            self.rejected += 1


def _count_of(subscription: CompiledSubscription) -> SubscriptionCount:
    fields = tuple(
        FieldCount(key, described.label or key, described.required is True)
        for key, described in subscription.action.fields.items()
    )
    paths = dict.fromkeys(_keys_of(subscription), 0)
    return SubscriptionCount(subscription.name, subscription.action_key, fields, paths)


def _keys_of(subscription: CompiledSubscription) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return the paths that a subscription maps, as text, and the keys of each; one of several will do."""
    found: dict[str, tuple[tuple[str, ...], ...]] = {
        ".".join(("$", *keys)): (keys,) for keys in subscription.mapping.keys if keys
    }
    for key, sources in subscription.renamed.items():
        for start in subscription.field_keys(key) if key in subscription.sources else ():
            for source in sources:
                # A property whose own name has the dots comes first.
                found[".".join(("$", *start, source))] = ((*start, source), (*start, *source.split(".")))
    return found


def _add(
    subscription: CompiledSubscription,
    count: SubscriptionCount,
    paths: Mapping[str, tuple[tuple[str, ...], ...]],
    event: dict[str, Any],
) -> None:
    count.matched += 1
    for path, ways in paths.items():
        count.paths[path] += any(_is_there(walk(event, keys)) for keys in ways)
    mapped, problems = _mapped(subscription, event)
    if problems:
        count.rejected += 1
        count.problems.update(set(map(str, problems)))
    at_fault = {problem.place.partition(".")[0].partition("[")[0] for problem in problems}
    for field_count in count.fields:
        is_filled = _is_there(mapped.get(field_count.key)) and field_count.key not in at_fault
        field_count.filled += is_filled
    key = mapped.get(subscription.action.idempotency_field or "")
    if _is_there(key) and not problems:
        count.note_id(str(key))


def _mapped(subscription: CompiledSubscription, event: dict[str, Any]) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    try:
        mapped = subscription.mapping(event)
        subscription.prepared_payload(event, event)
    except MappingError as error:
        return {}, error.problems
    except RejectedError as error:
        return mapped if isinstance(mapped, dict) else {}, error.problems
    return mapped if isinstance(mapped, dict) else {}, ()


def _is_there(value: Any) -> bool:
    return value is not None and value is not MISSING and value != ""

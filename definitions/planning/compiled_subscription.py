"""A subscription compiled against its action: an event in, a prepared payload out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ..action import ActionDefinition, EventData, Settings
from ..errors import (
    DefinitionError,
    MappingError,
    Problem,
    RejectedError,
    SetupError,
    TriggerError,
    release_frames,
)
from ..fields import compile_fields
from ..mapping import CompiledMapping, compile_mapping
from ..mapping.event_paths import event_paths
from ..mapping.path_texts import path_texts
from ..mapping.paths import written_path
from ..nearest import nearest
from ..trigger import Trigger, compile_trigger
from .author_code import author_fault, author_fault_of, call_author
from .batch_group import BatchGroup, batch_group
from .constant_ids import constant_ids
from .obstacles import delivery_obstacles, unsupported
from .payload_function import PayloadFunction, compile_payload
from .plan import Outcome
from .renames import compile_renames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..definition import DestinationDefinition
    from ..input_field import InputField
    from ..redaction import Redactor
    from .payload_list import Payload
    from .subscription import Subscription

_ROOT_DIRECTIVE = "__segment_internal_directive"
_INTERNAL = "__segment_internal_"

T = TypeVar("T")
Origin = Literal["subscription", "setting", "default"]


@dataclass(frozen=True, slots=True)
class FieldSource:
    """Where the mapping of a field comes from: the subscription's own, a setting, or the action's default."""

    mapping: Any
    origin: Origin
    setting: str | None = None


@dataclass(eq=False)
class CompiledSubscription:
    """What happens to one event under one subscription, ready to run.

    - `payload` returns the valid payload of an event; `mapping` is its first half alone, for explanations.
    - `obstacles` say why nothing can be delivered under it (empty: it can).
    - `is_ordinary`: a valid payload is all that a batch needs of an event that was read from JSON.
    - `is_grouped`: the batch of an event depends on its payload. If not, `group` is the group of every event.
    """

    name: str
    action_key: str
    action: ActionDefinition
    settings: Settings
    trigger: Trigger
    mapping: CompiledMapping
    payload: PayloadFunction
    sources: Mapping[str, FieldSource]
    redactor: Redactor
    obstacles: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        """Store what the planner needs for each event, so it is not looked up each time."""
        self.matches = self.trigger.matches
        self.valid_payload = self.payload.valid
        self.wanted_payload = self.payload.wanted or _nothing
        self.limits = self.action.batch
        self.time_field = self.action.time_field
        self.is_grouped = self.action.order_field is not None or bool(self.action.batch_keys)
        self.group = BatchGroup(self.action_key)
        is_plain = self.action.prepare is None and not self.obstacles
        self.is_ordinary = (
            is_plain and self.limits is not None and self.mapping.keeps_finite and self.payload.wanted is not None
        )

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """The paths of an event that the trigger and the mapping can read, each as its keys."""
        return (*self.trigger.keys, *self.mapping.keys)

    @property
    def renamed(self) -> Mapping[str, tuple[str, ...]]:
        """The properties that settings rename, by the field that holds the object."""
        return {key: tuple(given) for key, _, given in _renamed_fields(self.action, self.settings)}

    def field_keys(self, key: str) -> tuple[tuple[str, ...], ...]:
        """Return the paths of an event that the mapping of one field can read, each as its keys."""
        return tuple(event_paths(self.sources[key].mapping))

    def group_of(self, payload: Payload) -> BatchGroup:
        """Return the group of events whose batch an event belongs to, by its payload."""
        return batch_group(self.action_key, self.action, payload) if self.is_grouped else self.group

    def outcome(self, index: int, kept: Any, error: RejectedError, mapped: Mapping[str, Any]) -> Outcome:
        """Return the outcome of an event that was rejected under this subscription; `mapped` is what it was mapped to.

        The mapping may have come to anything, since the event is not valid.
        """
        release_frames(error)
        key = mapped.get(self.action.idempotency_field or "")
        places = {problem.place for problem in error.problems}
        missing = {name for name in self._owners if (value := mapped.get(name)) is None or value == ""}
        return Outcome(
            index,
            "rejected",
            self.action_key,
            self.name,
            error=error,
            kept=kept,
            key=str(key) if key and type(key) in {str, int} else None,
            names_nobody=bool(places) and places <= missing,
        )

    def mapped(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the mapping makes of an event that is not valid, as far as it comes to anything."""
        try:
            mapped = self.mapping(event)
        except Exception:  # noqa: BLE001 - why the event is rejected is known already
            return {}
        return mapped if isinstance(mapped, dict) else {}

    @property
    def _owners(self) -> tuple[str, ...]:
        """The fields without which an event is nobody's."""
        return tuple(
            key
            for key, field in self.action.fields.items()
            if field.identifier and field.required and key != self.action.idempotency_field
        )

    def prepared_payload(self, event: Mapping[str, Any], kept: Any) -> Payload:
        """Map, validate and prepare an event, which `kept` holds as it came. Raises RejectedError."""
        try:
            payload = self.valid_payload(event)
        except MappingError as error:
            raise RejectedError(error.message, problems=error.problems) from None
        except RejectedError:
            raise
        except Exception as error:
            raise author_fault_of(error, "failed in mapping or validation", self.redactor) from error
        if self.action.prepare is None:
            return payload
        prepared = call_author(self.action.prepare, EventData(payload, self.settings, kept), redactor=self.redactor)
        if not isinstance(prepared, dict):
            raise author_fault(f"made {type(prepared).__name__} where a payload was expected")
        return prepared


def _nothing(_: Any) -> None:
    """Return None for every event: the subscription has no fast path."""


def compile_subscription(
    subscription: Subscription,
    *,
    name: str,
    place: str,
    definition: DestinationDefinition,
    settings: Settings,
    redactor: Redactor,
    is_published: bool = False,
) -> CompiledSubscription:
    """Compile one subscription under a name of its own.

    `is_published`: it is a preset of the definition, in which a slip that Segment lets pass is a finding of the lint.
    Raises SetupError with all that is wrong in it, each with a place below `place`.
    """
    action = definition.actions.get(subscription.partner_action)
    if action is None:
        hint = nearest(subscription.partner_action, definition.actions)
        raise SetupError.of(
            [Problem(f"{place}.partnerAction", f'there is no action "{subscription.partner_action}"{hint}')]
        )
    problems: list[Problem] = list(_unknown_fields(subscription, action, place))
    if action.perform is not None:
        lacking = unsupported(definition, subscription.partner_action)
        problems.extend(Problem(f"{place}.partnerAction", item.message) for item in lacking)
    sources = _field_sources(subscription, action, settings)
    trigger = _attempt(
        problems, f"{place}.subscribe", lambda: compile_trigger(subscription.subscribe, is_published=is_published)
    )
    whole = {key: source.mapping for key, source in sources.items()}
    own = {key: source.mapping for key, source in sources.items() if source.origin == "subscription"}
    mapping = _attempt(problems, f"{place}.mapping", lambda: compile_mapping(whole, is_published=True))
    if mapping is not None:
        found = () if is_published else (*path_texts(own), *constant_ids(action, whole))
        problems.extend(Problem(f"{place}.mapping.{item.place}", item.message) for item in found)
    rules = _attempt(problems, f"{subscription.partner_action}.fields", lambda: compile_fields(action.fields))
    renames = [
        (key, _attempt(problems, f"settings.{setting}", partial(compile_renames, given)))
        for key, setting, given in _renamed_fields(action, settings)
    ]
    if problems or trigger is None or mapping is None or rules is None:
        raise SetupError.of(problems)
    return CompiledSubscription(
        name=name,
        action_key=subscription.partner_action,
        action=action,
        settings=settings,
        trigger=trigger,
        mapping=mapping,
        payload=compile_payload(
            trigger,
            whole,
            action.fields,
            [(key, move) for key, move in renames if move is not None],
            checks_parts=True,
            time_field=action.time_field,
        ),
        sources=sources,
        redactor=redactor,
        obstacles=tuple(delivery_obstacles(definition, subscription.partner_action)),
    )


def _unknown_fields(subscription: Subscription, action: ActionDefinition, place: str) -> Iterable[Problem]:
    for key in subscription.mapping:
        if key in action.fields or key == _ROOT_DIRECTIVE:
            continue
        if key.startswith(_INTERNAL):
            if action.perform is None:
                continue
            yield Problem(f"{place}.mapping.{key}", "sync modes and matching keys are not supported by this runtime")
        else:
            hint = nearest(key, action.fields)
            yield Problem(f"{place}.mapping.{key}", f"the action has no such field{hint}")


def _field_sources(subscription: Subscription, action: ActionDefinition, settings: Settings) -> dict[str, FieldSource]:
    if _ROOT_DIRECTIVE in subscription.mapping:
        return {key: FieldSource(mapping, "subscription") for key, mapping in subscription.mapping.items()}
    sources: dict[str, FieldSource] = {}
    for key, field in action.fields.items():
        if key in subscription.mapping:
            sources[key] = FieldSource(subscription.mapping[key], "subscription")
        elif (source := _default_source(field, settings)) is not None:
            sources[key] = source
    return sources


def _default_source(field: InputField, settings: Settings) -> FieldSource | None:
    setting = field.default_path_setting
    path = settings.get(setting) if setting is not None else None
    if path:
        return FieldSource({"@path": written_path(str(path))}, "setting", setting)
    return FieldSource(field.default, "default") if field.default is not None else None


def _renamed_fields(action: ActionDefinition, settings: Settings) -> Iterable[tuple[str, str, Mapping[str, str]]]:
    for key, field in action.fields.items():
        if field.renames_setting is not None and settings.get(field.renames_setting):
            yield key, field.renames_setting, settings[field.renames_setting]


def _attempt(problems: list[Problem], place: str, compile_part: Callable[[], T]) -> T | None:
    try:
        return compile_part()
    except TriggerError as error:
        problems.append(Problem(place, error.message))
    except (DefinitionError, SetupError) as error:
        found = error.problems or (Problem("", error.message),)
        problems.extend(Problem(f"{place}.{item.place}" if item.place else place, item.message) for item in found)
    return None

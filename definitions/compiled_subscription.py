"""A subscription compiled against its action: an event in, a prepared payload out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .definition import ActionDefinition, EventData, Payload, Settings
from .errors import DefinitionError, MappingError, Problem, RejectedError, SetupError, TriggerError
from .fields import CompiledFields, compile_fields
from .mapping import CompiledMapping, compile_mapping
from .nearest import nearest
from .obstacles import delivery_obstacles, unsupported
from .plan import Outcome
from .renames import compile_renames
from .trigger import Trigger, compile_trigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .definition import DestinationDefinition
    from .input_field import InputField
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

    `obstacles` tell why nothing of it can be delivered; there are none where everything is as it should be.
    """

    name: str
    action_key: str
    action: ActionDefinition
    settings: Settings
    trigger: Trigger
    mapping: CompiledMapping
    fields: CompiledFields
    renames: tuple[tuple[str, Callable[[Payload], Payload]], ...]
    sources: Mapping[str, FieldSource]
    obstacles: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        """Lay out what the planner asks for with each event, so that it need not be looked up each time."""
        self.matches = self.trigger.matches
        self.payload = self._payload_function()
        self.limits = self.action.batch
        self.batch_keys = self.action.batch_keys
        self.idempotency_field = self.action.idempotency_field

    def outcome(self, index: int, event: Mapping[str, Any], error: RejectedError) -> Outcome:
        """Give the outcome of an event that was rejected under this subscription."""
        return Outcome(index, "rejected", self.action_key, self.name, error=error, event=event)

    def _payload_function(self) -> Callable[[Mapping[str, Any]], Payload]:
        """Compose mapping, validation, renames and preparation.

        The function gives the prepared payload of an event. It raises RejectedError, with every problem, when there
        is none.
        """
        mapped, valid_payload = self.mapped, self.valid_payload
        resolve, validate, renames = self.mapping.resolve, self.fields.validate, self.renames
        prepare, settings = self.action.prepare, self.settings

        def payload(event: Mapping[str, Any]) -> Payload:
            try:
                made = valid_payload(mapped(event)) if renames else validate(resolve(event))
                return made if prepare is None else prepare(EventData(made, settings, event))
            except RejectedError:
                raise
            except MappingError as error:
                raise RejectedError(error.message, problems=error.problems) from None
            except Exception as error:
                raise author_fault(error, prepare) from error

        return payload

    def mapped(self, event: Mapping[str, Any]) -> Any:
        """Run the mapping. Raises RejectedError."""
        try:
            return self.mapping.resolve(event)
        except MappingError as error:
            raise RejectedError(error.message, problems=error.problems) from None

    def valid_payload(self, mapped: Any) -> Payload:
        """Coerce and validate what the mapping gave, then move what settings rename. Raises RejectedError."""
        payload = self.fields.validate(mapped)
        for key, move in self.renames:
            if isinstance(payload.get(key), dict):
                payload = {**payload, key: move(payload[key])}
        return payload


def call_author(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run an author's code on one event; a fault in it rejects that event and no other. Raises RejectedError."""
    try:
        return function(*arguments)
    except RejectedError:
        raise
    except Exception as error:
        raise author_fault(error, function) from error


def author_fault(error: Exception, function: Callable[..., Any] | None) -> RejectedError:
    """Make a rejection of an error in an author's code; its text is not shown, since it may hold anything."""
    fault = f"{type(error).__name__} in the action's own code ({getattr(function, '__name__', 'perform')})"
    return RejectedError.of([Problem("", f"{fault}; this is a fault of the destination plugin")])


def compile_subscription(
    subscription: Subscription, *, name: str, place: str, definition: DestinationDefinition, settings: Settings
) -> CompiledSubscription:
    """Compile one subscription under a name of its own.

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
    trigger = _attempt(problems, f"{place}.subscribe", lambda: compile_trigger(subscription.subscribe))
    mapping = _attempt(
        problems, f"{place}.mapping", lambda: compile_mapping({key: source.mapping for key, source in sources.items()})
    )
    fields = _attempt(problems, f"{subscription.partner_action}.fields", lambda: compile_fields(action.fields))
    renames = [
        (key, _attempt(problems, f"settings.{setting}", partial(compile_renames, given)))
        for key, setting, given in _renamed_fields(action, settings)
    ]
    if problems or trigger is None or mapping is None or fields is None:
        raise SetupError.of(problems)
    return CompiledSubscription(
        name=name,
        action_key=subscription.partner_action,
        action=action,
        settings=settings,
        trigger=trigger,
        mapping=mapping,
        fields=fields,
        renames=tuple((key, move) for key, move in renames if move is not None),
        sources=sources,
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
        return FieldSource({"@path": f"$.{str(path).removeprefix('$.')}"}, "setting", setting)
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

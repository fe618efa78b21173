"""A destination that is set up: definition, settings and subscriptions, validated and compiled."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .answers.reader import AnswerReader
from .base_url import is_loopback, read_base_url
from .errors import AnswerError, FieldsError, Problem, RefusedError, RejectedError, SetupError
from .fields import compile_fields
from .input_field import DefinitionModel
from .json_body import sorted_json
from .nearest import nearest
from .planning.author_code import author_fault, call_author
from .planning.compiled_subscription import CompiledSubscription, compile_subscription
from .planning.event_reader import EventReader
from .planning.key_faults import key_faults
from .planning.obstacles import request_obstacles
from .planning.performing import next_request, perform
from .planning.plan import Plan, PlannedRequest, Result
from .planning.planner import Planner
from .planning.probable_mistakes import subscription_mistakes
from .planning.setting_mistakes import setting_mistakes
from .planning.subscription import Subscription
from .redaction import Redactor
from .request_options import RequestOptions, check_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import httpx

    from .action import Settings
    from .definition import DestinationDefinition
    from .environment import Environment
    from .mapping.paths import Keys
    from .planning.plan import EventBatch
    from .request import RequestBuilder

_NOWHERE = "https://manifest.invalid"
"""The host of a destination without code. No request is made for it, and by RFC 2606 the name never resolves."""


class Destination:
    """A definition together with one user's settings and subscriptions. Does no I/O and reads no clock.

    Without subscriptions it uses the automatic presets. `base_url` takes the place of the destination's own host,
    for a sandbox. `is_example`: in a test or an example, mappings may give identifiers constants. Raises SetupError
    with every problem at once.
    """

    def __init__(
        self,
        definition: DestinationDefinition,
        settings: Mapping[str, Any],
        subscriptions: Sequence[Subscription] | None = None,
        *,
        base_url: str | None = None,
        is_example: bool = False,
    ) -> None:
        _check_arguments(definition, settings, subscriptions)
        problems: list[Problem] = []
        self.definition = definition
        self.settings = _valid_settings(definition, settings, problems)
        given = _preset_subscriptions(definition) if subscriptions is None else tuple(subscriptions)
        for subscription in given:
            if not isinstance(subscription, Subscription):
                raise TypeError(f"a Subscription is expected, but this is {type(subscription).__name__}")
        self.subscriptions = tuple(subscription for subscription in given if subscription.enabled)
        self.redactor = Redactor(_secrets(definition, self.settings))
        is_published = subscriptions is None or is_example
        self._compiled = tuple(
            _compiled(
                definition,
                self.subscriptions,
                self.settings,
                problems,
                redactor=self.redactor,
                is_published=is_published,
            )
        )
        problems.extend(key_faults(definition, self.settings, has_base_url=base_url is not None))
        if problems:
            raise SetupError.of(dict.fromkeys(problems))
        options = _options(definition, self.settings, base_url, self.redactor)
        check_headers(options.headers, self.settings)
        self._options = options
        self.address = read_base_url(options.base_url)
        self._reader = EventReader(_paths(self._compiled))
        self._answers = AnswerReader(
            definition.answers,
            destination=definition.name,
            request_id_header=definition.request_id_header,
            redactor=self.redactor,
        )

    @cached_property
    def request(self) -> RequestBuilder:
        """The builder of requests, made on first use: not every use of a destination needs it."""
        from .request import RequestBuilder  # noqa: PLC0415 - it imports httpx

        return RequestBuilder(self._options)

    @property
    def account(self) -> str:
        """The account of the events: the host, and the settings that identify the user and are not secret.

        Equal IDs are duplicates only within one account.
        """
        names = [
            str(self.settings[key])
            for key in self.definition.authentication.fields
            if self.definition.settings[key].type != "password" and key in self.settings
        ]
        return " ".join((self.host, *names))

    @property
    def host(self) -> str:
        """The host that requests go to, with the port if the base URL names one."""
        return self.address.netloc

    @cached_property
    def is_live(self) -> bool:
        """Whether real customers are billed: the key is for a live environment, and the host is not this machine."""
        environments = self.definition.environments
        chosen = None if environments is None else environments.of(self.settings)
        return chosen is not None and chosen.is_live and not is_loopback(self.address.host)

    @property
    def environment(self) -> Environment | None:
        """The environment to show wherever something is sent or checked; None if the destination has only one."""
        environments = self.definition.environments
        if environments is None:
            return None
        chosen = environments.of(self.settings)
        return chosen if self.is_live else environments.harmless

    @property
    def target(self) -> str:
        """Where requests go, for people: `Kable Test (test.kable.io)`. A definition without code has no host."""
        words = [self.definition.name]
        if self.environment is not None:
            words.append(self.environment.name)
        if self.definition.extend_request is not None:
            words.append(f"({self.host})")
        return " ".join(words)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the settings and subscriptions, without secrets. If two are equal, events are sent the same way."""
        secret = {key for key, field in self.definition.settings.items() if field.type == "password"}
        parts = [
            self.definition.slug,
            self.account,
            {key: value for key, value in self.settings.items() if key not in secret},
            [subscription.model_dump(mode="json") for subscription in self.subscriptions],
        ]
        return hashlib.sha256(sorted_json(parts)).hexdigest()

    @property
    def compiled_subscriptions(self) -> tuple[CompiledSubscription, ...]:
        """The enabled subscriptions, compiled, in their order."""
        return self._compiled

    def plan(self, events: Iterable[Any]) -> Plan:
        """Return what happens to some events, and the requests that carry them: a planner, fed and flushed."""
        planner = self.planner()
        planner.take(events)
        return planner.flush()

    def planner(self, *, max_events: int | None = None) -> Planner:
        """Return a planner for a stream, whose batches fill across several feeds.

        `max_events` lowers the number of events that one request may carry.
        """
        return Planner(self.definition.name, self._compiled, self.request, self._reader, max_events=max_events)

    def request_for(self, batch: EventBatch) -> PlannedRequest:
        """Return the request for a batch that was planned before, or for a part of one.

        Raises RejectedError, also if the action does not exist any more.
        """
        action = self.definition.actions.get(batch.action)
        if action is None:
            raise RejectedError.of([Problem("", f'{self.definition.name} has no action "{batch.action}" any more')])
        return perform(batch, action, self.settings, self.request, self.redactor)

    def read(self, planned: PlannedRequest, response: httpx.Response) -> list[Result] | PlannedRequest:
        """Return what an answer means for each event of its request, or the next request of a longer exchange.

        `response` must have been read. After a retryable error an exchange has not moved: send the same request again.
        """
        error = self._answers.error(response)
        if error is None and planned.exchange is not None:
            try:
                request = next_request(planned.exchange, response, self.redactor)
            except AnswerError as found:
                error = found
            except RejectedError as rejection:
                error = RefusedError(rejection.message)
            else:
                if request is not None:
                    return replace(planned, request=request)
        keys = planned.batch.idempotency_keys
        errors = self._answers.event_errors(response, keys) if error is None else [error] * len(keys)
        batch = planned.batch
        action, status, request_id = batch.action, response.status_code, self._answers.request_id(response)
        return [
            Result(index, action, subscription, found, status, request_id)
            for index, subscription, found in zip(batch.indexes, batch.subscriptions, errors, strict=True)
        ]

    def authentication_request(self) -> httpx.Request | None:
        """Return the request that tests the credentials and bills nothing; None if the destination has no such request.

        Raises SetupError if no request can be made: without code, or without the tokens of an OAuth scheme.
        """
        obstacles = tuple(request_obstacles(self.definition))
        if obstacles:
            raise SetupError.of(obstacles)
        test = self.definition.authentication.test
        return None if test is None else test(self.request, self.settings)

    def read_authentication(self, response: httpx.Response) -> AnswerError | None:
        """Return what is wrong with the answer to the authentication test; None if the credentials are good."""
        return self._answers.error(response) or self._answers.told_error(response)

    def probable_mistakes(self) -> Iterator[Problem]:
        """Yield probable mistakes in the subscriptions: types and paths that no event of Segment has."""
        for subscription in self._compiled:
            yield from subscription_mistakes(subscription)

    def setting_mistakes(self) -> Iterator[Problem]:
        """Yield settings that are probably wrong, such as a path that no event has, each with a suggested rewrite."""
        yield from setting_mistakes(self.definition, self.settings, self.host)

    def overlaps(self) -> Iterator[tuple[CompiledSubscription, CompiledSubscription]]:
        """Yield pairs of subscriptions that can make two usage events with one id from one event.

        The destination would discard the second of them, so the planner rejects it.
        """
        for position, second in enumerate(self._compiled):
            for first in self._compiled[:position]:
                if _same_id(first, second) and first.trigger.may_overlap(second.trigger):
                    yield first, second


def _check_arguments(definition: object, settings: object, subscriptions: object) -> None:
    """Raise TypeError for arguments of the wrong type: a mistake in a program, not in a configuration."""
    if not isinstance(definition, DefinitionModel) or not hasattr(definition, "actions"):
        raise TypeError(f"a DestinationDefinition is expected, but this is {type(definition).__name__}")
    if not isinstance(settings, Mapping):
        raise TypeError(f"settings are a mapping of keys to values, but these are {type(settings).__name__}")
    if subscriptions is None:
        return
    if isinstance(subscriptions, str | bytes | Mapping) or not isinstance(subscriptions, Iterable):
        raise TypeError(f"subscriptions are a list, but these are {type(subscriptions).__name__}")


def _same_id(first: CompiledSubscription, second: CompiledSubscription) -> bool:
    first_field, second_field = first.action.idempotency_field, second.action.idempotency_field
    if first_field is None or second_field is None:
        return False
    first_source, second_source = first.sources.get(first_field), second.sources.get(second_field)
    if first_source is None or second_source is None:
        return first_source is second_source
    return bool(first_source.mapping == second_source.mapping)


def _valid_settings(
    definition: DestinationDefinition, settings: Mapping[str, Any], problems: list[Problem]
) -> Settings:
    for key in settings:
        if key not in definition.settings:
            hint = nearest(key, definition.settings)
            known = ", ".join(definition.settings)
            problems.append(Problem(f"settings.{key}", f"there is no such setting{hint or f'; there are {known}'}"))
    defaults = {key: field.default for key, field in definition.settings.items() if field.default is not None}
    try:
        return compile_fields(definition.settings).validate({**defaults, **settings})
    except (FieldsError, RejectedError) as error:
        problems.extend(Problem(f"settings.{item.place}", item.message) for item in error.problems)
        return {}


def _preset_subscriptions(definition: DestinationDefinition) -> tuple[Subscription, ...]:
    return tuple(
        Subscription(
            name=preset.name,
            partner_action=preset.partner_action,
            subscribe=preset.subscribe or "",
            mapping=preset.mapping or {},
        )
        for preset in definition.automatic_presets
    )


def _compiled(
    definition: DestinationDefinition,
    subscriptions: tuple[Subscription, ...],
    settings: Settings,
    problems: list[Problem],
    *,
    redactor: Redactor,
    is_published: bool,
) -> Iterator[CompiledSubscription]:
    names: Counter[str] = Counter()
    for position, subscription in enumerate(subscriptions):
        place = f"subscriptions[{position}]"
        name = subscription.name or subscription.partner_action
        names[name] += 1
        unique = name if names[name] == 1 else f"{name} #{names[name]}"
        try:
            yield compile_subscription(
                subscription,
                name=unique,
                place=place,
                definition=definition,
                settings=settings,
                redactor=redactor,
                is_published=is_published,
            )
        except SetupError as error:
            problems.extend(error.problems)


def _paths(subscriptions: Iterable[CompiledSubscription]) -> Iterator[Keys]:
    """Yield the paths of an event that planning needs."""
    yield ("type",)
    yield ("integrations",)
    for subscription in subscriptions:
        yield from subscription.keys


def _options(
    definition: DestinationDefinition, settings: Settings, base_url: str | None, redactor: Redactor
) -> RequestOptions:
    if definition.extend_request is None:
        return RequestOptions(base_url or _NOWHERE)
    options = _set_up(definition.extend_request, settings, redactor=redactor)
    if not isinstance(options, RequestOptions):
        raise SetupError.of(author_fault(f"made {type(options).__name__} where RequestOptions were expected").problems)
    if base_url is None:
        return options
    return RequestOptions(base_url, options.headers, options.username, options.password)


def _set_up(function: Callable[..., Any], *arguments: Any, redactor: Redactor) -> Any:
    """Call an author's code while a destination is set up. Raises SetupError for a fault in it."""
    try:
        return call_author(function, *arguments, redactor=redactor)
    except RejectedError as error:
        if isinstance(error.__cause__, SetupError):
            # It says already what is wrong with the settings.
            raise error.__cause__ from None
        raise SetupError.of(error.problems or (Problem("", error.message),)) from error.__cause__


def _secrets(definition: DestinationDefinition, settings: Settings) -> Iterator[str]:
    for key, field in definition.settings.items():
        value = settings.get(key)
        if field.type == "password" and isinstance(value, str):
            yield value

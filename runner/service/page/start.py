"""What the page begins with: the destinations with their fields, the draft of the configuration, and sample events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from ....definitions import describe_mapping, example_events
from ...configuration import plugins
from ...version import version
from .browser_numbers import inexact_numbers
from .messages import Message, PageError, Place, answer, places
from .operation import page_operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from ....definitions import ActionDefinition, DestinationDefinition, InputField
    from ..operations import Operation
    from .drafts import Drafts


class FieldDescription(Message, frozen=True, kw_only=True):
    """A field of the settings or of an action. `default_text` is its default mapping in words."""

    key: str
    label: str
    description: str
    type: str
    required: bool
    multiple: bool
    choices: list[Any] | None
    default: Any
    default_text: str | None
    placeholder: str | None
    identifier: bool
    is_secret: bool
    properties: list[FieldDescription]


class ActionDescription(Message, frozen=True, kw_only=True):
    """An action, and what a new subscription to it begins with."""

    key: str
    title: str
    description: str
    default_subscription: str
    fields: list[FieldDescription]


class PresetDescription(Message, frozen=True, kw_only=True):
    """A subscription that is part of a destination. Only automatic ones apply by themselves."""

    name: str
    partner_action: str
    subscribe: str
    mapping: dict[str, Any]
    is_automatic: bool


class DestinationDescription(Message, frozen=True, kw_only=True):
    """A destination to choose. `can_send`: it has code that makes requests."""

    name: str
    title: str
    description: str
    can_send: bool
    can_test_credentials: bool
    settings: list[FieldDescription]
    actions: list[ActionDescription]
    presets: list[PresetDescription]


class AccountSettings(Message, frozen=True, kw_only=True):
    """The settings of a configured account, and the keys of its secrets that are set."""

    settings: dict[str, Any]
    secrets: list[str]


class DraftStart(Message, frozen=True, kw_only=True):
    """The draft that the configuration describes. Secrets are never part of it."""

    destination: str
    account: str | None
    settings: dict[str, Any]
    subscriptions: list[dict[str, Any]] | None


class Start(Message, frozen=True, kw_only=True):
    """What the page begins with. `problems` are those of the configuration, and of destinations that cannot be used."""

    destinations: list[DestinationDescription]
    accounts: list[str]
    account_settings: dict[str, AccountSettings]
    draft: DraftStart
    can_send_live: bool
    can_watch: bool
    problems: list[Place]
    version: str


class Starting:
    """The endpoints of what the page begins with. `can_watch`: there is a queue to look at."""

    def __init__(self, drafts: Drafts, *, can_watch: bool) -> None:
        self._drafts = drafts
        self._can_watch = can_watch

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("/page/api/start", self._start, methods=["GET"]),
            Route("/page/api/samples", self._samples, methods=["GET"]),
        ]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoints say about themselves."""
        return [
            page_operation("get", "/page/api/start", "startPage", "Return what the page begins with.", Start),
            page_operation(
                "get", "/page/api/samples", "sampleEvents", "Return an event of each call.", {"type": "object"}
            ),
        ]

    async def _start(self, _request: Request) -> Response:
        # In a thread: plugins are imported.
        return answer(await asyncio.to_thread(self._started), self._drafts.redactor)

    async def _samples(self, _request: Request) -> Response:
        definition = self._drafts.configuration.definition
        found = {str(call): event for call, event in example_events().items()}
        for example in definition.documentation.examples:
            found.setdefault(example.title, dict(example.event))
        return answer(found, self._drafts.redactor)

    def _started(self) -> Start:
        configuration = self._drafts.configuration
        problems = places(configuration.problems)
        names = dict.fromkeys((configuration.given_name, *plugins.installed(), *configuration.manifests))
        destinations = []
        for name in names:
            try:
                definition = self._drafts.definition(name)
            except PageError as error:
                problems += error.problems
            else:
                destinations.append(self._destination(name, definition))
        account = configuration.first_account
        accounts = {name: self._account(settings) for name, settings in configuration.accounts.items()}
        subscriptions = None
        if configuration.subscriptions is not None:
            subscriptions = [each.model_dump(mode="json", by_alias=True) for each in configuration.subscriptions]
        draft = DraftStart(
            destination=configuration.given_name,
            account=account,
            settings=accounts[account].settings,
            subscriptions=subscriptions,
        )
        problems += inexact_numbers({"settings": draft.settings, "subscriptions": draft.subscriptions}, "")
        return Start(
            destinations=destinations,
            accounts=[*accounts],
            account_settings=accounts,
            draft=draft,
            can_send_live=configuration.delivery.live,
            can_watch=self._can_watch,
            problems=problems,
            version=version().rpartition(" ")[2],
        )

    def _account(self, settings: Mapping[str, Any]) -> AccountSettings:
        known = self._drafts.configuration.definition.settings
        secrets = [key for key, field in known.items() if field.type == "password"]
        return AccountSettings(
            settings={key: value for key, value in settings.items() if key in known and key not in secrets},
            secrets=[key for key in secrets if settings.get(key)],
        )

    @staticmethod
    def _destination(name: str, definition: DestinationDefinition) -> DestinationDescription:
        return DestinationDescription(
            name=name,
            title=definition.name,
            description=definition.description,
            can_send=definition.extend_request is not None,
            can_test_credentials=definition.authentication.test is not None,
            settings=[*_fields(definition.settings)],
            actions=[_action(key, action) for key, action in definition.actions.items()],
            presets=[
                PresetDescription(
                    name=preset.name,
                    partner_action=preset.partner_action,
                    subscribe=preset.subscribe or "",
                    mapping=preset.mapping or {},
                    is_automatic=preset.type == "automatic",
                )
                for preset in definition.presets
                if preset.partner_action in definition.actions
            ],
        )


def _action(key: str, action: ActionDefinition) -> ActionDescription:
    return ActionDescription(
        key=key,
        title=action.title,
        description=action.description,
        default_subscription=action.default_subscription or "",
        fields=[*_fields(action.fields)],
    )


def _fields(fields: Mapping[str, InputField]) -> Iterator[FieldDescription]:
    for key, field in fields.items():
        is_secret = field.type == "password"
        yield FieldDescription(
            key=key,
            label=field.label,
            description=field.description,
            type=field.type,
            required=field.required is True,
            multiple=field.multiple,
            choices=None if field.choices is None else [*map(_choice, field.choices)],
            default=None if is_secret else field.default,
            default_text=None if field.default is None or is_secret else describe_mapping(field.default),
            placeholder=field.placeholder,
            identifier=field.identifier,
            is_secret=is_secret,
            properties=[*_fields(field.properties or {})],
        )


def _choice(choice: Any) -> dict[str, Any]:
    if isinstance(choice, str):
        return {"label": choice, "value": choice}
    return {"label": choice.label, "value": choice.value}

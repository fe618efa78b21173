"""What a destination is: settings, authentication, actions, presets, answers. All of it data, none of it I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import httpx
from pydantic import Field, model_validator

from .answers.reader import SEGMENT_ANSWERS, Answer
from .fields import json_schema
from .input_field import DefinitionModel, InputField, ManifestPart
from .manifest import read_manifest, write_manifest
from .planning.event_reader import whole_event
from .request import RequestBuilder, RequestOptions

Settings = Mapping[str, Any]
Payload = dict[str, Any]
Exchange = Generator[httpx.Request, httpx.Response, None]
"""An action of several requests: it yields each and is sent its response, as `httpx.Auth.auth_flow` does."""


class EventData:
    """What an action sees of one event. Nothing in it may be changed: it is shared with other subscriptions."""

    __slots__ = ("_kept", "payload", "settings")

    def __init__(self, payload: Payload, settings: Settings, event: Mapping[str, Any] | bytes) -> None:
        self.payload = payload
        self.settings = settings
        self._kept = event

    @property
    def event(self) -> Mapping[str, Any]:
        """The whole event; it is read when this is asked for."""
        event: Mapping[str, Any] = whole_event(self._kept)
        return event


class BatchData(NamedTuple):
    """What an action sees of several events; payloads and events stand in the same order. Nothing may be changed.

    They are read when somebody looks at them; `json=data.payloads` sends the JSON that is there already.
    """

    payloads: Sequence[Payload]
    settings: Settings
    events: Sequence[Mapping[str, Any]]


Prepare = Callable[[EventData], Payload]
Perform = Callable[[RequestBuilder, EventData], httpx.Request | Exchange]
PerformBatch = Callable[[RequestBuilder, BatchData], httpx.Request | Exchange]
ExtendRequest = Callable[[Settings], RequestOptions]
AuthenticationTest = Callable[[RequestBuilder, Settings], httpx.Request]


class BatchLimits(DefinitionModel):
    """How much one request may carry: events, and bytes of its body."""

    events: int = Field(gt=0)
    bytes: int = Field(gt=0)


class Authentication(ManifestPart):
    """How a destination knows its user. `test` builds a request that bills nothing; `answers` tell what comes back."""

    scheme: Literal["custom", "basic", "oauth2", "oauth-managed"] = "custom"
    fields: tuple[str, ...] = ()
    test: AuthenticationTest | None = None


class ActionDefinition(ManifestPart):
    """Something that a destination does with an event.

    - `fields`: the payload, and the mapping that fills each of them by default.
    - `prepare`: turns one valid payload into the partner's form, or raises RejectedError; must not change its input.
    - `perform`, `perform_batch`: build the request for one event or for several, from prepared payloads.
      An action that was read from a manifest has neither.
    - `batch`: how much one request of `perform_batch` may carry.
    - `idempotency_field`: the field by which the partner discards what it already has.
    - `order_field`: the order key; events with the same value of this field arrive in order. Only events of one order
      shard share a batch. Without an order field, batches are sent in parallel.
    - `batch_keys`: fields whose values must be equal within one batch.

    `platform`, `hidden`, `has_perform_batch`, `sync_mode`, `hooks` and `dynamic_fields` stand as in the manifest.
    """

    title: str
    description: str = ""
    default_subscription: str | None = None
    fields: Mapping[str, InputField]
    prepare: Prepare | None = None
    perform: Perform | None = None
    perform_batch: PerformBatch | None = None
    batch: BatchLimits | None = None
    batch_keys: tuple[str, ...] = ()
    idempotency_field: str | None = None
    order_field: str | None = None
    platform: str = "cloud"
    hidden: bool = False
    has_perform_batch: bool = False
    sync_mode: Mapping[str, Any] | None = None
    hooks: Mapping[str, Any] | None = None
    dynamic_fields: Mapping[str, Any] | None = None

    def payload_schema(self) -> dict[str, Any]:
        """Give the JSON Schema of a payload: what remains when the mapping has run and the fields are valid."""
        return json_schema(self.fields)

    @model_validator(mode="after")
    def _names_its_own_fields(self) -> ActionDefinition:
        for name in (self.idempotency_field, self.order_field, *self.batch_keys):
            if name is not None and name not in self.fields:
                raise ValueError(f'"{name}" is not one of the fields: {", ".join(self.fields)}')
        if (self.perform_batch is None) != (self.batch is None):
            raise ValueError("perform_batch and batch go together: give both or neither")
        if self.perform is None and self.perform_batch is not None:
            raise ValueError("perform_batch needs perform beside it, which builds the request for one event")
        return self


class Preset(ManifestPart):
    """A subscription that a destination comes with. `mapping` overrides the action's defaults, field by field."""

    name: str
    partner_action: str
    type: Literal["automatic", "specificEvent"] = "automatic"
    subscribe: str | None = None
    event_slug: str | None = None
    mapping: dict[str, Any] | None = None


class WorkedExample(DefinitionModel):
    """An event that shows what a destination does; the documentation plans it with the engine that delivers.

    `settings` are those of a made-up user, secrets included: they are masked as real ones are. A required setting
    that is not given stands as its default, its placeholder or a value of its type.
    """

    title: str
    text: str = ""
    event: Mapping[str, Any]
    settings: Mapping[str, Any] = Field(default_factory=dict)


class Documentation(DefinitionModel):
    """What a page about a destination tells beyond the definition itself. Plain text: nothing in it is markup.

    - `owner`: who keeps the destination; `support`: the address for questions; `website`: the partner's.
    - `getting_started`: the steps to the first event, in order.
    - `examples`: worked examples.
    - `engage`: how audiences and computed traits arrive, a paragraph each.
    """

    owner: str = ""
    support: str = ""
    website: str = ""
    getting_started: tuple[str, ...] = ()
    examples: tuple[WorkedExample, ...] = ()
    engage: tuple[str, ...] = ()


class DestinationDefinition(ManifestPart):
    """A destination, whole. It is what an entry point of the group `destination_actions` names.

    - `settings`: what a user fills in once.
    - `extend_request`: host and headers of every request, from the settings.
      A destination that was read from a manifest has none, and its actions have no `perform`.
    - `answers`: what the destination's status codes mean.
    - `request_id_header`: where its answers carry the id that its support asks for.
    - `documentation`: what its page tells beyond all this; it has no part in the manifest.
    - `audience_config`: stands as in the manifest.
    """

    name: str
    slug: str
    description: str = ""
    mode: Literal["cloud", "device", "warehouse"] = "cloud"
    settings: Mapping[str, InputField] = Field(default_factory=dict)
    authentication: Authentication = Authentication()
    extend_request: ExtendRequest | None = None
    actions: Mapping[str, ActionDefinition]
    presets: tuple[Preset, ...] = ()
    answers: tuple[Answer, ...] = SEGMENT_ANSWERS
    request_id_header: str | None = None
    on_delete: Perform | None = None
    documentation: Documentation = Documentation()
    audience_config: Mapping[str, Any] | None = None

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> DestinationDefinition:
        """Read a manifest, in the shape of Segment's public `metadata.json`.

        It holds no code: the definition can be previewed and checked, not delivered. Raises DefinitionError,
        with every problem and its place.
        """
        return read_manifest(cls, manifest)

    def to_manifest(self) -> dict[str, Any]:
        """Write the manifest, in the shape of Segment's public `metadata.json`; it shares nothing with this."""
        return write_manifest(self)

    def settings_schema(self) -> dict[str, Any]:
        """Give the JSON Schema of the settings."""
        return json_schema(self.settings)

    @model_validator(mode="after")
    def _has_all_its_code_or_none(self) -> DestinationDefinition:
        for key, action in self.actions.items():
            if action.perform is None and self.extend_request is not None:
                raise ValueError(f'the action "{key}" has no perform, which builds its request')
            if action.perform is not None and self.extend_request is None:
                raise ValueError(f'"{key}" builds requests: extend_request is needed, which gives host and headers')
        return self

    @model_validator(mode="after")
    def _names_its_own_parts(self) -> DestinationDefinition:
        for preset in self.presets:
            if preset.partner_action not in self.actions:
                raise ValueError(f'the preset "{preset.name}" names the unknown action "{preset.partner_action}"')
        for name in self.authentication.fields:
            if name not in self.settings:
                raise ValueError(f'authentication names the unknown setting "{name}"')
        for key, action in self.actions.items():
            for name, field in action.fields.items():
                for setting in (field.default_path_setting, field.renames_setting):
                    if setting is not None and setting not in self.settings:
                        raise ValueError(f'{key}.{name} depends on the unknown setting "{setting}"')
        return self

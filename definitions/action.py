"""An action: what a destination does with an event, and what its code is given."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field, model_validator

from .fields import json_schema
from .input_field import DefinitionModel, InputField, ManifestPart
from .planning.event_reader import whole_event
from .planning.payload_list import Payload

if TYPE_CHECKING:
    import httpx

    from .request import RequestBuilder

Settings = Mapping[str, Any]
Exchange = Generator["httpx.Request", "httpx.Response", None]
"""An action of several requests: it yields each and is sent its response, as `httpx.Auth.auth_flow` does."""


class EventData:
    """What an action gets of one event. Do not change anything in it: it is shared with other subscriptions."""

    __slots__ = ("_kept", "payload", "settings")

    def __init__(self, payload: Payload, settings: Settings, event: Mapping[str, Any] | bytes) -> None:
        self.payload = payload
        self.settings = settings
        self._kept = event

    @property
    def event(self) -> Mapping[str, Any]:
        """The whole event. An event that came as text is read at each access."""
        event: Mapping[str, Any] = whole_event(self._kept)
        return event


class BatchData(NamedTuple):
    """What an action gets of several events; payloads and events are in the same order. Do not change anything in it.

    Payloads and events are read when you look at them; `json=data.payloads` sends the JSON that is there already.
    """

    payloads: Sequence[Payload]
    settings: Settings
    events: Sequence[Mapping[str, Any]]


Prepare = Callable[[EventData], Payload]
if TYPE_CHECKING:
    Perform = Callable[[RequestBuilder, EventData], httpx.Request | Exchange]
    PerformBatch = Callable[[RequestBuilder, BatchData], httpx.Request | Exchange]
else:
    # Pydantic only asks whether they can be called, and httpx is imported where requests are made.
    Perform = PerformBatch = Callable[..., Any]


class BatchLimits(DefinitionModel):
    """How much one request may carry: events, and bytes of its body."""

    events: int = Field(gt=0)
    bytes: int = Field(gt=0)


class ActionDefinition(ManifestPart):
    """One thing that a destination does with events.

    - `fields`: the payload, and the mapping that fills each of them by default.
    - `prepare`: turns one valid payload into the partner's form, or raises RejectedError; must not change its input.
    - `perform`, `perform_batch`: build the request for one event or for several, from prepared payloads.
      An action that was read from a manifest has neither.
    - `batch`: how much one request of `perform_batch` may carry.
    - `idempotency_field`: the field by which the partner discards duplicates.
    - `order_field`: the order key; events with the same value of this field arrive in order. Only events of one order
      shard share a batch. Without an order field, batches are sent in parallel.
    - `batch_keys`: fields whose values must be equal within one batch.

    `platform`, `hidden`, `has_perform_batch`, `sync_mode`, `hooks` and `dynamic_fields` are those of the manifest.
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

    @property
    def time_field(self) -> str | None:
        """The key of the field that holds the moment of the event: the first that is declared `rfc3339`."""
        return next((key for key, field in self.fields.items() if field.rfc3339), None)

    def payload_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a payload: the result of the mapping, with valid fields."""
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

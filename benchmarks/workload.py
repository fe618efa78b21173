"""A workload: a destination, one subscription to it and the events that go through; the same for every contender."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from kable_destination.definitions import Destination, Subscription
from kable_destination.destination import kable
from measures import BATCH_EVENTS
from order_destination import order_destination
from sample_events import api_calls, orders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from kable_destination.definitions import ActionDefinition, DestinationDefinition, InputField
    from sample_events import Event

EVENTS: Final = 2_000

_OURS_ALONE = {"identifier", "rfc3339", "default_path_setting", "renames_setting"}
"""What Segment's fields do not have."""


@dataclass(frozen=True)
class Workload:
    """Events, and where they go. The subscription maps every field by its default."""

    name: str
    title: str
    definition: DestinationDefinition
    settings: Mapping[str, Any]
    action_key: str
    events: list[Event]

    @property
    def action(self) -> ActionDefinition:
        """The action that takes the events."""
        return self.definition.actions[self.action_key]

    @cached_property
    def subscription(self) -> Subscription:
        """The one subscription, with its mapping in full."""
        fields = self.action.fields.items()
        mapping = {key: field.default for key, field in fields if field.default is not None}
        trigger = self.action.default_subscription or ""
        return Subscription(partner_action=self.action_key, subscribe=trigger, name=self.name, mapping=mapping)

    @cached_property
    def destination(self) -> Destination:
        """The destination, set up."""
        return Destination(self.definition, self.settings, [self.subscription])

    @cached_property
    def lines(self) -> list[bytes]:
        """The events as lines of NDJSON."""
        return [orjson.dumps(event) for event in self.events]

    @cached_property
    def batches(self) -> list[list[bytes]]:
        """The lines in batches of 500."""
        return [self.lines[start : start + BATCH_EVENTS] for start in range(0, len(self.lines), BATCH_EVENTS)]

    def for_the_peer(self) -> dict[str, Any]:
        """Give all of it as JSON, in Segment's terms."""
        request = self.destination.plan(self.events[:1]).requests[0].request
        authentication = {key: self.definition.settings[key] for key in self.definition.authentication.fields}
        return {
            "name": self.name,
            "lines": [line.decode() for line in self.lines],
            "batchEvents": BATCH_EVENTS,
            "subscription": self.subscription.model_dump(mode="json", by_alias=True),
            "action": {
                "title": self.action.title,
                "description": self.action.description,
                "fields": _segment_fields(self.action.fields),
            },
            "request": {
                "url": str(request.url),
                "method": request.method,
                "headers": dict(self.destination.request.headers),
            },
            "settings": self.settings,
            "settingsFields": _segment_fields(authentication),
        }


def _segment_fields(fields: Mapping[str, InputField]) -> dict[str, Any]:
    return {
        key: field.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_OURS_ALONE)
        for key, field in fields.items()
    }


def all_workloads() -> tuple[Workload, ...]:
    """Give Kable's track, and a mapping that is heavy."""
    return (
        Workload(
            name="kable",
            title="Kable's track",
            definition=kable,
            settings={"apiKey": "sk_test.of-no-account", "kableClientId": "kci_of_no_account"},
            action_key="track",
            events=api_calls(EVENTS),
        ),
        Workload(
            name="orders",
            title="heavy mapping",
            definition=order_destination,
            settings={"apiKey": "of-no-account"},
            action_key="sendOrder",
            events=orders(EVENTS),
        ),
    )

"""The requests of every action of every installed destination, as readable JSON in `snapshots/`.

After a change that is meant: `make snapshots`, and read the difference before it is committed.
"""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from syrupy.extensions.json import JSONSnapshotExtension

from field_values import values
from kable_destination.definitions import Destination, Subscription
from kable_destination.destination import kable

if TYPE_CHECKING:
    import httpx
    from syrupy.assertion import SnapshotAssertion
    from syrupy.location import PyTestLocation

    from kable_destination.definitions import DestinationDefinition

ROOT = Path(__file__).parent.parent
DESTINATIONS = {point.name: point.load() for point in entry_points(group="destination_actions")}
ACTIONS = [(name, action) for name, definition in DESTINATIONS.items() for action in definition.actions]
EVENT_TYPES = {"track": "track", "identify": "identify"}


# The files are named for what they show, not for this test, of which syrupy would warn.
pytestmark = pytest.mark.filterwarnings("ignore:[\\s\\S]*Consider adding")


class ReadableJson(JSONSnapshotExtension):
    """One file a snapshot, in the top-level folder, named for what it shows."""

    def serialize(self, data: Any, **_: Any) -> str:
        """Write as a person would: indented, in the order of the data."""
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        """Give the top-level folder, wherever the test stands."""
        return str(Path(test_location.filepath).parent.parent / "snapshots")

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: Any = 0) -> str:  # noqa: ARG003 - its interface
        """Name the file as the test names its case."""
        return str(index)


@pytest.fixture
def readable(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Snapshots as readable JSON."""
    return snapshot.use_extension(ReadableJson)


def shown(request: httpx.Request, destination: Destination) -> dict[str, Any]:
    """Show all of a request that its receiver sees, with the secrets masked."""
    return {
        "method": request.method,
        "url": str(request.url),
        "headers": {name: destination.redactor.text(value) for name, value in request.headers.items()},
        "body": json.loads(request.content),
    }


def only_request(
    definition: DestinationDefinition, action: str, event: dict[str, Any], **mapping: Any
) -> dict[str, Any]:
    """Plan one event with a mapping for one action."""
    settings = values(definition.settings, definition.slug)
    subscription = Subscription(partner_action=action, subscribe=f'type = "{event["type"]}"', mapping=mapping)
    destination = Destination(definition, settings, [subscription])
    plan = destination.plan([event])
    assert [outcome.status for outcome in plan.outcomes] == ["planned"], plan.outcomes
    return shown(plan.requests[0].request, destination)


@pytest.mark.parametrize("variant", ["required fields", "all fields"])
@pytest.mark.parametrize(("name", "action"), ACTIONS)
def test_every_action_builds_the_request_that_it_built(
    name: str, action: str, variant: str, readable: SnapshotAssertion
) -> None:
    definition = DESTINATIONS[name]
    fields = definition.actions[action].fields
    mapping = values(fields, f"{definition.slug}#{action}", required_only=variant == "required fields")
    request = only_request(definition, action, {"type": EVENT_TYPES.get(action, "track")}, **mapping)
    assert request == readable(name=f"{name}-{action}-{variant.replace(' ', '-')}")


def test_no_snapshot_is_left_of_what_is_gone() -> None:
    variants = ("required-fields", "all-fields")
    expected = {f"{name}-{action}-{variant}.json" for name, action in ACTIONS for variant in variants}
    assert {path.name for path in (ROOT / "snapshots").iterdir()} == {*expected, "kable-documented-example.json"}


def test_the_documented_example_is_what_kable_receives(readable: SnapshotAssertion) -> None:
    event = json.loads((ROOT / "examples" / "event.json").read_text(encoding="utf-8"))
    settings = {
        "apiKey": "sk_live.of-nobody",
        "kableClientId": "kci_3c90e9ac92c6",
        "propertiesMappings": {"segmentX": "kableX"},
    }
    destination = Destination(kable, settings)
    (planned,) = destination.plan([event]).requests
    assert shown(planned.request, destination) == readable(name="kable-documented-example")

"""A reference plugin with Basic credentials, whose batches hold events of one region only."""

from __future__ import annotations

from kable_destination.definitions import (
    ActionDefinition,
    BatchLimits,
    DestinationDefinition,
    InputField,
    Preset,
    RequestOptions,
)

send = ActionDefinition(
    title="Send",
    description="Sends an event.",
    default_subscription='type = "track"',
    fields={
        "name": InputField(
            label="Name", description="What happened.", type="string", required=True, default={"@path": "$.event"}
        ),
        "region": InputField(
            label="Region",
            description="Where it happened; a batch holds one region.",
            type="string",
            required=True,
            default={"@path": "$.properties.region"},
        ),
        "units": InputField(
            label="Units", description="How much was used.", type="number", default={"@path": "$.properties.units"}
        ),
    },
    batch=BatchLimits(events=2, bytes=10_000),
    batch_keys=("region",),
    perform=lambda request, data: request("PUT", "/one", json={"item": data.payload}),
    perform_batch=lambda request, data: request("POST", "/many", json={"items": data.payloads}),
)

meter = DestinationDefinition(
    name="Meter",
    slug="actions-meter",
    description="Counts what is used, region by region.",
    settings={
        "user": InputField(label="User", description="Who sends.", type="string", required=True),
        "token": InputField(label="Token", description="The user's token.", type="password", required=True),
    },
    extend_request=lambda settings: RequestOptions(
        "https://meter.example", username=settings["user"], password=settings["token"]
    ),
    actions={"send": send},
    presets=(Preset(name="All usage", partner_action="send", subscribe='type = "track"'),),
)

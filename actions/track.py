"""Record usage: a Segment track call becomes a Kable usage event."""

from __future__ import annotations

from ..definitions import ActionDefinition, InputField
from .usage_event import (
    KABLE_BATCH,
    client_id,
    record_usage_event,
    record_usage_events,
    timestamp,
    transaction_id,
)

track = ActionDefinition(
    title="Record Usage",
    description="Records a usage event in Kable for each event of your customers.",
    default_subscription='type = "track"',
    fields={
        "clientId": client_id,
        "timestamp": timestamp,
        "transactionId": transaction_id,
        "data": InputField(
            label="Data",
            description=(
                "What is measured: an object whose keys are the Dimensions that you defined in Kable. "
                "The setting Properties Mappings renames keys; all others pass through unchanged."
            ),
            type="object",
            default={"@path": "$.properties"},
            renames_setting="propertiesMappings",
        ),
    },
    idempotency_field="transactionId",
    batch=KABLE_BATCH,
    perform=record_usage_event,
    perform_batch=record_usage_events,
)

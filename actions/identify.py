"""Record membership: an Engage audience or computed trait becomes a Kable usage event.

Kable's customers carry no custom traits, so a usage event is the only way by which a membership reaches Kable.
"""

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

identify = ActionDefinition(
    title="Record Membership",
    description=(
        "Records a usage event in Kable when a customer enters or leaves an Engage audience, "
        "or when a computed trait changes."
    ),
    default_subscription='type = "identify" and context.personas.computation_class != null',
    fields={
        "clientId": client_id,
        "timestamp": timestamp,
        "transactionId": transaction_id,
        "data": InputField(
            label="Data",
            description=(
                "The membership: an object such as order_completed_last_30days: true, "
                "whose keys are the Dimensions that you defined in Kable."
            ),
            type="object",
            default={"@path": "$.traits"},
        ),
    },
    idempotency_field="transactionId",
    order_field="clientId",
    batch=KABLE_BATCH,
    perform=record_usage_event,
    perform_batch=record_usage_events,
)

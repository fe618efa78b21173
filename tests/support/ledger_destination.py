"""A reference plugin whose action looks an account up, and then sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kable_destination.definitions import (
    ActionDefinition,
    Authentication,
    DestinationDefinition,
    InputField,
    Preset,
    RequestOptions,
)

if TYPE_CHECKING:
    from kable_destination.definitions import EventData, Exchange, RequestBuilder


def look_up_and_send(request: RequestBuilder, data: EventData) -> Exchange:
    """Ask for the account of the customer, then add an entry to it."""
    found = yield request("GET", "/accounts", params={"customer": data.payload["customer"]})
    path = f"/accounts/{found.json()['account']}/entries"
    yield request("POST", path, json={"amount": data.payload["amount"], "reference": data.payload["reference"]})


record = ActionDefinition(
    title="Record",
    description="Adds an entry to the account of a customer.",
    default_subscription='type = "track" and event = "Order Completed"',
    fields={
        "customer": InputField(
            label="Customer",
            description="Whose account it is.",
            type="string",
            required=True,
            default={"@path": "$.userId"},
        ),
        "amount": InputField(
            label="Amount",
            description="What is owed.",
            type="number",
            required=True,
            default={"@path": "$.properties.total"},
        ),
        "reference": InputField(
            label="Reference",
            description="The entry's id.",
            type="string",
            required=True,
            default={"@path": "$.messageId"},
        ),
    },
    idempotency_field="reference",
    perform=look_up_and_send,
)

ledger = DestinationDefinition(
    name="Ledger",
    slug="actions-ledger",
    description="Keeps accounts.",
    settings={
        "apiKey": InputField(label="API Key", description="The key of the ledger.", type="password", required=True),
    },
    authentication=Authentication(fields=("apiKey",), test=lambda request, _: request("GET", "/me")),
    extend_request=lambda settings: RequestOptions(
        "https://ledger.example", headers={"Authorization": f"Bearer {settings['apiKey']}"}
    ),
    actions={"record": record},
    presets=(Preset(name="Orders", partner_action="record", subscribe=record.default_subscription),),
)

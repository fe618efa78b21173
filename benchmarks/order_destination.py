"""The heavy workload: an invented destination that takes a shop's orders, mapped with nearly every directive.

Conversion APIs of advertisers ask for about as much. `@liquid` is left out: it times two Liquid engines instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kable_destination.definitions import (
    ActionDefinition,
    BatchLimits,
    DestinationDefinition,
    InputField,
    RequestOptions,
)

if TYPE_CHECKING:
    import httpx

    from kable_destination.definitions import BatchData, EventData, RequestBuilder, Settings

PATH = "/v1/orders"


def path(place: str) -> dict[str, Any]:
    """Write an `@path`."""
    return {"@path": f"$.{place}"}


def cased(operator: str, value: Any) -> dict[str, Any]:
    """Write an `@case`."""
    return {"@case": {"operator": operator, "value": value}}


def either(first: str, second: str) -> dict[str, Any]:
    """Write an `@if` that takes the second path where the first leads to nothing."""
    return {"@if": {"exists": path(first), "then": path(first), "else": path(second)}}


def send_order(request: RequestBuilder, data: EventData) -> httpx.Request:
    """Build the request for one order."""
    return request("POST", PATH, json=data.payload)


def send_orders(request: RequestBuilder, data: BatchData) -> httpx.Request:
    """Build the request for several orders."""
    return request("POST", PATH, json=data.payloads)


def extend_request(settings: Settings) -> RequestOptions:
    """Name the host, and identify the shop on every request."""
    return RequestOptions("https://orders.example.com", {"X-Api-Key": settings["apiKey"]})


customer = {
    "id": either("userId", "anonymousId"),
    "known": {"@if": {"exists": path("userId"), "then": True, "else": "false"}},
    "name": {"@template": "{{context.traits.firstName}} {{context.traits.lastName}}"},
    "email": cased("lower", either("properties.email", "context.traits.email")),
    "phone": {
        "@replace": {
            "pattern": "-",
            "replacement": "",
            "pattern2": " ",
            "replacement2": "",
            "value": path("context.traits.phone"),
        }
    },
    "country": cased("upper", path("context.traits.address.country")),
}

order = {
    "id": {"@template": "order-{{properties.order_id}}"},
    "currency": {
        "@if": {
            "blank": path("properties.currency"),
            "then": cased("upper", path("properties.currency")),
            "else": "EUR",
        }
    },
    "total": path("properties.total"),
    "tax": path("properties.tax"),
    "shipping": path("properties.shipping"),
    "coupon": {
        "@if": {"blank": path("properties.coupon"), "then": cased("upper", path("properties.coupon")), "else": "none"}
    },
    "summary": {
        "@template": "{{properties.products.length}} products for {{properties.total}} in {{{context.locale}}}"
    },
}

product = {
    "id": either("sku", "product_id"),
    "title": {"@template": "{{brand}} {{name}}, {{variant}}"},
    "category": {"@replace": {"pattern": "/", "replacement": " > ", "value": path("category")}},
    "quantity": path("quantity"),
    "price": path("price"),
    "discounts": {
        "@arrayPath": ["$.discounts", {"code": cased("upper", path("code")), "amount": path("amount")}],
    },
}

action = ActionDefinition(
    title="Send Order",
    description="Sends an order with its products.",
    default_subscription='type = "track" and event = "Order Completed" and properties.total > 0',
    fields={
        "eventName": InputField(
            label="Event Name",
            type="string",
            required=True,
            default=cased("lower", {"@replace": {"pattern": " ", "replacement": "_", "value": path("event")}}),
        ),
        "eventId": InputField(label="Event ID", type="string", required=True, default=path("messageId")),
        "eventTime": InputField(label="Event Time", type="datetime", required=True, default=path("timestamp")),
        "customer": InputField(
            label="Customer",
            type="object",
            required=True,
            properties={
                "id": InputField(label="ID", type="string", required=True),
                "known": InputField(label="Known", type="boolean"),
                "name": InputField(label="Name", type="string"),
                "email": InputField(label="Email", type="string", format="email"),
                "phone": InputField(label="Phone", type="string"),
                "country": InputField(label="Country", type="string", minimum=2, maximum=2),
            },
            default=customer,
        ),
        "address": InputField(
            label="Address",
            type="object",
            default={"@flatten": {"value": path("context.traits.address"), "separator": "_"}},
        ),
        "order": InputField(
            label="Order",
            type="object",
            required=True,
            properties={
                "id": InputField(label="ID", type="string", required=True),
                "currency": InputField(label="Currency", type="string", choices=("EUR", "GBP", "USD")),
                "total": InputField(label="Total", type="number", minimum=0, required=True),
                "tax": InputField(label="Tax", type="number"),
                "shipping": InputField(label="Shipping", type="number"),
                "coupon": InputField(label="Coupon", type="string"),
                "summary": InputField(label="Summary", type="string"),
            },
            default=order,
        ),
        "products": InputField(
            label="Products",
            type="object",
            multiple=True,
            required=True,
            properties={
                "id": InputField(label="ID", type="string", required=True),
                "title": InputField(label="Title", type="string"),
                "category": InputField(label="Category", type="string"),
                "quantity": InputField(label="Quantity", type="integer", minimum=1),
                "price": InputField(label="Price", type="number"),
                "discounts": InputField(label="Discounts", type="object", multiple=True),
            },
            default={"@arrayPath": ["$.properties.products", product]},
        ),
        "attribution": InputField(
            label="Attribution",
            type="object",
            default={
                "@merge": {
                    "direction": "right",
                    "objects": [
                        {"@literal": {"source": "direct", "medium": "none"}},
                        path("context.campaign"),
                        {"page": path("context.page.url"), "agent": path("context.userAgent")},
                    ],
                }
            },
        ),
        "consent": InputField(label="Consent", type="object", default={"@excludeWhenNull": path("context.consent")}),
        "gift": InputField(
            label="Gift", type="string", default={"@json": {"mode": "encode", "value": path("properties.gift")}}
        ),
        "origin": InputField(
            label="Origin",
            type="object",
            default={
                "@transform": {
                    "apply": {"host": {"@template": "{{context.library.name}}/{{context.library.version}}"}},
                    "mapping": {"library": path("host"), "note": {"@template": "sent by {{host}}"}},
                }
            },
        ),
    },
    batch=BatchLimits(events=500, bytes=4_000_000),
    perform=send_order,
    perform_batch=send_orders,
)


order_destination = DestinationDefinition(
    name="Orders",
    slug="orders",
    settings={"apiKey": InputField(label="API Key", type="password", required=True)},
    extend_request=extend_request,
    actions={"sendOrder": action},
)

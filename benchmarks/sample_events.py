"""Invented Segment events for the workloads; the seed is fixed, so that every run times the same bytes."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

Event = dict[str, Any]

_START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
_PEOPLE = (
    ("Zoë", "Müller-O'Neill", "GB", "London"),
    ("Ana", "García Núñez", "es", "Madrid"),
    ("太郎", "山田", "JP", "東京"),
    ("Ørjan", "Åsberg", "no", "Oslo"),
    ("Jo", "Public", "CA", "St. John's"),
)
_GOODS = (
    ("Canvas Tote", "Northwind", "bags/totes", 24.5),
    ("Trail Runner", "Fjordprøve", "shoes/running/trail", 119.9),
    ("Pour-over Kettle", "Blue Barge", "kitchen/coffee", 64),
    ("Desk Lamp", "Quillfeather", "home/lighting", 38.25),
)
_ENDPOINTS = ("/v1/search", "/v1/reports/77", "/v2/exports", "/v1/embeddings")
_REGIONS = ("eu-central-1", "us-east-1", "ap-northeast-1")
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0"


def api_calls(count: int) -> list[Event]:
    """Make track events of an API company: one for each call that is billed."""
    dice = random.Random(20260304)  # noqa: S311 - invented data holds no secret
    return [_api_call(dice, number) for number in range(count)]


def orders(count: int) -> list[Event]:
    """Make Order Completed events of a shop (Segment's Ecommerce Spec)."""
    dice = random.Random(20260305)  # noqa: S311 - invented data holds no secret
    return [_order(dice, number) for number in range(count)]


def _api_call(dice: random.Random, number: int) -> Event:
    return {
        **_envelope(dice, number),
        "event": "API Call",
        "userId": f"cust_{dice.randrange(400):04}",
        "context": {**_visit(dice), "groupId": f"grp_{dice.randrange(40)}", "active": True},
        "properties": {
            "endpoint": dice.choice(_ENDPOINTS),
            "region": dice.choice(_REGIONS),
            "units": dice.randrange(1, 500),
            "bytes": dice.randrange(10_000_000),
            "seconds": round(dice.uniform(0.001, 4), 3),
            "cached": dice.random() < 0.3,
            "model": None if dice.random() < 0.25 else "small-1",
        },
    }


def _order(dice: random.Random, number: int) -> Event:
    first, last, country, city = dice.choice(_PEOPLE)
    products = [_product(dice, position) for position in range(dice.randrange(1, 6))]
    total = round(sum(product["price"] * product["quantity"] for product in products), 2)
    known = dice.random() < 0.6
    return {
        **_envelope(dice, number),
        "event": "Order Completed",
        "userId": f"shopper-{dice.randrange(5000)}" if known else None,
        "context": {
            **_visit(dice),
            "consent": {"ads": dice.choice((True, False, None)), "analytics": True, "personalisation": None},
            "traits": {
                "firstName": first,
                "lastName": last,
                "email": f"Shopper.{number}@Example.COM",
                "phone": f"+44 20-7946-{dice.randrange(10_000):04}",
                "address": {"city": city, "country": country, "geo": {"lat": 51.5, "lon": -0.12}},
            },
        },
        "properties": {
            "order_id": f"{50_000 + number}",
            "currency": dice.choice(("eur", "USD", "gbp", "")),
            "total": total,
            "tax": round(total / 6, 2),
            "shipping": dice.choice((0, 4.99)),
            "coupon": dice.choice((None, "", "spring-10")),
            "products": products,
            "gift": {"note": "For you 🎁", "wrapped": True} if dice.random() < 0.2 else None,
        },
    }


def _visit(dice: random.Random) -> Event:
    """Make what Segment's Spec lists under Context, as far as a browser knows it."""
    visit: Event = {
        "app": {"name": "Meterly", "version": "4.12.1", "build": "4121"},
        "ip": f"203.0.113.{dice.randrange(256)}",
        "library": {"name": "analytics.js", "version": "next-1.79.1"},
        "locale": "en-GB",
        "os": {"name": "Linux", "version": "6.12"},
        "page": {
            "path": "/app/reports/77",
            "referrer": "https://search.example.com/?q=usage+billing",
            "search": "?step=4",
            "title": "Reports | Console",
            "url": "https://app.example.com/app/reports/77?step=4",
        },
        "screen": {"density": 2, "height": 1080, "width": 1920},
        "timezone": "Europe/London",
        "userAgent": _BROWSER,
    }
    if dice.random() < 0.5:
        visit["campaign"] = {"name": "spring", "source": "newsletter", "medium": "email"}
    return visit


def _product(dice: random.Random, position: int) -> Event:
    name, brand, category, price = dice.choice(_GOODS)
    product: Event = {
        "product_id": f"p-{dice.randrange(100_000)}",
        "name": name,
        "brand": brand,
        "variant": dice.choice(("small", "medium", "large")),
        "category": category,
        "price": price,
        "quantity": dice.randrange(1, 4),
        "position": position + 1,
        "image_url": "https://cdn.example.com/images/product.jpg",
    }
    if dice.random() < 0.7:
        product["sku"] = f"SKU-{dice.randrange(1000):03}"
    if dice.random() < 0.4:
        product["discounts"] = [
            {"code": f"save{step}", "amount": step * 1.25} for step in range(1, dice.randrange(2, 4))
        ]
    return product


def _envelope(dice: random.Random, number: int) -> Event:
    moment = _START + timedelta(milliseconds=137 * number)
    timestamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
    return {
        "type": "track",
        "messageId": _uuid(dice),
        "originalTimestamp": timestamp,
        "sentAt": timestamp,
        "receivedAt": timestamp,
        "timestamp": timestamp,
        "version": "1",
        "anonymousId": _uuid(dice),
        "integrations": {},
    }


def _uuid(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))

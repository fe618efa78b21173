"""Requests to the sandbox, and what it says about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kable_destination.runner.sandbox import DEFAULT_API_KEY, DEFAULT_CLIENT_ID

if TYPE_CHECKING:
    import httpx

CREATE = "/api/v1/events/create"
AUTHENTICATE = "/api/v1/authenticate"
CREDENTIALS = {"Kable-Client-ID": DEFAULT_CLIENT_ID, "Kable-Client-Secret": DEFAULT_API_KEY}
TWICE = {**CREDENTIALS, "X-CLIENT-ID": DEFAULT_CLIENT_ID, "X-API-KEY": DEFAULT_API_KEY}
EVENT = {"clientId": "acme", "timestamp": "2026-03-04T05:06:07Z"}


def usage(number: int, **changes: Any) -> dict[str, Any]:
    """Return a usage event of its own."""
    return {**EVENT, "transactionId": f"t-{number}", "data": {"number": number}, **changes}


def post(client: httpx.Client, document: Any) -> httpx.Response:
    """Post events to be recorded."""
    return client.post(CREATE, content=orjson.dumps(document), headers={"Content-Type": "application/json"})


def rejections(client: httpx.Client) -> list[dict[str, Any]]:
    """Return the rejections that the sandbox has kept."""
    found: list[dict[str, Any]] = client.get("/sandbox/rejections").raise_for_status().json()["rejections"]
    return found


def reasons(client: httpx.Client) -> list[tuple[int | None, str]]:
    """Return the reasons of the latest rejection, each with its event's place in the list."""
    return [(reason["index"], reason["message"]) for reason in rejections(client)[-1]["reasons"]]

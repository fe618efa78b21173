"""Kable's two environments, and what every request to them carries. Source: Kable's API reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..definitions import Environment, Environments, RequestOptions

if TYPE_CHECKING:
    import httpx

    from ..definitions import RequestBuilder, Settings

environments = Environments(
    setting="apiKey",
    choices=(
        Environment(name="Live", prefix="sk_live", base_url="https://live.kable.io", is_live=True),
        Environment(name="Test", prefix="sk_test", base_url="https://test.kable.io"),
    ),
)


def extend_request(settings: Settings) -> RequestOptions:
    """Pick the environment by the prefix of the key, and identify the user on every request."""
    api_key = settings["apiKey"]
    # A key of neither is accepted only with a base URL of the user's, which replaces this one.
    environment = environments.of(settings) or environments.harmless
    return RequestOptions(
        base_url=environment.base_url,
        headers={
            "Kable-Client-ID": settings["kableClientId"],
            "Kable-Client-Secret": api_key,
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
    )


def authenticate(request: RequestBuilder, settings: Settings) -> httpx.Request:
    """Ask Kable whether the credentials are valid. Records nothing and bills nothing."""
    credentials = {"X-CLIENT-ID": settings["kableClientId"], "X-API-KEY": settings["apiKey"]}
    return request("POST", "/api/v1/authenticate", headers=credentials)

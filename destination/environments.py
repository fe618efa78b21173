"""Kable's two environments, and what every request to them carries. Source: Kable's API reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..definitions import RequestOptions

if TYPE_CHECKING:
    import httpx

    from ..definitions import RequestBuilder, Settings

LIVE = "https://live.kable.io"
TEST = "https://test.kable.io"
TEST_KEY_PREFIX = "sk_test"


def extend_request(settings: Settings) -> RequestOptions:
    """Pick the environment by the prefix of the key, and identify the user on every request."""
    api_key = settings["apiKey"]
    return RequestOptions(
        base_url=TEST if api_key.startswith(TEST_KEY_PREFIX) else LIVE,
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

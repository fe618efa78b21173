"""What a web page asks for before it sends events, and whose pages may send them."""

from __future__ import annotations

import gzip
import socket
from typing import TYPE_CHECKING

import pytest

from command_line import API_KEY, CLIENT_ID
from kable_destination.definitions import SetupError
from kable_destination.runner.sandbox import running_sandbox
from running_service import CONFIGURATION, WRITE_KEY, running_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox
    from running_service import RunningService

SETTINGS = f"/v1/projects/{WRITE_KEY}/settings"
SCRIPT = f"/analytics.js/v1/{WRITE_KEY}/analytics.min.js"
SHOP = "https://shop.example.com"
OTHER = "https://other.example.com"
PREFLIGHT = {
    "Origin": SHOP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,x-retry-count",
}


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as running:
        yield running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, shared_sandbox: RunningSandbox) -> Iterator[RunningService]:
    """A service for the pages of all origins, without more configuration."""
    with running_service(tmp_path_factory.mktemp("open"), shared_sandbox) as running:
        yield running


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory, shared_sandbox: RunningSandbox) -> Iterator[RunningService]:
    """A service for the pages of one origin, which serves a script, behind an address of its own."""
    folder = tmp_path_factory.mktemp("listed")
    (folder / "analytics.js").write_text("/* Zoë */" * 100, encoding="utf-8")
    configuration = f'publicUrl = "https://events.example.com/ingest"\n{CONFIGURATION}'
    options = {"origins": [SHOP], "analyticsJs": "analytics.js"}
    with running_service(folder, shared_sandbox, configuration=configuration, service=options) as running:
        yield running


@pytest.mark.parametrize("path", [SETTINGS, f"/projects/{WRITE_KEY}/settings", f"//v1/projects/{WRITE_KEY}/settings/"])
def test_the_settings_keep_analytics_js_on_the_host_that_it_asked(service: RunningService, path: str) -> None:
    response = service.client.get(f"{service.running.base_url}{path}", headers={"Host": "events.example.com:8443"})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.json() == {
        "integrations": {
            "Segment.io": {"apiKey": WRITE_KEY, "apiHost": "events.example.com:8443/v1", "protocol": "http"}
        },
        "metrics": {"sampleRate": 0},
    }


def test_the_settings_name_the_public_address_if_there_is_one(listed: RunningService) -> None:
    response = listed.client.get(SETTINGS, headers={"Host": "evil.example.com"})
    assert response.json()["integrations"]["Segment.io"] == {
        "apiKey": WRITE_KEY,
        "apiHost": "events.example.com/ingest/v1",
        "protocol": "https",
    }


@pytest.mark.parametrize("host", ["", "evil.example.com/x?", 'a"b', "user@evil.example.com", "a" * 300, "x:999999"])
def test_a_host_that_is_none_never_comes_back_in_an_answer(service: RunningService, host: str) -> None:
    response = service.client.get(SETTINGS, headers={"Host": host})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_host")
    assert host == "" or host not in response.text


def test_a_request_without_a_host_is_answered(service: RunningService) -> None:
    address, _, port = service.running.base_url.removeprefix("http://").rpartition(":")
    with socket.create_connection((address, int(port)), timeout=10) as connection:
        connection.sendall(f"GET {SETTINGS} HTTP/1.0\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("path", ["/v1/projects/nobody/settings", "/analytics.js/v1/nobody/analytics.min.js"])
def test_pages_can_read_that_a_write_key_is_unknown(service: RunningService, path: str) -> None:
    response = service.client.get(path, headers={"Origin": SHOP})
    assert (response.status_code, response.json()["code"]) == (404, "invalid_write_key")
    assert response.headers["access-control-allow-origin"] == "*"


def test_without_a_build_of_analytics_js_the_answer_says_what_to_configure(service: RunningService) -> None:
    response = service.client.get(SCRIPT)
    assert response.status_code == 404
    assert "analyticsJs" in response.json()["message"]


def test_analytics_js_is_served_and_kept_by_browsers(listed: RunningService) -> None:
    plain = listed.client.get(SCRIPT, headers={"Accept-Encoding": "identity"})
    assert plain.status_code == 200
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["cache-control"] == "public, max-age=300"
    assert plain.content.decode() == "/* Zoë */" * 100
    compressed = listed.client.get(SCRIPT, headers={"Accept-Encoding": "gzip"})
    assert compressed.headers["content-encoding"] == "gzip"
    assert compressed.content == plain.content
    assert int(compressed.headers["content-length"]) == len(gzip.compress(plain.content, mtime=0))
    again = listed.client.get(SCRIPT, headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_build_of_analytics_js_that_cannot_be_read_stops_the_start(tmp_path: Path, sandbox: RunningSandbox) -> None:
    missing = running_service(tmp_path, sandbox, service={"analyticsJs": "missing.js"})
    with pytest.raises(SetupError, match=r"missing\.js cannot be read: No such file or directory"), missing:
        pass


@pytest.mark.parametrize("path", ["/v1/t", "/v1/batch", "//v1//t/", SETTINGS])
def test_a_preflight_needs_no_write_key(service: RunningService, path: str) -> None:
    response = service.client.options(f"{service.running.base_url}{path}", headers=PREFLIGHT)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-headers"] == "authorization, content-type, x-retry-count"
    assert "POST" in response.headers["access-control-allow-methods"]
    assert response.headers["access-control-max-age"] == "7200"
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/v1/t", b"{}", 400), ("/v1/unknown", b"", 404), ("/v1/t", b"{", 400), ("/v1/m", b"", 200)],
)
def test_pages_can_read_every_answer(service: RunningService, path: str, body: bytes, status: int) -> None:
    response = service.client.post(path, content=body, headers={"Origin": SHOP, "Content-Type": "text/plain"})
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-expose-headers"] == "Retry-After"


def test_a_listed_origin_may_send_with_cookies(listed: RunningService) -> None:
    preflight = listed.client.options("/v1/t", headers=PREFLIGHT)
    answer = listed.post("/v1/t", {"userId": "u", "event": "X"}, headers={"Origin": SHOP})
    assert (preflight.status_code, answer.status_code) == (204, 200)
    for response in (preflight, answer):
        assert response.headers["access-control-allow-origin"] == SHOP
        assert response.headers["access-control-allow-credentials"] == "true"
        assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", [OTHER, "null", f"{SHOP}.evil.example", "http://shop.example.com", ""])
def test_pages_of_other_origins_are_refused(listed: RunningService, origin: str) -> None:
    preflight = listed.client.options("/v1/t", headers={**PREFLIGHT, "Origin": origin})
    answer = listed.post("/v1/t", {"userId": "u", "event": "X"}, headers={"Origin": origin})
    for response in (preflight, answer, listed.client.get(SETTINGS, headers={"Origin": origin})):
        assert response.status_code == 403
        assert response.json()["code"] == "origin_not_allowed"
        assert "access-control-allow-origin" not in response.headers
        assert response.headers["vary"] == "Origin"


def test_servers_need_no_origin(listed: RunningService) -> None:
    assert listed.post("/v1/t", {"userId": "u", "event": "X"}).status_code == 200
    settings = listed.client.get(SETTINGS)
    assert settings.status_code == 200
    assert settings.headers["vary"] == "Origin", "a cache must not give this answer to a page"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_pages_cannot_read_what_is_not_for_them(service: RunningService, path: str) -> None:
    response = service.client.get(path, headers={"Origin": SHOP})
    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("access-control")]

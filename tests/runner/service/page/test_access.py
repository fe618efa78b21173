"""Only this machine, or who has the token, may use the page; and only from the page itself."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from command_line import API_KEY, CLIENT_ID
from kable_destination.definitions import SetupError
from kable_destination.runner.sandbox import running_sandbox
from open_page import DRAFT, MARK, open_page
from running_service import CONFIGURATION, running_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from open_page import OpenPage

TOKEN = "the-token-of-the-page-0123456789"  # noqa: S105 - of these tests
WITH_TOKEN = f'[settings]\nkableClientId = "{CLIENT_ID}"\n[service]\npageTokenEnv = "PAGE_TOKEN"\n'
ASKED = {"draft": DRAFT, "event": '{"type": "track"}'}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenPage]:
    with open_page(tmp_path_factory.mktemp("page")) as opened:
        yield opened


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenPage]:
    folder = tmp_path_factory.mktemp("guarded")
    with open_page(folder, configuration=WITH_TOKEN, environment={"PAGE_TOKEN": TOKEN}) as opened:
        yield opened


def test_the_page_may_do_everything(page: OpenPage) -> None:
    own = {"Origin": page.base_url, "Sec-Fetch-Site": "same-origin"}
    assert page.post("preview", ASKED, headers=own).status_code == 200
    assert page.get("start", headers=own).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-Kable-Page": ""},
    ],
)
def test_another_page_may_do_nothing(page: OpenPage, headers: dict[str, str]) -> None:
    for answer in (page.post("preview", ASKED, headers=headers), page.get("start", headers=headers)):
        assert answer.status_code == 403
        assert CLIENT_ID not in answer.text
        assert "access-control-allow-origin" not in answer.headers


def test_a_preflight_of_another_page_gets_no_leave(page: OpenPage) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = page.client.options("/page/api/preview", headers=asked)
    assert answer.status_code in {403, 405}
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_cannot_send(page: OpenPage, media_type: str) -> None:
    answer = page.client.post("/page/api/preview", content=b"{}", headers={"Content-Type": media_type})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", ""]
)
@pytest.mark.parametrize("path", ["/", "/page/page.js", "/page/api/start"])
def test_another_host_name_is_refused_since_it_may_come_to_mean_this_machine(
    page: OpenPage, host: str, path: str
) -> None:
    answer = page.client.get(path, headers={"Host": host})
    assert answer.status_code in {400, 421}, answer.text
    assert CLIENT_ID not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:8090"])
def test_this_machine_has_several_names(page: OpenPage, host: str) -> None:
    assert page.client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("name", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP"])
def test_through_a_proxy_it_needs_a_token(page: OpenPage, name: str) -> None:
    answer = page.get("start", headers={name: "203.0.113.9"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_needed")


def test_a_proxy_that_says_nothing_is_known_by_its_old_http(page: OpenPage) -> None:
    url = httpx.URL(page.base_url)
    with socket.create_connection((url.host, url.port or 80)) as connection:
        connection.sendall(b"GET /page/api/start HTTP/1.0\r\nHost: 127.0.0.1\r\nX-Kable-Page: 1\r\n\r\n")
        assert connection.recv(1000).split(b" ", 2)[1] == b"401"


def test_the_token_opens_the_page_and_nothing_else_does(guarded: OpenPage) -> None:
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.get("start", headers=right).status_code == 200
    assert guarded.post("preview", ASKED, headers=right).status_code == 200
    without = guarded.get("start")
    assert (without.status_code, without.json()["code"]) == (401, "token_needed")
    for wrong in (f"Bearer {TOKEN}x", "Bearer", f"Basic {TOKEN}", TOKEN):
        refused = guarded.get("start", headers={"Authorization": wrong})
        assert (refused.status_code, TOKEN in refused.text) == (401, False)
    # Only the files are there without it: the page has to ask for the token.
    assert guarded.client.get("/").status_code == 200


def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    with open_page(tmp_path, configuration=WITH_TOKEN, environment={"PAGE_TOKEN": TOKEN}) as guarded:
        statuses = [
            guarded.get("start", headers={"Authorization": f"Bearer guess-{number}"}).status_code
            for number in range(20)
        ]
        assert (statuses[0], statuses[-1]) == (401, 429)
        waiting = guarded.get("start", headers={"Authorization": f"Bearer {TOKEN}"})
        assert (waiting.status_code, int(waiting.headers["Retry-After"]) > 0) == (429, True)


def test_an_address_of_other_machines_needs_a_token(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="pageTokenEnv"), open_page(tmp_path, host="0.0.0.0"):  # noqa: S104
        pass
    environment = {"PAGE_TOKEN": TOKEN}
    with open_page(tmp_path, host="0.0.0.0", configuration=WITH_TOKEN, environment=environment) as opened:  # noqa: S104
        url = f"http://127.0.0.1:{httpx.URL(opened.base_url).port}/page/api/start"
        assert httpx.get(url, headers=MARK).status_code == 401
        assert httpx.get(url, headers={**MARK, "Authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("token", ["short", " " * 30])
def test_a_token_that_can_be_guessed_is_refused(tmp_path: Path, token: str) -> None:
    with (
        pytest.raises(SetupError, match="at least 20 characters"),
        open_page(tmp_path, configuration=WITH_TOKEN, environment={"PAGE_TOKEN": token}),
    ):
        pass


def test_a_token_that_no_browser_can_send_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(SetupError, match="cannot send"),
        open_page(tmp_path, configuration=WITH_TOKEN, environment={"PAGE_TOKEN": "“" + "a" * 30}),
    ):
        pass


def test_every_answer_keeps_the_browser_within_the_page(page: OpenPage) -> None:
    answers = [page.client.get("/"), page.get("start"), page.get("start", headers={"Origin": "null"})]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answers[1].headers["Cache-Control"] == "no-store"


def test_only_the_files_of_the_page_can_be_asked_for(page: OpenPage) -> None:
    for name in ("page.js", "page.css", "index.html", "licences.txt"):
        assert page.client.get(f"/page/{name}").status_code == 200
    for name in ("access.py", "..%2faccess.py", "%2e%2e/access.py", "static", "__init__.py", "page.js%00"):
        assert page.client.get(f"/page/{name}").status_code == 404
    found = page.client.get("/page/page.js")
    again = page.client.get("/page/page.js", headers={"If-None-Match": found.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert found.headers["Content-Encoding"] == "gzip"


def test_a_service_has_the_page_too(tmp_path: Path) -> None:
    with (
        running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox,
        running_service(tmp_path, sandbox) as service,
    ):
        assert service.client.get("/").status_code == 200
        start = service.client.get("/page/api/start", headers=MARK)
        assert (start.status_code, API_KEY in start.text) == (200, False)
        assert service.client.get("/page/api/start").status_code == 403


def test_a_service_behind_a_proxy_or_for_others_has_no_page_without_a_token(tmp_path: Path) -> None:
    public = f'publicUrl = "https://events.example.com"\n{CONFIGURATION}'
    off = f"{CONFIGURATION}\n[service]\npage = false\n"
    for name, configuration in {"public": public, "off": off}.items():
        folder = tmp_path / name
        folder.mkdir()
        with (
            running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox,
            running_service(folder, sandbox, configuration=configuration) as service,
        ):
            assert service.client.get("/").status_code == 404
            assert service.client.get("/page/api/start", headers=MARK).status_code == 404


def test_the_page_is_on_the_admin_address_if_there_is_one(tmp_path: Path) -> None:
    with (
        running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox,
        running_service(tmp_path, sandbox, service={"adminPort": 0}) as service,
    ):
        assert service.client.get("/").status_code == 404
        assert httpx.get(f"{service.running.admin_url}/").status_code == 200

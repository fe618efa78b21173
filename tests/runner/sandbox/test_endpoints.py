"""The local Kable checks credentials, shows what it would bill, and answers as Kable documents."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.routing import Route

from kable_destination.runner.sandbox import (
    DEFAULT_API_KEY,
    DEFAULT_CLIENT_ID,
    RunningSandbox,
    create_app,
    running_sandbox,
)
from sandbox_requests import AUTHENTICATE, CREATE, CREDENTIALS, EVENT, TWICE, post, reasons, rejections, usage

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class TestCredentials:
    """Nothing is done for a stranger, and the secret stays one."""

    @pytest.mark.parametrize("header", CREDENTIALS)
    @pytest.mark.parametrize("value", [None, "", "wrong", "é"], ids=["missing", "empty", "wrong", "not ascii"])
    def test_events_need_both_credentials(
        self, emptied_sandbox: RunningSandbox, header: str, value: str | None
    ) -> None:
        headers = with_header(CREDENTIALS, header, value)
        answer = httpx.post(f"{emptied_sandbox.base_url}{CREATE}", json=EVENT, headers=headers)
        assert answer.status_code == 401
        assert answer.json() == {"message": "The credentials are not valid."}
        assert emptied_sandbox.ledger.events == []

    @pytest.mark.parametrize("header", TWICE)
    @pytest.mark.parametrize("value", [None, "", "wrong"], ids=["missing", "empty", "wrong"])
    def test_authenticate_needs_both_credentials_twice(
        self, emptied_sandbox: RunningSandbox, header: str, value: str | None
    ) -> None:
        answer = httpx.post(f"{emptied_sandbox.base_url}{AUTHENTICATE}", headers=with_header(TWICE, header, value))
        assert answer.status_code == 401
        assert answer.json() == {"message": "The credentials are not valid."}

    def test_authenticate_answers_200_when_all_are_right(self, emptied_sandbox: RunningSandbox) -> None:
        assert httpx.post(f"{emptied_sandbox.base_url}{AUTHENTICATE}", headers=TWICE).status_code == 200
        assert emptied_sandbox.ledger.requests == 0

    def test_a_person_can_see_which_credential_was_at_fault(self, kable: httpx.Client) -> None:
        kable.post(AUTHENTICATE, headers={"X-API-KEY": "wrong"})
        assert reasons(kable) == [(None, "the header X-CLIENT-ID is missing"), (None, "the header X-API-KEY is wrong")]

    def test_a_sandbox_has_the_credentials_that_it_was_started_with(self) -> None:
        mine = {"Kable-Client-ID": "kci_mine", "Kable-Client-Secret": "sk_live.mine"}
        with running_sandbox(client_id="kci_mine", api_key="sk_live.mine") as own:
            assert httpx.post(f"{own.base_url}{CREATE}", json=EVENT, headers=mine).status_code == 200
            assert httpx.post(f"{own.base_url}{CREATE}", json=EVENT, headers=CREDENTIALS).status_code == 401

    @pytest.mark.parametrize("value", ["", "  ", " padded", "line\nbreak", "clé"])
    def test_credentials_that_no_header_can_carry_are_refused_at_the_start(self, value: str) -> None:
        with pytest.raises(ValueError, match="API key must be printable ASCII"):
            create_app(client_id="kci_mine", api_key=value)
        with pytest.raises(ValueError, match="Kable Client ID must be printable ASCII"):
            create_app(client_id=value, api_key="sk_test.mine")

    def test_the_secret_is_in_no_answer_and_no_log(
        self, kable: httpx.Client, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level("DEBUG")
        answers = [
            post(kable, usage(1)),
            post(kable, usage(2, timestamp=DEFAULT_API_KEY)),
            post(kable, usage(3, **{DEFAULT_API_KEY: 1})),
            post(kable, usage(4, timestamp="x" * 30 + DEFAULT_API_KEY)),
            kable.post(AUTHENTICATE, headers={"X-API-KEY": DEFAULT_API_KEY}),
            kable.post(CREATE, content=DEFAULT_API_KEY, headers={"Content-Type": "application/json"}),
            kable.get(f"/{DEFAULT_API_KEY}"),
            kable.get("/sandbox/ledger"),
            kable.get("/sandbox/rejections"),
        ]
        assert [answer.status_code for answer in answers] == [200, 400, 400, 400, 401, 400, 404, 200, 200]
        assert not [answer for answer in answers if DEFAULT_API_KEY in f"{answer.headers}{answer.text}"]
        server_log = "".join(record.getMessage() for record in caplog.records if record.name.startswith("uvicorn"))
        assert DEFAULT_API_KEY not in server_log + "".join(capfd.readouterr())


def with_header(headers: dict[str, str], name: str, value: str | None) -> httpx.Headers:
    """Give the headers with one of them changed, or left out when the value is None."""
    changed = {**headers, name: value}
    return httpx.Headers([(key.encode(), text.encode()) for key, text in changed.items() if text is not None])


class TestLookingBehindTheEndpoints:
    """The sandbox's own pages show what was billed and what was not."""

    def test_the_ledger_shows_the_events_and_all_counts(self, kable: httpx.Client) -> None:
        post(kable, [usage(1), usage(2)])
        post(kable, usage(1))
        post(kable, usage(3, clientId=""))
        post(kable, [])
        kable.post(CREATE, headers={"Kable-Client-Secret": "wrong"})
        assert kable.get("/sandbox/ledger").json() == {
            "count": 2,
            "duplicates": 1,
            "requests": 5,
            "accepted_requests": 2,
            "events": [usage(1), usage(2)],
        }

    def test_the_live_ledger_has_the_counts_that_the_ledger_page_shows(
        self, kable: httpx.Client, emptied_sandbox: RunningSandbox
    ) -> None:
        post(kable, [usage(1), usage(1)])
        post(kable, {})
        assert emptied_sandbox.ledger.document() == kable.get("/sandbox/ledger").json()
        assert (
            emptied_sandbox.ledger.duplicates,
            emptied_sandbox.ledger.requests,
            emptied_sandbox.ledger.accepted_requests,
        ) == (1, 2, 1)

    def test_a_large_ledger_can_be_read_in_parts(self, kable: httpx.Client) -> None:
        post(kable, [usage(number) for number in range(10)])
        part = kable.get("/sandbox/ledger", params={"offset": 7, "limit": 2}).json()
        assert part["events"] == [usage(7), usage(8)]
        assert part["count"] == 10
        assert kable.get("/sandbox/ledger", params={"offset": 10}).json()["events"] == []

    @pytest.mark.parametrize("value", ["-1", "ten", "", "1.5", "9" * 5000, "٣"])
    def test_a_part_that_cannot_be_understood_is_refused(self, kable: httpx.Client, value: str) -> None:
        answer = kable.get("/sandbox/ledger", params={"limit": value})
        assert answer.status_code == 400
        assert answer.json() == {"message": "limit must be a whole number, such as limit=100."}

    def test_a_reset_empties_everything(self, kable: httpx.Client) -> None:
        post(kable, [usage(1), usage(1)])
        post(kable, {})
        assert kable.post("/sandbox/reset").status_code == 200
        assert kable.get("/sandbox/ledger").json() == {
            "count": 0,
            "duplicates": 0,
            "requests": 0,
            "accepted_requests": 0,
            "events": [],
        }
        assert rejections(kable) == []
        post(kable, usage(1))
        assert kable.get("/sandbox/ledger").json()["count"] == 1

    def test_a_rejection_is_found_by_its_request_id(self, kable: httpx.Client) -> None:
        answer = post(kable, {"clientId": "acme"})
        assert rejections(kable) == [
            {
                "request_id": answer.headers["X-REQUEST-ID"],
                "path": CREATE,
                "status": 400,
                "message": "One or more events are not valid.",
                "reason_count": 1,
                "reasons": [{"message": "timestamp is missing", "index": 0}],
            }
        ]

    def test_only_the_latest_rejections_and_their_first_reasons_are_kept(self, kable: httpx.Client) -> None:
        for length in range(1, 103):
            post(kable, [{}] * length)
        kept = rejections(kable)
        assert [rejection["reason_count"] for rejection in kept] == [2 * length for length in range(3, 103)]
        assert max(len(rejection["reasons"]) for rejection in kept) == 50


class TestAnswers:
    """Every answer is JSON or empty, and can be quoted by its id."""

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/", 404),
            ("POST", "/api/v1/events", 404),
            ("POST", "/api/v1/events/create/", 404),
            ("GET", "/sandbox", 404),
            ("GET", CREATE, 405),
            ("PUT", CREATE, 405),
            ("GET", AUTHENTICATE, 405),
            ("POST", "/sandbox/ledger", 405),
            ("DELETE", "/sandbox/ledger", 405),
            ("GET", "/sandbox/reset", 405),
        ],
    )
    def test_what_does_not_exist_is_answered_in_json(
        self, kable: httpx.Client, method: str, path: str, status: int
    ) -> None:
        answer = kable.request(method, path)
        assert answer.status_code == status
        assert list(answer.json()) == ["message"]
        assert answer.headers["X-REQUEST-ID"]

    def test_every_answer_has_a_request_id_of_its_own(self, kable: httpx.Client) -> None:
        answers = [
            post(kable, usage(1)),
            post(kable, {}),
            post(kable, {}),
            post(kable, "x" * 1_000_001),
            kable.post(AUTHENTICATE),
            kable.post(AUTHENTICATE, headers=TWICE),
            kable.get("/sandbox/ledger"),
            kable.get("/sandbox/ledger?limit=x"),
            kable.get("/sandbox/rejections"),
            kable.get("/nowhere"),
            kable.post("/sandbox/reset"),
        ]
        assert len({answer.headers["X-REQUEST-ID"] for answer in answers}) == len(answers)

    def test_a_failure_of_the_sandbox_itself_has_a_request_id_too(self) -> None:
        async def fail(_request: Request) -> Response:
            raise ZeroDivisionError

        async def ask() -> httpx.Response:
            app = create_app(client_id=DEFAULT_CLIENT_ID, api_key=DEFAULT_API_KEY)
            app.router.routes.append(Route("/fail", fail))
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
                return await client.get("/fail")

        answer = asyncio.run(ask())
        assert answer.status_code == 500
        assert answer.json() == {"message": "The sandbox itself failed; its log says why."}
        assert answer.headers["X-REQUEST-ID"]

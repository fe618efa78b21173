"""The local Kable answers as Kable documents, keeps what it would bill, and tells why it turned something down."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
from starlette.routing import Route

from kable_destination.runner.sandbox import (
    DEFAULT_API_KEY,
    DEFAULT_CLIENT_ID,
    RunningSandbox,
    create_app,
    running_sandbox,
    serve,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response

CREATE = "/api/v1/events/create"
AUTHENTICATE = "/api/v1/authenticate"
CREDENTIALS = {"Kable-Client-ID": DEFAULT_CLIENT_ID, "Kable-Client-Secret": DEFAULT_API_KEY}
TWICE = {**CREDENTIALS, "X-CLIENT-ID": DEFAULT_CLIENT_ID, "X-API-KEY": DEFAULT_API_KEY}
EVENT = {"clientId": "acme", "timestamp": "2026-03-04T05:06:07Z"}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def client(server: RunningSandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, headers=CREDENTIALS) as client:
        yield client


@pytest.fixture
def kable(client: httpx.Client) -> httpx.Client:
    client.post("/sandbox/reset").raise_for_status()
    return client


@pytest.fixture
def sandbox(server: RunningSandbox, kable: httpx.Client) -> RunningSandbox:  # noqa: ARG001 - which empties it
    return server


def usage(number: int, **changes: Any) -> dict[str, Any]:
    return {**EVENT, "transactionId": f"t-{number}", "data": {"number": number}, **changes}


def post(client: httpx.Client, document: Any) -> httpx.Response:
    return client.post(CREATE, content=orjson.dumps(document), headers={"Content-Type": "application/json"})


def rejections(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/sandbox/rejections").raise_for_status().json()["rejections"]
    return found


def faults(client: httpx.Client) -> list[tuple[int | None, str]]:
    """Give the reasons of the latest rejection, each with its event's place in the list."""
    return [(reason["index"], reason["message"]) for reason in rejections(client)[-1]["reasons"]]


class TestRecording:
    """What is valid is recorded once, in order."""

    def test_one_event_is_answered_with_200_and_an_empty_body(
        self, kable: httpx.Client, sandbox: RunningSandbox
    ) -> None:
        answer = post(kable, usage(1))
        assert (answer.status_code, answer.content) == (200, b"")
        assert sandbox.ledger.events == [usage(1)]

    def test_a_list_is_recorded_in_its_order(self, kable: httpx.Client, sandbox: RunningSandbox) -> None:
        events = [usage(number) for number in (3, 1, 2)]
        assert post(kable, events).status_code == 200
        assert sandbox.ledger.events == events

    def test_the_first_event_of_a_transaction_id_wins(self, kable: httpx.Client, sandbox: RunningSandbox) -> None:
        assert post(kable, usage(1)).status_code == 200
        assert post(kable, usage(1, clientId="other")).status_code == 200
        assert sandbox.ledger.events == [usage(1)]
        assert sandbox.ledger.duplicates == 1

    def test_duplicates_within_one_list_are_discarded(self, kable: httpx.Client, sandbox: RunningSandbox) -> None:
        assert post(kable, [usage(1), usage(2), usage(1, data={})]).status_code == 200
        assert sandbox.ledger.events == [usage(1), usage(2)]
        assert sandbox.ledger.duplicates == 1

    def test_events_without_a_transaction_id_are_always_recorded(
        self, kable: httpx.Client, sandbox: RunningSandbox
    ) -> None:
        post(kable, [EVENT, EVENT])
        post(kable, EVENT)
        assert sandbox.ledger.events == [EVENT, EVENT, EVENT]
        assert sandbox.ledger.duplicates == 0

    def test_a_refused_transaction_id_is_free_for_the_corrected_event(
        self, kable: httpx.Client, sandbox: RunningSandbox
    ) -> None:
        assert post(kable, [usage(1), usage(2, timestamp="soon")]).status_code == 400
        assert post(kable, [usage(1), usage(2)]).status_code == 200
        assert sandbox.ledger.events == [usage(1), usage(2)]
        assert sandbox.ledger.duplicates == 0

    def test_500_events_are_accepted_and_501_are_not(self, kable: httpx.Client, sandbox: RunningSandbox) -> None:
        assert post(kable, [usage(number) for number in range(501)]).status_code == 400
        assert faults(kable) == [(None, "the list holds 501 events")]
        assert sandbox.ledger.events == []
        assert post(kable, [usage(number) for number in range(500)]).status_code == 200
        assert len(sandbox.ledger.events) == 500

    def test_a_body_of_1_000_000_bytes_is_accepted_and_one_more_is_not(self, kable: httpx.Client) -> None:
        room = 1_000_000 - len(orjson.dumps(usage(1, data={"text": ""})))
        assert post(kable, usage(1, data={"text": "x" * room})).status_code == 200
        answer = post(kable, usage(2, data={"text": "x" * (room + 1)}))
        assert answer.status_code == 413
        assert answer.json() == {"message": "The body must not exceed 1000000 bytes."}

    def test_a_body_of_no_declared_length_is_bounded_too(self, kable: httpx.Client) -> None:
        chunks = (b" " * 100_000 for _ in range(30))
        answer = kable.post(CREATE, content=chunks, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413


class TestRejectedBodies:
    """What breaks a documented rule is turned down, and only the sandbox's own page tells why."""

    def test_one_bad_event_rejects_the_whole_list_and_the_answer_does_not_tell_which(
        self, kable: httpx.Client, sandbox: RunningSandbox
    ) -> None:
        answer = post(kable, [usage(0), usage(1, clientId=7), usage(2)])
        assert answer.status_code == 400
        assert answer.json() == {"message": "One or more events are not valid."}
        assert sandbox.ledger.events == []

    @pytest.mark.parametrize(
        ("changes", "fault"),
        [
            ({"clientId": ""}, "clientId is blank"),
            ({"clientId": " \t"}, "clientId is blank"),
            ({"clientId": 7}, "clientId must be a string, not a number"),
            ({"clientId": None}, "clientId must be a string, not null"),
            ({"timestamp": 1772600767}, "timestamp must be a string, not a number"),
            ({"timestamp": True}, "timestamp must be a string, not a boolean"),
            ({"transactionId": ""}, "transactionId is blank"),
            ({"transactionId": None}, "transactionId must be a string, not null"),
            ({"transactionId": ["t"]}, "transactionId must be a string, not a list"),
            ({"data": []}, "data must be an object, not a list"),
            ({"data": "text"}, "data must be an object, not a string"),
            ({"data": None}, "data must be an object, not null"),
            (
                {"clientID": "acme"},
                'unknown key "clientID"; an event may have clientId, timestamp, transactionId, data',
            ),
            (
                {"properties": {}, "event": "x", "userId": "y"},
                'unknown key "event" and 2 more; an event may have clientId, timestamp, transactionId, data',
            ),
        ],
    )
    def test_an_event_that_breaks_a_rule_is_rejected_with_that_reason(
        self, kable: httpx.Client, changes: dict[str, Any], fault: str
    ) -> None:
        assert post(kable, usage(0, **changes)).status_code == 400
        assert faults(kable) == [(0, fault)]

    def test_every_fault_of_every_event_is_kept_with_its_place(self, kable: httpx.Client) -> None:
        assert post(kable, [{}, usage(1), "text", usage(3, data=1, clientId=[])]).status_code == 400
        assert faults(kable) == [
            (0, "clientId is missing"),
            (0, "timestamp is missing"),
            (2, "an event must be an object, not a string"),
            (3, "clientId must be a string, not a list"),
            (3, "data must be an object, not a number"),
        ]

    @pytest.mark.parametrize("body", [b"[]", b"7", b"null", b'"text"', b"[[]]", b"[null]"])
    def test_a_body_that_holds_no_event_is_rejected(self, kable: httpx.Client, body: bytes) -> None:
        answer = kable.post(CREATE, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b'{"clientId": "acme"',
            b'{"clientId": "acme", "timestamp": "2026-03-04T05:06:07Z", "data": {"n": NaN}}',
            b'{"clientId": "acme", "timestamp": "2026-03-04T05:06:07Z", "data": {"n": 1e999}}',
            b'{"clientId": "\\ud800", "timestamp": "2026-03-04T05:06:07Z"}',
            b'{"clientId": "\xff", "timestamp": "2026-03-04T05:06:07Z"}',
            b"[" * 100_000 + b"]" * 100_000,
        ],
        ids=["empty", "truncated", "nan", "infinite", "lone surrogate", "not utf-8", "very deep"],
    )
    def test_a_body_that_is_not_json_is_rejected(self, kable: httpx.Client, body: bytes) -> None:
        answer = kable.post(CREATE, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert answer.json() == {"message": "The body is not valid JSON."}

    @pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-ndjson", ""])
    def test_only_json_is_accepted_as_content_type(self, kable: httpx.Client, content_type: str | None) -> None:
        headers = {} if content_type is None else {"Content-Type": content_type}
        assert kable.post(CREATE, content=orjson.dumps(EVENT), headers=headers).status_code == 415

    def test_a_content_type_may_have_parameters(self, kable: httpx.Client) -> None:
        headers = {"Content-Type": "Application/JSON; charset=utf-8"}
        assert kable.post(CREATE, content=orjson.dumps(EVENT), headers=headers).status_code == 200


class TestTimestamps:
    """A timestamp is RFC 3339 and a real moment."""

    @pytest.mark.parametrize(
        "timestamp",
        [
            "2026-03-04T05:06:07Z",
            "2026-03-04t05:06:07z",
            "2026-03-04T05:06:07.1Z",
            "2026-03-04T05:06:07.123456789012Z",
            "2026-03-04T05:06:07+05:30",
            "2026-03-04T05:06:07-00:00",
            "2024-02-29T23:59:59.999Z",
            "2016-12-31T23:59:60Z",
            "2017-01-01T05:29:60.5+05:30",
        ],
    )
    def test_rfc_3339_is_accepted(self, kable: httpx.Client, timestamp: str) -> None:
        assert post(kable, usage(0, timestamp=timestamp)).status_code == 200

    @pytest.mark.parametrize(
        "timestamp",
        [
            "",
            "2026",
            "2026-03-04",
            "20260304T050607Z",
            "2026-03-04 05:06:07Z",
            "2026-03-04T05:06Z",
            "2026-03-04T05:06:07",
            "2026-03-04T05:06:07.Z",
            "2026-03-04T05:06:07,5Z",
            "2026-03-04T05:06:07+0530",
            "2026-03-04T05:06:07+24:00",
            "2026-03-04T24:00:00Z",
            "2026-03-04T05:60:00Z",
            "2026-03-04T05:06:61Z",
            "2026-03-04T05:06:07Z\n",
            "٢٠٢٦-03-04T05:06:07Z",
        ],
    )
    def test_any_other_form_is_rejected(self, kable: httpx.Client, timestamp: str) -> None:
        assert post(kable, usage(0, timestamp=timestamp)).status_code == 400
        assert faults(kable) == [(0, f'timestamp "{timestamp}" is not RFC 3339, such as 2026-03-04T05:06:07Z')]

    @pytest.mark.parametrize(
        "timestamp",
        [
            "2026-02-30T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-03-04T05:06:60Z",
            "2016-12-31T23:59:60+01:00",
            "9999-12-31T23:59:60Z",
            "0001-01-01T00:00:60+01:00",
        ],
    )
    def test_a_moment_that_never_was_is_rejected(self, kable: httpx.Client, timestamp: str) -> None:
        assert post(kable, usage(0, timestamp=timestamp)).status_code == 400
        assert faults(kable) == [(0, f'timestamp "{timestamp}" names no real moment')]


class TestCredentials:
    """Nothing is done for a stranger, and the secret stays one."""

    @pytest.mark.parametrize("header", CREDENTIALS)
    @pytest.mark.parametrize("value", [None, "", "wrong", "é"], ids=["missing", "empty", "wrong", "not ascii"])
    def test_events_need_both_credentials(self, sandbox: RunningSandbox, header: str, value: str | None) -> None:
        headers = with_header(CREDENTIALS, header, value)
        answer = httpx.post(f"{sandbox.base_url}{CREATE}", json=EVENT, headers=headers)
        assert answer.status_code == 401
        assert answer.json() == {"message": "The credentials are not valid."}
        assert sandbox.ledger.events == []

    @pytest.mark.parametrize("header", TWICE)
    @pytest.mark.parametrize("value", [None, "", "wrong"], ids=["missing", "empty", "wrong"])
    def test_authenticate_needs_both_credentials_twice(
        self, sandbox: RunningSandbox, header: str, value: str | None
    ) -> None:
        answer = httpx.post(f"{sandbox.base_url}{AUTHENTICATE}", headers=with_header(TWICE, header, value))
        assert answer.status_code == 401
        assert answer.json() == {"message": "The credentials are not valid."}

    def test_authenticate_answers_200_when_all_are_right(self, sandbox: RunningSandbox) -> None:
        assert httpx.post(f"{sandbox.base_url}{AUTHENTICATE}", headers=TWICE).status_code == 200
        assert sandbox.ledger.requests == 0

    def test_a_person_can_see_which_credential_was_at_fault(self, kable: httpx.Client) -> None:
        kable.post(AUTHENTICATE, headers={"X-API-KEY": "wrong"})
        assert faults(kable) == [(None, "the header X-CLIENT-ID is missing"), (None, "the header X-API-KEY is wrong")]

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
        self, kable: httpx.Client, sandbox: RunningSandbox
    ) -> None:
        post(kable, [usage(1), usage(1)])
        post(kable, {})
        assert sandbox.ledger.document() == kable.get("/sandbox/ledger").json()
        assert (sandbox.ledger.duplicates, sandbox.ledger.requests, sandbox.ledger.accepted_requests) == (1, 2, 1)

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
        assert answer.json() == {"message": "The sandbox itself failed; its log tells why."}
        assert answer.headers["X-REQUEST-ID"]


class TestServing:
    """The sandbox starts on a free port and ends when it is told to."""

    def test_two_sandboxes_run_side_by_side(self, sandbox: RunningSandbox) -> None:
        with running_sandbox() as other:
            httpx.post(f"{other.base_url}{CREATE}", json=EVENT, headers=CREDENTIALS).raise_for_status()
            assert other.ledger.events == [EVENT]
        assert sandbox.ledger.events == []
        with pytest.raises(httpx.ConnectError):
            httpx.get(other.base_url)

    def test_an_unfinished_request_does_not_hold_up_the_end(self, caplog: pytest.LogCaptureFixture) -> None:
        with ExitStack() as afterwards, running_sandbox() as own:
            afterwards.enter_context(unfinished_request(own))
        assert own.ledger.events == []
        assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []

    def test_a_client_that_hangs_up_early_leaves_a_reason(self, kable: httpx.Client, sandbox: RunningSandbox) -> None:
        unfinished_request(sandbox).close()
        seen = (rejections(kable) for _ in range(1000))
        assert next(filter(None, seen))[0]["message"] == "The connection ended before the body did."

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_serve_announces_its_address_and_returns_on_a_signal(self, number: signal.Signals) -> None:
        program = (
            "from kable_destination.runner.sandbox import serve\n"
            "serve(announce=lambda url: print(url, flush=True))\n"
            "print('returned')\n"
        )
        command = [sys.executable, "-W", "error", "-c", program]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            try:
                with httpx.Client(base_url=url, headers=CREDENTIALS) as kept_open:
                    answer = post(kept_open, EVENT)
                    process.send_signal(number)
                    rest, errors = process.communicate(timeout=30)
            finally:
                process.kill()
        assert answer.status_code == 200
        assert (process.returncode, rest, errors) == (0, "returned\n", "")

    @pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - refusing them is the point
    def test_a_host_beyond_this_machine_is_refused(self, host: str) -> None:
        with pytest.raises(ValueError, match="open to other machines"):
            serve(host=host, announce=pytest.fail)

    @pytest.mark.parametrize("port", [-1, 65_536, 70_000])
    def test_a_port_that_does_not_exist_is_refused(self, port: int) -> None:
        with pytest.raises(ValueError, match=f"There is no port {port}"):
            serve(port=port, announce=pytest.fail)

    def test_a_port_that_is_taken_is_an_os_error(self, sandbox: RunningSandbox) -> None:
        port = urlsplit(sandbox.base_url).port
        assert port is not None
        with pytest.raises(OSError, match="in use"):
            serve(port=port, announce=pytest.fail)


def unfinished_request(sandbox: RunningSandbox) -> socket.socket:
    """Begin a request whose body never comes, and wait until the sandbox waits for it."""
    address = urlsplit(sandbox.base_url)
    client = socket.create_connection((address.hostname, address.port), timeout=10)
    headers = {**CREDENTIALS, "Host": address.netloc, "Content-Type": "application/json", "Content-Length": "100"}
    lines = [f"{name}: {value}\r\n" for name, value in {**headers, "Expect": "100-continue"}.items()]
    client.sendall(f"POST {CREATE} HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
    assert client.recv(1024).startswith(b"HTTP/1.1 100")
    return client


def test_faults_are_set_and_told_while_it_runs(kable: httpx.Client) -> None:
    faults = {"script": ["503", "not_json"], "retry_after": "7"}
    assert kable.post("/sandbox/faults", json=faults).json()["happened"] == {}
    first, second, third = (post(kable, [usage(1)]) for _ in range(3))
    assert (first.status_code, first.headers["Retry-After"]) == (503, "7")
    assert (second.status_code, second.headers["Content-Type"][:9]) == (200, "text/html")
    assert third.status_code == 200
    told = kable.get("/sandbox/faults").json()
    assert told["happened"] == {"503": 1, "not_json": 1, "ok": 1}
    assert told["faults"]["retry_after"] == "7"
    assert kable.get("/sandbox/ledger").json()["count"] == 1
    assert kable.post("/sandbox/faults", content=b"").json()["faults"]["script"] == []


@pytest.mark.parametrize(
    ("faults", "place"),
    [
        ({"statuses": {"503": 2}}, "statuses.503"),
        ({"statuses": {"soon": 0.5}}, "statuses.soon"),
        ({"kinds": {"fire": 0.5}}, "kinds.fire"),
        ({"latency": -1}, "latency"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_faults_that_are_none_are_refused_and_change_nothing(
    kable: httpx.Client, faults: dict[str, Any], place: str
) -> None:
    kable.post("/sandbox/faults", json={"retry_after": "7"}).raise_for_status()
    answer = kable.post("/sandbox/faults", json=faults)
    assert answer.status_code == 400
    assert place in answer.json()["message"]
    assert kable.get("/sandbox/faults").json()["faults"]["retry_after"] == "7"
    kable.post("/sandbox/faults", content=b"").raise_for_status()

"""The local Kable records what is valid once, and refuses what is not, as Kable documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sandbox_requests import CREATE, EVENT, post, reasons, usage

if TYPE_CHECKING:
    import httpx

    from kable_destination.runner.sandbox import (
        RunningSandbox,
    )


class TestRecording:
    """What is valid is recorded once, in order."""

    def test_one_event_is_answered_with_200_and_an_empty_body(
        self, kable: httpx.Client, emptied_sandbox: RunningSandbox
    ) -> None:
        answer = post(kable, usage(1))
        assert (answer.status_code, answer.content) == (200, b"")
        assert emptied_sandbox.ledger.events == [usage(1)]

    def test_a_list_is_recorded_in_its_order(self, kable: httpx.Client, emptied_sandbox: RunningSandbox) -> None:
        events = [usage(number) for number in (3, 1, 2)]
        assert post(kable, events).status_code == 200
        assert emptied_sandbox.ledger.events == events

    def test_the_first_event_of_a_transaction_id_wins(
        self, kable: httpx.Client, emptied_sandbox: RunningSandbox
    ) -> None:
        assert post(kable, usage(1)).status_code == 200
        assert post(kable, usage(1, clientId="other")).status_code == 200
        assert emptied_sandbox.ledger.events == [usage(1)]
        assert emptied_sandbox.ledger.duplicates == 1

    def test_duplicates_within_one_list_are_discarded(
        self, kable: httpx.Client, emptied_sandbox: RunningSandbox
    ) -> None:
        assert post(kable, [usage(1), usage(2), usage(1, data={})]).status_code == 200
        assert emptied_sandbox.ledger.events == [usage(1), usage(2)]
        assert emptied_sandbox.ledger.duplicates == 1

    def test_events_without_a_transaction_id_are_always_recorded(
        self, kable: httpx.Client, emptied_sandbox: RunningSandbox
    ) -> None:
        post(kable, [EVENT, EVENT])
        post(kable, EVENT)
        assert emptied_sandbox.ledger.events == [EVENT, EVENT, EVENT]
        assert emptied_sandbox.ledger.duplicates == 0

    def test_a_refused_transaction_id_is_free_for_the_corrected_event(
        self, kable: httpx.Client, emptied_sandbox: RunningSandbox
    ) -> None:
        assert post(kable, [usage(1), usage(2, timestamp="soon")]).status_code == 400
        assert post(kable, [usage(1), usage(2)]).status_code == 200
        assert emptied_sandbox.ledger.events == [usage(1), usage(2)]
        assert emptied_sandbox.ledger.duplicates == 0

    def test_500_events_are_accepted_and_501_are_not(
        self, kable: httpx.Client, emptied_sandbox: RunningSandbox
    ) -> None:
        assert post(kable, [usage(number) for number in range(501)]).status_code == 400
        assert reasons(kable) == [(None, "the list holds 501 events")]
        assert emptied_sandbox.ledger.events == []
        assert post(kable, [usage(number) for number in range(500)]).status_code == 200
        assert len(emptied_sandbox.ledger.events) == 500

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
        self, kable: httpx.Client, emptied_sandbox: RunningSandbox
    ) -> None:
        answer = post(kable, [usage(0), usage(1, clientId=7), usage(2)])
        assert answer.status_code == 400
        assert answer.json() == {"message": "One or more events are not valid."}
        assert emptied_sandbox.ledger.events == []

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
        assert reasons(kable) == [(0, fault)]

    def test_every_fault_of_every_event_is_kept_with_its_place(self, kable: httpx.Client) -> None:
        assert post(kable, [{}, usage(1), "text", usage(3, data=1, clientId=[])]).status_code == 400
        assert reasons(kable) == [
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
        assert reasons(kable) == [(0, f'timestamp "{timestamp}" is not RFC 3339, such as 2026-03-04T05:06:07Z')]

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
        assert reasons(kable) == [(0, f'timestamp "{timestamp}" names no real moment')]

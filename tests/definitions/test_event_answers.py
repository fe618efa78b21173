"""An answer that speaks of each event is believed for each; silence about one means that it did not arrive."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from kable_destination.definitions import (
    SEGMENT_ANSWERS,
    CredentialsError,
    Destination,
    DestinationDefinition,
    Redactor,
    RefusedError,
    Result,
    RetryableError,
)
from kable_destination.destination import kable
from segment_events import track

SETTINGS = {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"}
ANY_ANSWER = kable.model_copy(update={"answers": SEGMENT_ANSWERS})
GOOD, BAD, SILENT = None, RefusedError, RetryableError


def read(answer: httpx.Response, events: int = 3, definition: DestinationDefinition = kable) -> list[Result]:
    """Read an answer to a request of some events."""
    destination = Destination(definition, SETTINGS)
    (planned,) = destination.plan(track(number) for number in range(events)).requests
    results = destination.read(planned, answer)
    assert isinstance(results, list)
    return results


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([{"status": 200}, {"status": 400, "message": "no dimension"}, {"status": 200}], [GOOD, BAD, GOOD]),
        ([{"success": True}, {"success": False}, {"ok": True}], [GOOD, BAD, GOOD]),
        ([{"status": "ok"}, {"status": "Rejected"}, {"statusCode": "201"}], [GOOD, BAD, GOOD]),
        ({"results": [{"index": 2, "code": 422}, {"index": 0, "code": 200}]}, [GOOD, SILENT, BAD]),
        ([{"status": 200}, {"status": 503}], [SILENT, SILENT, SILENT]),
        ([{"index": 0, "status": 200}, {"index": 1, "status": 503}], [GOOD, SILENT, SILENT]),
        ([{"status": 200}, {"status": 401}, {"status": 404}], [GOOD, BAD, BAD]),
        ([{"status": 200}, {"status": 299}, {"status": 418}], [GOOD, GOOD, BAD]),
        ([{"status": 200}, {"index": 7, "status": 200}, {"index": "x", "status": 200}], [SILENT, SILENT, SILENT]),
        ([{"status": 200}] * 5, [SILENT, SILENT, SILENT]),
        ({"Response": {"Results": [{"Status": "OK"}, {"Status": "Failed"}, {"Status": "OK"}]}}, [GOOD, BAD, GOOD]),
        ([], [SILENT, SILENT, SILENT]),
    ],
    ids=str,
)
@pytest.mark.parametrize("status", [200, 207])
def test_each_event_has_its_own_result(status: int, body: Any, expected: list[Any]) -> None:
    results = read(httpx.Response(status, json=body))
    assert [type(result.error) if result.error is not None else None for result in results] == expected
    assert [result.delivered for result in results] == [kind is None for kind in expected]


def test_the_words_about_an_event_are_told_with_its_status() -> None:
    results = read(httpx.Response(207, json=[{"status": 400, "message": "no dimension \u001b[31m"}] * 3))
    assert str(results[0].error) == "Kable answered 400 for this event: no dimension [31m"


@pytest.mark.parametrize("body", [{"message": "recorded"}, [1, 2, 3], ["a"], [{"id": "x"}], "done", 5, None, {}])
def test_a_200_that_speaks_of_no_event_takes_all_of_them(body: Any) -> None:
    assert all(result.delivered for result in read(httpx.Response(200, json=body)))
    assert not any(result.delivered for result in read(httpx.Response(207, json=body)))


def test_an_empty_200_takes_all_and_an_empty_207_none() -> None:
    assert all(result.delivered for result in read(httpx.Response(200)))
    assert not any(result.delivered for result in read(httpx.Response(207)))


@pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"OK", b'{"truncated": ', b"[" * 100_000, b"\xff\xfe"])
def test_a_200_that_is_not_kables_takes_none(body: bytes) -> None:
    """Kable answers with JSON or nothing, so anything else comes from a proxy on the way: it is tried again."""
    results = read(httpx.Response(200, content=body))
    assert {type(result.error) for result in results} == {RetryableError}
    assert "proxy" in str(results[0].error)


def test_one_event_alone_may_be_spoken_of_too() -> None:
    (result,) = read(httpx.Response(207, json=[{"status": 409, "error": "known"}]), events=1)
    assert type(result.error) is RefusedError


@pytest.mark.parametrize(
    ("document", "status", "expected"),
    [
        ({"errors": [{"index": 1, "message": "bad timestamp"}]}, 200, [GOOD, BAD, GOOD]),
        ({"errors": [{"index": 1, "message": "bad timestamp"}]}, 207, [SILENT, BAD, SILENT]),
        ({"failures": [{"index": 0, "status": 503}, {"index": 2, "status": 200}]}, 200, [SILENT, GOOD, BAD]),
        ({"errors": {"1": "bad timestamp"}}, 200, [GOOD, BAD, GOOD]),
        ({"errors": {"message-000001": {"message": "bad timestamp"}}}, 200, [GOOD, BAD, GOOD]),
        ({"errors": [{"transactionId": "message-000002", "message": "bad timestamp"}]}, 200, [GOOD, GOOD, BAD]),
        ({"errors": [{"index": 1}], "success": False}, 200, [SILENT, BAD, SILENT]),
        ({"errors": [{"index": 1}, {"message": "and more"}]}, 200, [SILENT, BAD, SILENT]),
        ({"results": [{"status": 200}] * 3, "errors": [{"index": 2}]}, 200, [GOOD, GOOD, BAD]),
        ({"events": [{"status": s} for s in (200, 400, 200)], "errors": ["one is bad"]}, 200, [GOOD, BAD, GOOD]),
        ({"data": {"errors": [{"index": 0}]}}, 200, [BAD, GOOD, GOOD]),
        (
            [{"transactionId": "message-000002", "status": 400}, {"transactionId": "message-000000", "status": 200}],
            207,
            [GOOD, SILENT, BAD],
        ),
        (["ok", "failed", "ok"], 200, [GOOD, BAD, GOOD]),
        ({"results": {"message-000001": {"status": "failed"}, "message-000000": "ok"}}, 200, [GOOD, BAD, SILENT]),
        ({"results": {"0": {"status": 200}, "2": {"status": 400}}}, 207, [GOOD, SILENT, BAD]),
        ({"events": {"accepted": 3}}, 200, [GOOD, GOOD, GOOD]),
        ([True, True, False], 207, [GOOD, GOOD, BAD]),
        ({"errors": []}, 200, [GOOD, GOOD, GOOD]),
        ({"errors": []}, 207, [SILENT, SILENT, SILENT]),
        (
            [{"index": 0, "status": 400}, {"index": 0, "status": 200}, {"index": 1, "status": 200}],
            200,
            [BAD, GOOD, SILENT],
        ),
        (
            [{"index": 0, "status": 200}, {"index": 0, "status": 400}, {"index": 1, "status": 200}],
            200,
            [BAD, GOOD, SILENT],
        ),
    ],
)
def test_a_failure_that_is_told_is_no_delivery(document: Any, status: int, expected: list[type | None]) -> None:
    """A list of failures speaks of all events when each has its index; what is told twice counts by the worse."""
    results = read(httpx.Response(status, json=document))
    assert [type(result.error) if result.error else None for result in results] == expected


@pytest.mark.parametrize(
    "document",
    [
        {"error": "bad timestamp"},
        {"error": {"message": "bad timestamp"}},
        {"errors": ["event 1: bad timestamp"]},
        {"errors": [{"message": "bad timestamp"}]},
        {"errors": [{"index": 9, "message": "bad timestamp"}]},
        {"errors": {"timestamp": ["bad timestamp"]}},
        {"success": False, "message": "bad timestamp"},
        {"ok": "false", "message": "bad timestamp"},
        {"status": "error", "message": "bad timestamp"},
        {"status": "partial_success", "message": "bad timestamp"},
        {"status": 400, "message": "bad timestamp"},
        {"statusCode": "404", "message": "bad timestamp"},
        {"accepted": 2, "rejected": 1, "message": "bad timestamp"},
        {"failed_count": 1, "message": "bad timestamp"},
        {"events": [{"status": 200}] * 3, "errors": ["bad timestamp"]},
        {"results": [{"status": 200}] * 3, "success": False, "message": "bad timestamp"},
        {"result": {"errors": ["bad timestamp"]}},
        {"Result": {"Success": False, "Message": "bad timestamp"}},
        {"items": [{"id": "a"}], "errors": True, "message": "bad timestamp"},
    ],
    ids=str,
)
@pytest.mark.parametrize("status", [200, 202, 207])
@pytest.mark.parametrize("events", [1, 3])
def test_a_failure_that_names_no_event_refuses_the_request(events: int, status: int, document: Any) -> None:
    """It is one error for all of its events, so that a runner may halve the request to find the one at fault."""
    results = read(httpx.Response(status, json=document), events)
    assert {type(result.error) for result in results} == {RefusedError}
    assert len({id(result.error) for result in results}) == 1
    assert "bad timestamp" in str(results[0].error)


def test_a_failure_behind_a_byte_order_mark_is_read() -> None:
    told = b"\xef\xbb\xbf" + b'{"success": false}'
    results = read(httpx.Response(200, content=told), definition=ANY_ANSWER)
    assert {type(result.error) for result in results} == {RefusedError}


@pytest.mark.parametrize(
    "listed", [[], {"results": []}, {"data": [{"status": "failed"}]}, [{"id": 1, "status": "failed"}]]
)
def test_a_list_that_answers_the_authentication_test_tells_nothing_of_it(listed: Any) -> None:
    assert Destination(kable, SETTINGS).read_authentication(httpx.Response(200, json=listed)) is None


@pytest.mark.parametrize("document", [False, "error", "FAILED"])
def test_a_bare_word_may_refuse_too(document: Any) -> None:
    assert {type(result.error) for result in read(httpx.Response(200, json=document))} == {RefusedError}


@pytest.mark.parametrize(
    "document",
    [
        {"success": True, "errors": [], "error": None},
        {"status": "ok", "code": 0, "failed": 0},
        {"accepted": 3, "rejected": 0, "failures": {}},
        {"data": [], "errors": []},
        {"data": {"id": "x"}, "error": ""},
    ],
    ids=str,
)
def test_an_answer_without_a_failure_takes_all(document: Any) -> None:
    assert all(result.delivered for result in read(httpx.Response(200, json=document)))


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, CredentialsError), (404, RefusedError), (429, RetryableError), (503, RetryableError), (299, None)],
)
def test_the_status_that_a_200_tells_says_what_to_do(status: int, expected: type | None) -> None:
    answer = httpx.Response(200, json={"status": status, "message": "no"}, headers={"Retry-After": "7"})
    (error,) = {result.error for result in read(answer)}
    assert (type(error) if error else None) is expected
    if isinstance(error, RetryableError):
        assert error.retry_after is not None
        assert error.status_code == status


@pytest.mark.parametrize("body", [b'{"results": [{"status": 200}, {"sta', b"  [" + b'"x",' * 99])
def test_an_answer_that_is_cut_off_accounts_for_nothing(body: bytes) -> None:
    """Also where a destination does not say that its answers are JSON."""
    results = read(httpx.Response(200, content=body), definition=ANY_ANSWER)
    assert {type(result.error) for result in results} == {RetryableError}


@pytest.mark.parametrize("document", [{"success": False}, {"error": "no such key"}, {"status": 401}])
def test_credentials_are_not_good_when_a_200_says_so(document: Any) -> None:
    destination = Destination(kable, SETTINGS)
    assert destination.read_authentication(httpx.Response(200, json=document)) is not None
    assert destination.read_authentication(httpx.Response(200, json={"success": True})) is None
    assert destination.read_authentication(httpx.Response(200)) is None


def test_what_is_hidden_of_a_reason_phrase_is_not_shown_in_part() -> None:
    """Httpx leaves out of it what is not ASCII, and a secret with a letter less would not be found."""
    key = "sk_live.größer"
    destination = Destination(kable, {**SETTINGS, "apiKey": "sk_live.groesser"})
    destination.redactor = Redactor([key])
    (planned,) = destination.plan([track(0)]).requests
    for encoding in ("utf-8", "latin-1"):
        answer = httpx.Response(500, extensions={"reason_phrase": f"Bad {key}".encode(encoding)})
        results = destination.read(planned, answer)
        assert isinstance(results, list)
        assert "500" in str(results[0].error)
        assert "live" not in str(results[0].error)


def test_an_answer_may_tell_of_very_many_events() -> None:
    told = [{"index": index, "status": 200, "message": "x" * 120} for index in range(500)]
    results = read(httpx.Response(207, json={"results": told}), events=500)
    assert all(result.delivered for result in results)


def test_the_secret_is_masked_in_the_reason_phrase_and_before_words_are_cut() -> None:
    key = SETTINGS["apiKey"]
    phrase = httpx.Response(401, extensions={"reason_phrase": f"Bad {key}".encode()})
    words = httpx.Response(400, text="x" * (300 - len(key) // 2) + key)
    for answer in (phrase, words):
        (result, *_) = read(answer)
        assert result.error is not None
        assert key[:8] not in result.error.message

"""An answer that speaks of each event is believed for each; silence about one means that it did not arrive."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from kable_destination.definitions import Destination, RefusedError, Result, RetryableError
from kable_destination.destination import kable
from segment_events import track

SETTINGS = {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"}
GOOD, BAD, SILENT = None, RefusedError, RetryableError


def read(answer: httpx.Response, events: int = 3) -> list[Result]:
    """Read an answer to a request of some events."""
    destination = Destination(kable, SETTINGS)
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
        ([{"status": 200}, {"status": 503}], [GOOD, SILENT, SILENT]),
        ([{"status": 200}, {"status": 401}, {"status": 404}], [GOOD, BAD, BAD]),
        ([{"status": 200}, {"status": 299}, {"status": 418}], [GOOD, GOOD, BAD]),
        ([{"status": 200}, {"index": 7, "status": 200}, {"index": "x", "status": 200}], [GOOD, SILENT, SILENT]),
        ([{"status": 200}] * 5, [GOOD, GOOD, GOOD]),
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
        ({"errors": ["event 1 is invalid"]}, 200, [SILENT, SILENT, SILENT]),
        ({"errors": [{"message": "event 1 is invalid"}]}, 200, [SILENT, SILENT, SILENT]),
        ({"errors": [{"index": 9, "message": "?"}]}, 200, [SILENT, SILENT, SILENT]),
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

"""Calls of Segment's SDKs, from their requests to what Kable receives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from running_service import running_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox
    from running_service import RunningService


@pytest.fixture
def service(tmp_path: Path, sandbox: RunningSandbox) -> Iterator[RunningService]:
    with running_service(tmp_path, sandbox) as running:
        yield running


def test_an_event_that_is_answered_with_success_reaches_kable(service: RunningService) -> None:
    event = {"userId": "u1", "event": "API Request", "messageId": "m1", "properties": {"units": 3}}
    response = service.post("/v1/track", event)
    assert (response.status_code, response.json()) == (200, {"success": True})
    (delivered,) = service.delivered(1)
    assert (delivered["clientId"], delivered["transactionId"], delivered["data"]) == ("u1", "m1", {"units": 3})


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/v1/b", "//v1//batch", "/v1/batch/"])
def test_a_bad_event_is_rejected_alone(service: RunningService, path: str) -> None:
    good = {"type": "track", "userId": "u1", "event": "X", "messageId": "m1", "timestamp": "2026-11-30T06:00:00Z"}
    response = service.post(path, {"batch": [5, {"type": "trak"}, good]})
    assert (response.status_code, response.json()) == (200, {"success": True})
    assert [event["transactionId"] for event in service.delivered(1)] == ["m1"]


def test_a_retry_is_a_duplicate_and_an_id_with_other_content_is_a_dead_letter(service: RunningService) -> None:
    event = {"userId": "u1", "event": "X", "messageId": "m1", "timestamp": "2026-11-30T06:00:00Z"}
    first = {**event, "properties": {"units": 1}, "sentAt": "2026-11-30T06:00:01Z"}
    assert service.post("/v1/track", first).status_code == 200
    service.delivered(1)
    retry = {**first, "sentAt": "2026-11-30T06:00:02Z", "_metadata": {"retryCount": 1}}
    assert service.post("/v1/track", retry).json() == {"success": True}
    for _ in range(2):
        assert service.post("/v1/track", {**event, "properties": {"units": 2}}).json() == {"success": True}
    assert service.post("/v1/track", {**event, "messageId": "m2"}).status_code == 200
    assert [each["transactionId"] for each in service.delivered(2)] == ["m1", "m2"]
    (letter,) = service.dead_letters()
    assert (
        letter.message == "the ID came before, with other content; an event that is not a retry needs an ID of its own"
    )


def test_a_rejected_event_that_its_client_sends_again_is_one_dead_letter(service: RunningService) -> None:
    bad = {"type": "track", "event": "X", "messageId": "m1", "userId": None, "timestamp": "2026-11-30T06:00:00Z"}
    for sent in ("2026-11-30T06:00:01Z", "2026-11-30T06:00:02Z"):
        assert service.post("/v1/batch", {"batch": [bad], "sentAt": sent}).status_code == 200
    assert len(service.dead_letters()) == 1

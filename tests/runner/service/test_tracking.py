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

"""The local Kable misbehaves on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.runner.sandbox.faults import FaultPlan, Faults
from sandbox_requests import post, usage

if TYPE_CHECKING:
    import httpx


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


def test_more_requests_in_any_second_than_are_allowed_get_429() -> None:
    moments = [0.0, 0.4, 0.9, 1.0, 1.1, 1.5, 3.0]
    plan = FaultPlan(Faults(max_per_second=2), seconds=iter(moments).__next__)
    assert [plan.next() for _ in moments] == ["ok", "ok", "429", "ok", "429", "ok", "ok"]


@pytest.mark.parametrize(
    ("faults", "place"),
    [
        ({"statuses": {"503": 2}}, "statuses.503"),
        ({"statuses": {"soon": 0.5}}, "statuses.soon"),
        ({"kinds": {"fire": 0.5}}, "kinds.fire"),
        ({"latency": -1}, "latency"),
        ({"max_per_second": 0}, "max_per_second"),
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

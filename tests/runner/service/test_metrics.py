"""Metrics of the service: requests by endpoint and status, events by account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from prometheus_client.parser import text_string_to_metric_families

from kable_destination.runner.service import metrics_page
from running_service import running_service, until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from kable_destination.runner.sandbox import RunningSandbox
    from running_service import RunningService

EVENT = {"userId": "u1", "event": "X", "messageId": "m1", "timestamp": "2026-11-30T06:00:00Z"}


def values(text: str) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and labels, without destination and account."""
    return {
        (found.name, *(value for name, value in found.labels.items() if name not in {"destination", "account"})): (
            found.value
        )
        for family in text_string_to_metric_families(text)
        for found in family.samples
    }


def counted(service: RunningService) -> dict[tuple[str, ...], float]:
    return values(service.client.get("/metrics").text)


def test_requests_and_events_are_counted_and_no_client_makes_up_a_label(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    with running_service(tmp_path, sandbox, delivers=False) as service:
        service.post("/v1/track", EVENT)
        service.post("//v1/track/", {**EVENT, "messageId": "m2"})
        service.post("/v1/track", EVENT, auth=("other", ""))
        for number in range(20):
            service.client.get(f"/made-up-{number}")
            service.client.get(f"/v1/projects/made-up-{number}/settings")
        found = counted(service)
        requests = {labels[1:]: count for labels, count in found.items() if labels[0].endswith("http_requests_total")}
        assert requests == {
            ("/v1/track", "200"): 2,
            ("/v1/track", "400"): 1,
            ("other", "404"): 20,
            ("/v1/projects/{write_key}/settings", "404"): 20,
        }
        assert found["destination_runner_events_accepted_total",] == 2
        assert found["destination_runner_events_queued",] == 2
        assert found["destination_runner_events_waiting",] == 0


def test_deliveries_are_counted_in_the_same_page(tmp_path: Path, sandbox: RunningSandbox) -> None:
    with running_service(tmp_path, sandbox) as service:
        service.post("/v1/track", EVENT)
        name = "destination_runner_events_delivered_total"
        until(lambda: counted(service), lambda found: found.get((name, "track")) == 1)


def test_metrics_are_on_the_admin_address_alone_if_there_is_one(tmp_path: Path, sandbox: RunningSandbox) -> None:
    with running_service(tmp_path, sandbox, service={"adminPort": 0}) as service:
        assert service.client.get("/metrics").status_code == 404
        answer = httpx.get(f"{service.running.admin_url}/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        paths = service.client.get("/openapi.json").json()["paths"]
        assert not {"/metrics", "/healthz"} & paths.keys()


def test_without_the_extra_the_answer_says_what_to_install(
    tmp_path: Path, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is installed here, so this is the one part that has to pretend.
    monkeypatch.setattr(metrics_page, "find_spec", lambda _name: None)
    with running_service(tmp_path, sandbox) as service:
        answer = service.client.get("/metrics")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_installed")
        assert "kable-destination[metrics]" in answer.json()["message"]
        assert service.post("/v1/track", EVENT).status_code == 200

"""The OpenAPI document describes every endpoint, and every answer that clients get."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS

from command_line import API_KEY, CLIENT_ID
from examples import EXAMPLES
from kable_destination.runner.sandbox import running_sandbox
from kable_destination.runner.service.openapi import all_operations, openapi_document
from kable_destination.runner.service.page.watching import LIVE_PATH
from running_service import CONFIGURATION, WRITE_KEY, running_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_service import RunningService

TOKEN = "token-of-a-webhook"  # noqa: S105 - of these tests
BASIC = f"Basic {base64.b64encode(f'{API_KEY}:'.encode()).decode()}"
WITH_WEBHOOK = f'{CONFIGURATION}\n[service.webhook]\ntokenEnv = "WEBHOOK_TOKEN"\n'
OPERATIONS = {f"{operation.method.upper()} {operation.path}": operation for operation in all_operations()}
SCHEMA = schemathesis.openapi.from_dict(openapi_document([*OPERATIONS.values()]))
WANTED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with (
        running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox,
        running_service(
            tmp_path_factory.mktemp("openapi"),
            sandbox,
            configuration=WITH_WEBHOOK,
            environment={"WEBHOOK_TOKEN": TOKEN},
        ) as running,
    ):
        yield running


def test_the_document_that_is_served_has_every_endpoint(service: RunningService) -> None:
    document = service.client.get("/openapi.json").json()
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert described == {*OPERATIONS}
    assert document["openapi"].startswith("3.1")
    names = [method["operationId"] for methods in document["paths"].values() for method in methods.values()]
    assert len({*names}) == len(names)


# The live view of the page never ends by itself; its own tests read its messages by its model.
@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != f"GET {LIVE_PATH}"])
def test_no_request_gets_an_answer_that_is_not_documented(service: RunningService, operation: str) -> None:
    method, path = operation.split()
    token = f"Bearer {TOKEN if path == '/webhook' else WRITE_KEY}"
    headers = {"Authorization": BASIC if path == "/segment" else token, "X-Kable-Page": "1"}

    @settings(max_examples=max(5, EXAMPLES // 10), deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(case=SCHEMA[path][method].as_strategy())
    def call(case: Any) -> None:
        case.call_and_validate(base_url=service.running.base_url, checks=WANTED, headers=headers)

    call()

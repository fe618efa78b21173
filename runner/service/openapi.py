"""The OpenAPI document of the service, made from what its endpoints say about themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from ..version import version
from .answers import INTERNAL_ERROR
from .browser import Browser
from .direct import Direct
from .health import Health
from .metrics_page import MetricsPage
from .operations import Described, Operation
from .page.page import Page
from .tracking import Tracking
from .webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.requests import Request

    from .operations import Schema

PATH = "/openapi.json"

_SECURITY: dict[str, Any] = {
    "writeKey": {"type": "http", "scheme": "basic", "description": "The write key as user name, without a password."},
    "writeKeyAsToken": {"type": "http", "scheme": "bearer", "description": "The write key."},
    "apiKey": {"type": "http", "scheme": "basic", "description": "The API key as user name, without a password."},
    "pageToken": {"type": "http", "scheme": "bearer", "description": "The token of the page, if it has one."},
    "webhookToken": {"type": "http", "scheme": "bearer", "description": "The token of the webhook."},
    "webhookSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Signature",
        "description": "Hex HMAC-SHA1 of the body with the shared secret; of a list, that of its first event will do.",
    },
}
_DESCRIPTION = (
    "Segment, its SDKs and other programs send events here. An event is confirmed once it is on disk, and delivered "
    "from then on."
)


class OpenApi:
    """The endpoint of the document, for the operations that a service has."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._text = msgspec.json.encode(openapi_document([*operations, *self.operations()]))

    def routes(self) -> list[Route]:
        """Return the endpoint."""
        return [Route(PATH, self._answer, methods=["GET"])]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoint says about itself."""
        found = Described("The document.", {"type": "object", "required": ["openapi", "paths"]})
        answers = {200: found, 500: INTERNAL_ERROR}
        return [Operation("get", PATH, "describe", "Description", "Return this document.", answers)]

    async def _answer(self, _request: Request) -> Response:
        return Response(self._text, media_type="application/json")


def all_operations() -> list[Operation]:
    """Return the operations of every endpoint that a service can have."""
    groups = (Tracking, Direct, Webhook, Browser, Health, MetricsPage, Page, OpenApi)
    return [operation for group in groups for operation in group.operations()]


def openapi_document(operations: Sequence[Operation]) -> Schema:
    """Return the OpenAPI document of some operations."""
    models = {
        model: None
        for operation in operations
        for model in (*(answer.model for answer in operation.answers.values()), operation.body)
        if isinstance(model, type)
    }
    _, components = msgspec.json.schema_components([*models], ref_template="#/components/schemas/{name}")
    schemes = {name: _SECURITY[name] for item in operations for names in item.security for name in names}
    paths: dict[str, dict[str, Schema]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "kable-destination", "version": version().rpartition(" ")[2], "description": _DESCRIPTION},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": schemes},
    }


def _described(operation: Operation) -> Schema:
    found: Schema = {"operationId": operation.name, "tags": [operation.tag], "summary": operation.summary}
    if operation.description:
        found["description"] = operation.description
    parameters = [
        {"name": name, "in": place, "required": place == "path", "description": text, "schema": {"type": "string"}}
        for place, named in (("path", operation.path_parameters), ("header", operation.headers))
        for name, text in named.items()
    ]
    if parameters:
        found["parameters"] = parameters
    if operation.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(operation.body)}}}
    if operation.security:
        found["security"] = [{name: [] for name in names} for names in operation.security]
    found["responses"] = {str(status): _answer(answer) for status, answer in sorted(operation.answers.items())}
    return found


def _answer(answer: Described) -> Schema:
    found: Schema = {"description": answer.text}
    if answer.comes_back:
        text = "Seconds after which to send it again."
        found["headers"] = {"Retry-After": {"required": True, "description": text, "schema": {"type": "integer"}}}
    if answer.model is not None:
        found["content"] = {answer.media_type: {"schema": _schema(answer.model)}}
    return found


def _schema(model: type | Schema) -> Schema:
    return {"$ref": f"#/components/schemas/{model.__name__}"} if isinstance(model, type) else model

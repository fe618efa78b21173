"""The local protocol of Segment's Actions Tester: a page of Segment's drives a destination on the developer's machine.

It has no authentication, so it listens on a loopback address only, and answers only programs of this machine and the
pages of its origins. It sends with the settings that a request brings, never with those of the configuration: otherwise
any page that got through could use the credentials of the user.
Source: the server of Segment's Actions CLI (`serve`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from ...definitions import (
    AnswerError as DestinationAnswerError,
)
from ...definitions import (
    Destination,
    PlannedRequest,
    Redactor,
    RejectedError,
    SetupError,
    Subscription,
    is_loopback,
)
from .answers import AnswerError, error_answer, json_answer
from .app import create_app
from .bodies import read_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import httpx
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from ...definitions import Outcome, Problem, Result
    from ..configuration.service_configuration import ServiceConfiguration
    from ..transports.contract import Transport

EVERY_EVENT = 'type = "track" or type != "track"'
"""A trigger that wants every event: the tester runs an action, whatever subscriptions there are."""

_REDACTED = "<redacted>"
_SECRET_HEADERS = frozenset(
    {
        *("authorization", "proxy-authorization", "cookie", "set-cookie", "www-authenticate", "proxy-authenticate"),
        *("x-csrf-token", "x-xsrf-token", "x-api-key", "x-client-id", "x-uid", "x-requested-with", "x-forwarded-for"),
        *("x-real-ip", "x-amz-security-token", "x-amz-content-sha256", "x-amz-date", "x-amz-user-agent"),
    }
)
_FAULT = 500
"""The status of what Segment's server calls an error without a status, a payload that is not valid included."""

_Json = dict[str, Any]
_read_object = msgspec.json.Decoder(_Json).decode


class ActionsTester:
    """The endpoints. They answer 200, with an error in the body, as Segment's page expects."""

    def __init__(self, configuration: ServiceConfiguration, transport: Transport) -> None:
        self._definition = configuration.definition
        self._base_url = configuration.delivery.base_url
        self._allows_live = configuration.delivery.live
        self._live_advice = configuration.live_advice
        self._transport = transport
        self._origins = frozenset(configuration.options.actions_tester_origins)
        self._most_bytes = configuration.options.batch_bytes
        self._seconds = configuration.options.request_seconds

    def app(self) -> ASGIApp:
        """Return the endpoints as an application."""
        routes = [
            Route("/manifest", self._manifest, methods=["GET"]),
            Route("/authenticate", self._authenticate, methods=["POST"]),
            Route("/{action}", self._perform, methods=["POST"]),
        ]
        return _OnlyFrom(self._origins, create_app(routes))

    async def _manifest(self, _request: Request) -> Response:
        return json_answer(200, {**self._definition.to_manifest(), "directoryName": self._definition.slug})

    async def _authenticate(self, request: Request) -> Response:
        """Answer whether the destination accepts the settings that are the body."""
        try:
            settings = await self._object(request)
        except AnswerError as error:
            return error_answer(error)
        refusal = await self._refusal(settings)
        if refusal is None:
            return json_answer(200, {"ok": True})
        problems = refusal.problems if isinstance(refusal, SetupError) else ()
        return json_answer(200, {"ok": False, "error": refusal.message, "fields": _fields(problems, "settings.")})

    async def _refusal(self, settings: _Json) -> SetupError | DestinationAnswerError | None:
        """Return why the settings are not valid, or why the destination does not accept them."""
        try:
            destination = Destination(self._definition, settings, [], base_url=self._base_url)
            request = destination.authentication_request()
            return None if request is None else destination.read_authentication(await self._transport.send(request))
        except (SetupError, DestinationAnswerError) as error:
            return error

    async def _perform(self, request: Request) -> Response:
        """Send an event, or a list of them; answer the requests and responses, or what went wrong."""
        action = request.path_params["action"]
        if action not in self._definition.actions:
            return error_answer(AnswerError(404, "not_found", "The destination has no such action."))
        try:
            told = await self._object(request)
        except AnswerError as error:
            return error_answer(error)
        try:
            return json_answer(200, await self._exchanges(action, told))
        except (SetupError, RejectedError) as error:
            return json_answer(200, [_failure(_FAULT, error.message, error.problems)])
        except DestinationAnswerError as error:
            return json_answer(200, [_failure(error.status_code or _FAULT, error.message)])

    async def _exchanges(self, action: str, told: _Json) -> list[_Json]:
        payload, is_batch = told.get("payload"), isinstance(told.get("payload"), list)
        destination = self._destination(action, told, payload[0] if is_batch and payload else payload)
        if destination.is_live and not self._allows_live:
            message = f"{destination.target} bills real customers, which is not allowed: {self._live_advice}."
            return [_failure(403, message)]
        plan = destination.plan(payload if isinstance(payload, list) else [payload])
        exchanges: list[_Json] = []
        failures = [_failure_of(outcome) for outcome in plan.outcomes if outcome.status != "planned"]
        for planned in plan.requests:
            failures += await self._sent(destination, planned, exchanges)
        # Segment's page takes an answer of one failure for a failed call. Of a batch it would see no failure at all.
        return [*exchanges, *failures] if is_batch or not failures else failures[:1]

    def _destination(self, action: str, told: _Json, event: Any) -> Destination:
        """Return a destination with one subscription, of all events, to the action. Raises SetupError."""
        settings, mapping = told.get("settings") or {}, told.get("mapping") or {}
        for name, value in (("settings", settings), ("mapping", mapping)):
            if not isinstance(value, dict):
                raise RejectedError(f"{name} should be an object")
        fields = self._definition.actions[action].fields.values()
        if not mapping and all(field.default is None for field in fields) and isinstance(event, dict):
            mapping = event
        subscription = Subscription(partner_action=action, subscribe=EVERY_EVENT, mapping=mapping)
        return Destination(self._definition, settings, [subscription], base_url=self._base_url, is_example=True)

    async def _sent(self, destination: Destination, planned: PlannedRequest, exchanges: list[_Json]) -> list[_Json]:
        """Send a request, and those that its exchange goes on with; return a failure for each event that failed."""
        step: PlannedRequest | list[Result] = planned
        while isinstance(step, PlannedRequest):
            request = step.request
            response = await self._transport.send(request)
            exchanges.append(_exchange(request, response, destination.redactor))
            step = destination.read(step, response)
        failed = [result.error for result in step if result.error is not None]
        if failed and all(error is failed[0] for error in failed) and response.is_error:
            # Segment shows the body of such an answer as the message.
            return [_failure(response.status_code, _body(response, destination.redactor))]
        return [_failure(error.status_code or _FAULT, error.message) for error in failed]

    async def _object(self, request: Request) -> _Json:
        body = await read_body(request, most=self._most_bytes, seconds=self._seconds)
        try:
            return _read_object(body)
        except RecursionError:
            raise AnswerError(400, "invalid_json", "The JSON is nested too deeply.") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AnswerError(400, "invalid_json", f"The body is not a JSON object: {error}.") from None


class _OnlyFrom:
    """Answers pages of some origins, and programs.

    Any page in a browser on this machine can send here. So can one whose name resolves to this machine, which the Host
    header shows.
    """

    def __init__(self, origins: frozenset[str], app: ASGIApp) -> None:
        self._origins = origins
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, and let the page read the answer."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get(b"origin")
        host = headers.get(b"host", "")
        if (origin is not None and origin not in self._origins) or not is_loopback(_without_port(host)):
            told = "The origin is not one of `service.actionsTesterOrigins`, or the host is not this machine."
            await error_answer(AnswerError(403, "not_allowed", told))(scope, receive, send)
            return
        allowed = {} if origin is None else {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        if scope["method"] == "OPTIONS":
            allowed["Access-Control-Allow-Methods"] = "GET, POST"
            allowed["Access-Control-Allow-Headers"] = "content-type"
            # Browsers ask for it before a public page may send to this machine.
            allowed["Access-Control-Allow-Private-Network"] = "true"
            await Response(status_code=204, headers=allowed)(scope, receive, send)
            return
        more = [(name.lower().encode(), value.encode("latin-1")) for name, value in allowed.items()]

        async def adding(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self._app(scope, receive, adding)


def _without_port(host: str) -> str:
    return host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]


def _exchange(request: httpx.Request, response: httpx.Response, redactor: Redactor) -> _Json:
    return {
        "request": {
            "url": redactor.text(str(request.url)),
            "method": request.method,
            "headers": _headers(request.headers.items(), redactor),
            "body": redactor.text(request.content.decode("utf-8", "backslashreplace")),
        },
        "response": {
            "statusCode": response.status_code,
            "statusMessage": response.reason_phrase,
            "headers": _headers(response.headers.items(), redactor),
            "body": _body(response, redactor),
        },
    }


def _headers(headers: Iterable[tuple[str, str]], redactor: Redactor) -> dict[str, str]:
    return {name: _REDACTED if name in _SECRET_HEADERS else redactor.text(value) for name, value in headers}


def _body(response: httpx.Response, redactor: Redactor) -> Any:
    """Return the body of a response as JSON, or as text if it is none."""
    try:
        return redactor.value(msgspec.json.decode(response.content))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return redactor.text(response.text)


def _failure_of(outcome: Outcome) -> _Json:
    if outcome.error is None:
        return _failure(_FAULT, outcome.detail)
    return _failure(_FAULT, outcome.error.message, outcome.problems)


def _failure(status: int, message: Any, problems: Sequence[Problem] = ()) -> _Json:
    fields = {"fields": _fields(problems)} if problems else {}
    return {"statusCode": status, "message": message, "stack": [], **fields, "requestError": True}


def _fields(problems: Sequence[Problem], above: str = "") -> dict[str, str]:
    return {problem.place.removeprefix(above) or "$": problem.message for problem in problems}

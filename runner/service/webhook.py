"""Events of Segment's Webhook destinations, and of anything else that posts events: one, or a list of them.

A request shows that it may send with a signature of its body (`X-Signature`), with a token, or with both.
Source: Segment's Webhook (Actions) destination. It signs the JSON of one event. Of a batch it signs the first event
only, and older versions sign none.
"""

from __future__ import annotations

import hmac
import uuid
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw
from starlette.routing import Route

from ..sources.contract import Chunk, Unreadable
from .answers import (
    INTERNAL_ERROR,
    LIVE_IS_NOT_ALLOWED,
    MALFORMED,
    TOO_SLOW,
    AnswerError,
    BusyError,
    ErrorAnswer,
    Success,
    error_answer,
    json_answer,
    live_not_allowed,
    success,
)
from .bodies import read_body
from .calls import EVENT, MOST_EVENTS, too_many_events
from .operations import Described, Operation

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from ..configuration.service_configuration import ServiceConfiguration
    from .accounts import ServedAccount

PATH = "/webhook"

_WHITE = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_read_items = msgspec.json.Decoder(list[Raw]).decode
_read_members = msgspec.json.Decoder(dict[str, Raw]).decode


class Webhook:
    """The endpoint. `account` is the one that its events belong to."""

    def __init__(self, account: ServedAccount, configuration: ServiceConfiguration) -> None:
        options = configuration.options
        self._account = account
        self._secret = _encoded(configuration.webhook_secret)
        self._token = _encoded(configuration.webhook_token)
        self._event_bytes = options.event_bytes
        self._body_bytes = options.batch_bytes
        self._seconds = options.request_seconds
        self._allows_live = configuration.delivery.live
        self._live_advice = configuration.live_advice

    def routes(self) -> list[Route]:
        """Return the endpoint."""
        return [Route(PATH, self._answer, methods=["POST"])]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoint says about itself."""
        return [_OPERATION]

    async def _answer(self, request: Request) -> Response:
        """Answer a request, with 200 once all of its events are on disk."""
        try:
            return await self._receive(request)
        except AnswerError as error:
            return error_answer(error)
        except BusyError as error:
            told = {"code": "busy", "message": f"Nothing was accepted, since {error}. Send it again."}
            return json_answer(503, told, {"Retry-After": str(error.retry_after)})

    async def _receive(self, request: Request) -> Response:
        # The token comes first: without it, nobody makes the service read a body.
        self._check_token(request)
        body = await read_body(request, most=self._body_bytes, seconds=self._seconds)
        body = body.removeprefix(_BYTE_ORDER_MARK).strip(_WHITE)
        items = _items(body)
        if items is not None and len(items) > MOST_EVENTS:
            # Even rejected events take their time.
            raise too_many_events()
        self._check_signature(request, body, items)
        if self._account.destination.is_live and not self._allows_live:
            raise live_not_allowed(self._account.destination, self._live_advice)
        texts = [body] if items is None else items
        if texts:
            await self._account.accept(self._chunk(texts))
        return success()

    def _check_token(self, request: Request) -> None:
        """Raise AnswerError unless the request shows the token, if there is one."""
        if self._token is None:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_right = hmac.compare_digest(token.strip().encode("latin-1"), self._token)
        if scheme.lower() != "bearer" or not is_right:
            raise _unauthorized("invalid_token", "The token is missing or wrong: Authorization: Bearer TOKEN.")

    def _check_signature(self, request: Request, body: bytes, items: list[bytes] | None) -> None:
        """Raise AnswerError unless the request is signed, if there is a secret.

        A list needs none beside a token, since Segment may not sign it; a signature that is there must be right.
        """
        if self._secret is None:
            return
        told = request.headers.get("x-signature")
        if told is None and items is not None and self._token is not None:
            return
        given = (told or "").strip().lower().encode("latin-1")
        for signed in (body, *(items or ())[:1]):
            if hmac.compare_digest(given, hmac.new(self._secret, signed, "sha1").hexdigest().encode()):
                return
        raise _unauthorized("invalid_signature", "The signature is missing or wrong: X-Signature, hex HMAC-SHA1.")

    def _chunk(self, texts: list[bytes]) -> Chunk:
        """Return the events as a chunk. What is not an object, or too large, is rejected alone."""
        chunk = Chunk(f"{PATH} {uuid.uuid4().hex[:12]}", unit="item")
        places: list[int] = []
        events: list[bytes] = []
        for place, text in enumerate(texts, start=1):
            kept = text[: self._event_bytes]
            if not text.startswith(b"{"):
                chunk.unreadable.append(Unreadable(place, "the event is not a JSON object", kept))
            elif len(text) > self._event_bytes:
                message = f"the event has more than {self._event_bytes:,} bytes"
                chunk.unreadable.append(Unreadable(place, message, kept, is_event=True))
            else:
                places.append(place)
                events.append(text)
        chunk.texts, chunk.places = events, places
        return chunk


def _items(body: bytes) -> list[bytes] | None:
    """Return the texts of a list; None for a single event. Raises AnswerError if the body is neither."""
    try:
        if body.startswith(b"["):
            return [bytes(item) for item in _read_items(body)]
        _read_members(body)
    except RecursionError:
        raise AnswerError(400, "invalid_json", "The JSON is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AnswerError(400, "invalid_json", f"The body is not an event, or a list of events: {error}.") from None
    return None


def _encoded(secret: str | None) -> bytes | None:
    return None if secret is None else secret.encode()


def _unauthorized(code: str, message: str) -> AnswerError:
    return AnswerError(401, code, message)


_OPERATION = Operation(
    "post",
    PATH,
    "sendToWebhook",
    "Webhook",
    "Send an event, or a list of events.",
    {
        200: Described("All events are on disk. Those that are rejected are dead letters, alone.", Success),
        400: MALFORMED,
        401: Described("The signature or the token is missing or wrong.", ErrorAnswer),
        403: LIVE_IS_NOT_ALLOWED,
        408: TOO_SLOW,
        500: INTERNAL_ERROR,
        503: Described("Nothing was accepted, since too much waits to be stored.", ErrorAnswer, comes_back=True),
    },
    body={
        "oneOf": [
            EVENT,
            {"type": "array", "items": {}, "description": "Any value that is not an event becomes a dead letter."},
        ]
    },
    security=(("webhookSignature",), ("webhookToken",), ("webhookSignature", "webhookToken")),
)

"""Segment's HTTP Tracking API, as its SDKs use it: their events, for the account that a write key names."""

from __future__ import annotations

import base64
import binascii
import itertools
import secrets
from functools import partial
from typing import TYPE_CHECKING

from starlette.routing import Route

from ..sources.contract import Chunk
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
from .calls import BATCH, EVENT, Call, CallRules, read_batch, read_single
from .operations import Described, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from ..delivery.clock import Clock
    from .accounts import ServedAccount

KINDS = {short: kind for kind in ("track", "identify", "page", "screen", "group", "alias") for short in (kind, kind[0])}
"""The endpoints for one event, each with the type of the event."""

BATCHES = ("batch", "import", "b")
"""The endpoints for several events."""

METRICS = "m"
"""Where Analytics.js sends counters of its own, which nobody needs here."""


class Tracking:
    """The endpoints. `accounts` has the account of each write key; without the `live` setting, a live one gets 403."""

    def __init__(
        self,
        accounts: Mapping[str, ServedAccount],
        rules: CallRules,
        *,
        clock: Clock,
        seconds: float,
        allows_live: bool,
        live_advice: str,
    ) -> None:
        self.accounts = accounts
        self._rules = rules
        self._clock = clock
        self._seconds = seconds
        self._allows_live = allows_live
        self._live_advice = live_advice
        # Origins name their request: by a number, and by a word that no other run of the service has.
        run = secrets.token_hex(4)
        self._sources = (f"request {run}-{number}" for number in itertools.count(1))

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        endpoints = [*KINDS, *BATCHES, METRICS]
        return [Route(f"/v1/{name}", partial(self._answer, endpoint=name), methods=["POST"]) for name in endpoints]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoints say about themselves."""
        return [_operation(name) for name in (*KINDS, *BATCHES, METRICS)]

    async def _answer(self, request: Request, endpoint: str) -> Response:
        """Answer a call with one event, or with a batch of them."""
        try:
            return await self._receive(request, endpoint)
        except AnswerError as error:
            return error_answer(error)
        except BusyError as error:
            told = {"code": "too_many_requests", "message": f"Nothing was accepted, since {error}. Send it again."}
            return json_answer(429, told, {"Retry-After": str(error.retry_after)})

    async def _receive(self, request: Request, endpoint: str) -> Response:
        rules = self._rules
        body = await read_body(request, most=rules.batch_bytes, seconds=self._seconds)
        if endpoint == METRICS:
            return success()
        now = self._clock.now()
        is_batch = endpoint in BATCHES
        call = read_batch(body, now, rules) if is_batch else read_single(body, KINDS[endpoint], now, rules)
        account = self._account(call, request.headers.get("authorization", ""))
        source = next(self._sources)
        await account.accept(
            Chunk(source, unit="item", texts=call.texts, places=call.places, unreadable=call.unreadable)
        )
        return success()

    def _account(self, call: Call, authorization: str) -> ServedAccount:
        """Return the account of the first write key that is known. Raises AnswerError if none is."""
        told = [key for key in (*_authorized(authorization), call.write_key) if key]
        if not told:
            told = [*call.event_keys]
            if len(told) > 1:
                message = "The events have different write keys; send those of each write key in a call of their own."
                raise AnswerError(400, "invalid_write_key", message)
        known = next((key for key in told if key in self.accounts), None)
        if known is None:
            raise _unknown_key(is_given=bool(told))
        return self._allowed(known)

    def _allowed(self, key: str) -> ServedAccount:
        account = self.accounts[key]
        if account.destination.is_live and not self._allows_live:
            raise live_not_allowed(account.destination, self._live_advice)
        return account


def _authorized(header: str) -> Iterator[str]:
    """Yield the write key of an Authorization header: the user name of Basic, or what follows Bearer."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() == "bearer":
        yield text.strip()
    elif scheme.lower() == "basic":
        try:
            yield base64.b64decode(text.strip(), validate=True).decode("ascii").partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return


def _unknown_key(*, is_given: bool) -> AnswerError:
    """Return the answer to a call without a write key that is known.

    It is 400, not 401: some SDKs keep a batch that gets 401 and send it again for ever.
    """
    if is_given:
        return AnswerError(400, "invalid_write_key", "The write key is not one of this service's; check the SDK's key.")
    return AnswerError(400, "missing_write_key", "The write key is missing; SDKs send it as the user name of Basic.")


def _operation(endpoint: str) -> Operation:
    """Return what one endpoint says about itself."""
    if endpoint == METRICS:
        return Operation(
            "post",
            f"/v1/{METRICS}",
            "countClientMetrics",
            "Tracking",
            "Take the counters that Analytics.js sends about itself, and keep none of them.",
            {200: Described("Taken.", Success), 400: MALFORMED, 408: TOO_SLOW, 500: INTERNAL_ERROR},
            body={"description": "Anything."},
        )
    is_batch = endpoint in BATCHES
    return Operation(
        "post",
        f"/v1/{endpoint}",
        # The short form of a name is a name of its own.
        f"{'import' if endpoint == 'import' else 'batch' if is_batch else KINDS[endpoint]}By{endpoint.title()}",
        "Tracking",
        "Send several events." if is_batch else f"Send an event of the type {KINDS[endpoint]}.",
        {
            200: Described("Everything is on disk. Rejected events are dead letters, alone.", Success),
            400: MALFORMED,
            403: LIVE_IS_NOT_ALLOWED,
            408: TOO_SLOW,
            429: Described("Nothing was accepted, since too much waits to be stored.", ErrorAnswer, comes_back=True),
            500: INTERNAL_ERROR,
        },
        body=BATCH if is_batch else EVENT,
        security=(("writeKey",), ("writeKeyAsToken",), ()),
    )

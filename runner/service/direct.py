"""Segment's Direct Destination: Segment calls it once for each event, with the credentials of the customer."""

from __future__ import annotations

import contextlib
import hmac
import logging
import traceback
import uuid
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.routing import Route

from ...definitions import CredentialsError, Redactor, SetupError, compile_trigger, quoted, shortened
from ..delivery.delivery import account_of
from ..sources.contract import Chunk
from .answers import SECONDS_TO_COME_BACK, AnswerError, BusyError, json_answer
from .bodies import read_body
from .calls import EVENT
from .direct_call import SETTINGS_HEADER, read_event, read_key, read_settings
from .operations import Described, Operation

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from ...definitions import Destination, Outcome, Trigger
    from ..configuration.service_configuration import ServiceConfiguration
    from ..delivery.clock import Clock
    from ..delivery.receipt import Receipt
    from .accounts import ServedAccount, ServedAccounts
    from .customers import Customers
    from .direct_call import DirectEvent
    from .key_checks import KeyChecks
    from .stored_credentials import StoredCredentials

_LONGEST_MESSAGE = 1_000
_TIMEOUT = 408
_FEWEST_TORN = 2
_SKIPPED = {
    "integrations": "The integrations object of the event switches this destination off.",
    "missing_client_id": "The event names no customer, and is only counted.",
    "not_subscribed": "No subscription matches the event.",
}
_UNKNOWN_TYPE = "unknown_type"

_log = logging.getLogger(__name__)


class DirectAnswer(msgspec.Struct):
    """What Segment shows to its user."""

    message: str


class Direct:
    """The endpoint. An account is environment and client ID; its first key, and each other one, is checked."""

    def __init__(
        self,
        accounts: ServedAccounts,
        configuration: ServiceConfiguration,
        customers: Customers,
        stored: StoredCredentials,
        checks: KeyChecks,
        *,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._configured = {account_of(found): found for found in configuration.accounts.values()}
        self._options = configuration.options
        self._allows_live = configuration.delivery.live
        self._live_advice = configuration.live_advice
        self._customers = customers
        self._stored = stored
        self._checks = checks
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the endpoint; none if it is off, or if the destination has no API key or several of them."""
        if not self._options.direct or self._customers.secret is None:
            return []
        return [Route("/segment", self._answer, methods=["POST"])]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoint says about itself."""
        return [_OPERATION]

    async def _answer(self, request: Request) -> Response:
        """Answer with what Segment shows to its user: a message only."""
        try:
            status, message = await self._receive(request)
        except AnswerError as error:
            if error.status == _TIMEOUT:
                # The documentation has no 408, and a retry may well succeed.
                return _told(503, error.message, SECONDS_TO_COME_BACK)
            return _told(error.status, error.message, error.retry_after)
        except BusyError as error:
            return _told(503, f"Nothing was accepted, since {error}. Send the event again.", error.retry_after)
        except Exception:  # noqa: BLE001 - the documented answer, whatever has failed
            # With the traceback, masked.
            _log.error("an event of a Direct Destination was not accepted\n%s", _masked_fault(request))
            return _told(500, "The service has failed; its log says why. Send the event again.")
        return _told(status, message)

    async def _receive(self, request: Request) -> tuple[int, str]:
        options = self._options
        body = await self._body(request)
        key = read_key(request.headers.get("authorization", ""))
        try:
            settings = read_settings(request.headers.get(SETTINGS_HEADER, ""), self._customers.definition.settings)
            settings[self._customers.secret or ""] = key
            event = read_event(body, self._clock.now(), requires_id=options.require_message_id)
            destination = self._destination(settings)
            account = await self._account(key, settings, destination)
            _refuse_torn(destination, event)
            source = f"{request.url.path} {uuid.uuid4().hex[:12]}"
            # Segment shows the reason to its user at once, so no dead letter is needed.
            chunk = Chunk(source, unit="item", texts=[event.text], places=[1], keeps_rejected=False)
            return _answer_of(await account.accept(chunk, destination), event, destination)
        except AnswerError as error:
            # Settings and events may repeat the key.
            error.message = _redactor(key).text(error.message)
            raise

    async def _body(self, request: Request) -> bytes:
        most = self._options.event_bytes
        try:
            return await read_body(request, most=most, seconds=self._options.request_seconds)
        except AnswerError as error:
            if error.code == "too_large":
                raise AnswerError(400, error.code, f"The event has more than {most:,} bytes.") from None
            raise

    def _destination(self, settings: dict[str, Any]) -> Destination:
        """Return the destination of a customer. Raises AnswerError: 401 for a malformed key, 400 for other settings."""
        try:
            return self._customers.destination(settings)
        except SetupError as error:
            place = f"settings.{self._customers.secret}"
            about_key = [problem.message for problem in error.problems if problem.place == place]
            if about_key:
                raise AnswerError(401, "malformed_key", f"The API key {about_key[0]}") from None
            raise AnswerError(400, "invalid_settings", f"The settings are not valid: {error}") from None

    async def _account(self, key: str, settings: dict[str, Any], destination: Destination) -> ServedAccount:
        """Return the account that a caller may send events to. Raises AnswerError and BusyError."""
        if destination.is_live and not self._allows_live:
            message = f"{destination.target} bills real customers, which is not allowed: {self._live_advice}."
            raise AnswerError(403, "live_not_allowed", message)
        name = account_of(destination)
        configured = self._configured.get(name)
        if configured is None and not self._stored.can_store:
            message = "The account is not configured, and there is no KABLE_SECRETS_KEY to store its API key with."
            raise AnswerError(403, "unknown_account", message)
        known = self._stored.key(name) if configured is None else self._customers.key_of(configured.settings)
        served = self._accounts.get(name)
        is_stopped = served is not None and isinstance(served.stopped, CredentialsError)
        is_known = known is not None and _is_same(known, key)
        is_fresh = False
        if is_stopped or not is_known:
            is_fresh = await self._checks.check(name, key, destination, is_stopped=is_stopped)
        self._customers.keep(settings, destination)
        if configured is not None:
            served = self._accounts.serve(configured)
            if is_stopped and is_fresh and is_known:
                served.use(configured)
            return served
        if not is_known and (is_fresh or known is None):
            await self._store(name, key, settings)
        served = self._accounts.serve(destination)
        if is_fresh and (is_stopped or not is_known):
            served.use(destination)
        return served

    async def _store(self, name: str, key: str, settings: dict[str, Any]) -> None:
        try:
            await self._stored.store(name, settings)
        except BaseException:
            # It must be stored the next time, so it must count as new then.
            self._checks.forget(name, key)
            raise


def _refuse_torn(destination: Destination, event: DirectEvent) -> None:
    """Raise AnswerError if one subscription takes an event and another rejects it: it is accepted whole, or not."""
    if len(destination.compiled_subscriptions) < _FEWEST_TORN:
        return
    planner = destination.planner()
    fed, flushed = planner.feed_texts([event.text], [1]), planner.flush()
    rejected = [found for found in (*fed.turned_down, *flushed.turned_down) if found.status == "rejected"]
    if rejected and (fed.requests or flushed.requests):
        message = f"One subscription takes the event, but another rejects it: {_reason(rejected[0], destination)}"
        raise AnswerError(400, "rejected", message)


def _reason(outcome: Outcome, destination: Destination) -> str:
    message = outcome.detail if outcome.error is None else outcome.error.message
    return destination.redactor.text(message)


def _answer_of(receipt: Receipt, event: DirectEvent, destination: Destination) -> tuple[int, str]:
    """Return the status and the message for an event."""
    if receipt.rejected:
        return 400, f"The event is rejected: {destination.redactor.text(receipt.rejected[0].message)}"
    if not receipt.skipped:
        return 202, "The event is accepted, and will be delivered."
    (reason,) = receipt.skipped
    if reason == _UNKNOWN_TYPE or (event.kind is not None and not _takes(destination, event.kind)):
        kind = quoted(shortened(event.kind or ""))
        return 501, f"Events of the type {kind} are not supported: no subscription takes them."
    return 200, _SKIPPED.get(reason, "There is nothing to do for the event.")


def _takes(destination: Destination, kind: str) -> bool:
    """Return whether a subscription takes some events of a type that Segment has."""
    events = _trigger_of(kind)
    return any(found.trigger.may_overlap(events) for found in destination.compiled_subscriptions)


def _masked_fault(request: Request) -> str:
    """Return the traceback of a fault. The log knows the secrets of the configuration, but not those of callers."""
    text = traceback.format_exc()
    with contextlib.suppress(AnswerError):
        text = _redactor(read_key(request.headers.get("authorization", ""))).text(text)
    return text


@lru_cache(maxsize=64)
def _redactor(key: str) -> Redactor:
    """Return what masks a key. It takes some milliseconds to make, and a customer may make many mistakes in a row."""
    return Redactor([key])


@cache
def _trigger_of(kind: str) -> Trigger:
    return compile_trigger(f'type = "{kind}"')


def _is_same(known: str, given: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(known.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass"))


def _told(status: int, message: str, retry_after: int | None = None) -> Response:
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    # Messages of the framework have no full stop, and some end with a question.
    sentence = message if message.endswith((".", "?")) else f"{message}."
    return json_answer(status, {"message": shortened(sentence, _LONGEST_MESSAGE)}, headers)


_OPERATION = Operation(
    "post",
    "/segment",
    "sendFromSegment",
    "Direct Destination",
    "Send one event, as Segment's Direct Destination does.",
    {
        200: Described("There is nothing to do for the event.", DirectAnswer),
        202: Described("The event is on disk, and will be delivered.", DirectAnswer),
        400: Described("The event or the settings are rejected, and nothing is kept.", DirectAnswer),
        401: Described("The API key is missing, malformed, or not accepted.", DirectAnswer),
        403: Described("The key is valid, but the account is not allowed.", DirectAnswer),
        500: Described("The service has failed; its log says why.", DirectAnswer),
        501: Described("No subscription takes events of this type.", DirectAnswer),
        503: Described("Nothing was accepted. Send it again.", DirectAnswer, comes_back=True),
    },
    body=EVENT,
    security=(("apiKey",),),
    headers={SETTINGS_HEADER: "The other settings, as a JSON object in Base64."},
)

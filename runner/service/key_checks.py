"""Checks API keys at the destination, as seldom as possible: nobody can flood it with wrong keys."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...definitions import AnswerError as DestinationAnswerError
from ...definitions import CredentialsError, RefusedError
from .answers import SECONDS_TO_COME_BACK, AnswerError

if TYPE_CHECKING:
    from ...definitions import Destination
    from ..delivery.clock import Clock
    from ..transports.contract import Transport

ACCEPTED_SECONDS = 300.0
"""How long an accepted key is not checked again, so two valid keys in turn need no check for each event."""

REFUSED_SECONDS = 10.0
"""How long a refused key stays refused: longer, and a customer who has corrected it would lose events."""

_AGAIN_SECONDS = 1.0
"""How long at least between two checks of one key, also if it could not be checked or its account has stopped."""

_CHECK_SECONDS = 10.0
_MOST_REMEMBERED = 10_000
_MOST_AT_ONCE = 32
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The outcome of a check, and when it was (monotonic). `error` is what to answer, None for an accepted key."""

    at: float
    error: AnswerError | None

    @property
    def seconds(self) -> float:
        """How long it counts."""
        if self.error is None:
            return ACCEPTED_SECONDS
        return REFUSED_SECONDS if self.error.status == _UNAUTHORIZED else _AGAIN_SECONDS


class KeyChecks:
    """Asks the destination whether it accepts a key. Callers with one key at the same time share a check.

    Outcomes are remembered under hashes of account and key, which mean nothing outside of this process.
    """

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._salt = secrets.token_bytes(32)
        self._outcomes: OrderedDict[bytes, _Outcome] = OrderedDict()
        self._checking: dict[bytes, asyncio.Task[_Outcome]] = {}

    async def check(self, account: str, key: str, destination: Destination, *, is_stopped: bool = False) -> bool:
        """Return whether the destination has just accepted a key; False if it did so some minutes ago.

        `is_stopped`: the account has stopped since the destination refused its key, so an acceptance before that means
        nothing. Raises AnswerError: 401 for a refused key, 503 if it cannot be checked at the moment.
        """
        name = self._name(account, key)
        known = self._outcomes.get(name)
        if known is not None:
            seconds = _AGAIN_SECONDS if is_stopped and known.error is None else known.seconds
            if self._clock.monotonic() - known.at < seconds:
                if known.error is not None:
                    raise _again(known.error)
                return False
        if (checking := self._checking.get(name)) is None:
            if len(self._checking) >= _MOST_AT_ONCE:
                raise _unavailable("too many keys are being checked")
            checking = self._checking[name] = asyncio.create_task(self._check(name, destination))
        # A caller may go away; the others share the check.
        outcome = await asyncio.shield(checking)
        if outcome.error is not None:
            raise _again(outcome.error)
        return True

    def forget(self, account: str, key: str) -> None:
        """Check a key again the next time."""
        self._outcomes.pop(self._name(account, key), None)

    async def close(self) -> None:
        """End the checks that are under way."""
        for checking in (*self._checking.values(),):
            checking.cancel()
        if self._checking:
            await asyncio.wait({*self._checking.values()})

    async def _check(self, name: bytes, destination: Destination) -> _Outcome:
        try:
            error = await self._ask(destination)
            outcome = self._outcomes[name] = _Outcome(self._clock.monotonic(), error)
            self._outcomes.move_to_end(name)
            if len(self._outcomes) > _MOST_REMEMBERED:
                self._outcomes.popitem(last=False)
            return outcome
        finally:
            del self._checking[name]

    async def _ask(self, destination: Destination) -> AnswerError | None:
        """Return what to answer to a caller whose key is not accepted; None if it is."""
        request = destination.authentication_request()
        if request is None:
            # Such a destination refuses a wrong key when events arrive.
            return None
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                error = destination.read_authentication(await self._transport.send(request))
        except TimeoutError:
            return _unavailable(f"{destination.host} did not answer in time")
        except DestinationAnswerError as found:
            error = found
        if error is None:
            return None
        if isinstance(error, CredentialsError | RefusedError):
            message = f"{destination.definition.name} does not accept the API key: {error.message}"
            return AnswerError(_UNAUTHORIZED, "refused_key", message)
        return _unavailable(error.message)

    def _name(self, account: str, key: str) -> bytes:
        text = f"{account}\0{key}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._salt).digest()


def _again(error: AnswerError) -> AnswerError:
    """Return the same answer for another caller: an exception collects the frames of all who raise it."""
    return AnswerError(error.status, error.code, error.message, retry_after=error.retry_after)


def _unavailable(reason: str) -> AnswerError:
    message = f"The API key cannot be checked at the moment: {reason}. Send the event again."
    return AnswerError(503, "unavailable", message, retry_after=SECONDS_TO_COME_BACK)

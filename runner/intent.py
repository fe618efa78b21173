"""Whether a user means to bill real customers: said in the configuration, or answered before for that account."""

from __future__ import annotations

import contextlib
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..definitions import Problem, SetupError, is_loopback
from .delivery.delivery import account_of
from .queues.contract import Put, QueueFullError, Token

if TYPE_CHECKING:
    from ..definitions import Destination, DestinationDefinition, Environment
    from .delivery.clock import Clock
    from .queues.contract import Queue

INTENT_PREFIX = "live/"
"""The keys of the records that hold the answers, by environment and account; never by the key of the account."""


class LiveIntentError(SetupError):
    """Real customers would be billed, and nobody has said that this is meant."""


@dataclass(frozen=True, slots=True)
class LiveIntent:
    """What says that live deliveries are meant.

    `is_meant`: the configuration does. `is_confirmed`: the user has just been asked; the answer is remembered.
    `advice` ends the message of an error, for those who may set something.
    """

    is_meant: bool = False
    is_confirmed: bool = False
    advice: str = "set `live` in the delivery options"

    async def check(self, destination: Destination, queue: Queue | None, clock: Clock) -> None:
        """Raise LiveIntentError if a delivery would bill real customers without intent. Remember a new answer.

        `queue` is None if there is none yet, which remembers nothing.
        """
        if not destination.is_live or self.is_meant:
            return
        if self.is_confirmed:
            if queue is not None:
                await _remember(queue, _record_key(destination), clock)
        elif queue is None or not await is_confirmed(destination, queue):
            raise self.refusal(destination)

    def refusal(self, destination: Destination) -> LiveIntentError:
        """Return the error that says what to set."""
        message = f"{destination.target} bills real customers, and nothing says that you mean it; {self.advice}"
        return LiveIntentError.of([Problem("", message)])


def shown_target(destination: Destination) -> str:
    """Return where events go, and what that means if it costs somebody money."""
    return f"{destination.target}{': real customers are billed' if destination.is_live else ''}"


def environment_of(account: str, definition: DestinationDefinition) -> Environment | None:
    """Return the environment that an account of a queue belongs to, by its host; None if its host says nothing."""
    environments, start = definition.environments, f"{definition.slug} "
    if environments is None or not account.startswith(start):
        return None
    host = account.removeprefix(start).partition(" ")[0]
    is_here = is_loopback(urlsplit(f"//{host}").hostname or "")
    return environments.at(host) or (environments.harmless if is_here else None)


def live_question(destination: Destination) -> str:
    """Return the question that a user answers with yes or no."""
    return f"Bill real customers at {destination.host}?"


async def is_confirmed(destination: Destination, queue: Queue) -> bool:
    """Return whether a user has answered yes for this account before."""
    key = _record_key(destination)
    return key in await queue.records(key)


async def _remember(queue: Queue, key: str, clock: Clock) -> None:
    value = json.dumps({"confirmed_at": clock.now().timestamp()}).encode()
    # Without room the user is asked again.
    with contextlib.suppress(QueueFullError):
        await queue.put(Put(Token(secrets.randbits(62), 0), records={key: value}))


def _record_key(destination: Destination) -> str:
    environment = destination.environment
    name = "" if environment is None else environment.name
    return f"{INTENT_PREFIX}{name} {account_of(destination)}"

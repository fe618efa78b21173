"""Whether a user means to bill real customers: said in the configuration, or answered before for that account."""

from __future__ import annotations

import contextlib
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..definitions import Problem, SetupError
from .delivery.delivery import account_of
from .outbox import outbox_may_exist, outbox_of
from .queues.contract import Put, QueueFullError, Token

if TYPE_CHECKING:
    from ..definitions import Destination
    from .configuration.delivery_options import DeliveryOptions
    from .delivery.clock import Clock
    from .queues.contract import Queue

INTENT_PREFIX = "live/"
"""The keys of the records that hold the answers, by environment and account; never by the key of the account."""


class LiveIntentError(SetupError):
    """Real customers would be billed, and the user has not allowed it."""


@dataclass(frozen=True, slots=True)
class LiveIntent:
    """Whether live deliveries are allowed.

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
        message = f"{destination.target} bills real customers, and you have not allowed it; {self.advice}"
        return LiveIntentError.of([Problem("", message)])


def live_question(destination: Destination) -> str:
    """Return the question that a user answers with yes or no."""
    return f"Bill real customers at {destination.host}?"


async def lacks_intent(destination: Destination, options: DeliveryOptions) -> bool:
    """Return whether a delivery would be refused because nothing says that billing real customers is meant."""
    if not destination.is_live or options.live:
        return False
    if not outbox_may_exist(options):
        return True
    async with outbox_of(options, read_only=True) as queue:
        return not await is_confirmed(destination, queue)


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

"""The outbox that the delivery options name: opened, named to people, and with the limits that runs stored in it."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..definitions import Problem, SetupError
from .delivery.clock import SystemClock
from .delivery.limits_record import LIMITS_PREFIX
from .queues.contract import Lane, QueueOpenError
from .queues.opening import BUSY_SECONDS, kept_days, open_queue, shown_place, split_place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from ..definitions import DestinationDefinition
    from .configuration.delivery_options import DeliveryOptions
    from .delivery.clock import Clock
    from .queues.contract import Queue
    from .queues.copying import Copied

_MOST_MEGABYTES = 1e12
"""More than any disk has, and still a number of bytes that SQLite can hold."""


@contextlib.asynccontextmanager
async def opened_queue(
    options: DeliveryOptions,
    clock: Clock | None = None,
    *,
    create: bool = True,
    read_only: bool = False,
    busy_seconds: float = BUSY_SECONDS,
) -> AsyncIterator[Queue]:
    """Open the queue that the options name, memory if they name none. Raises SetupError."""
    megabytes = options.dead_letter_megabytes
    limit = None if options.outbox_megabytes is None else options.outbox_megabytes * 1_000_000
    try:
        queue = open_queue(
            options.outbox or "memory:",
            clock=clock or SystemClock(),
            limit_bytes=limit,
            keep_ids_days=options.keep_ids,
            letter_days=options.dead_letter_days,
            letter_bytes=None if megabytes is None else int(min(megabytes, _MOST_MEGABYTES) * 1_000_000),
            create=create,
            read_only=read_only,
            busy_seconds=busy_seconds,
        )
    except QueueOpenError as error:
        raise SetupError.of([Problem("outbox", str(error))]) from None
    try:
        yield queue
    finally:
        await queue.close()


def require_outbox(options: DeliveryOptions) -> DeliveryOptions:
    """Return the options. Raises SetupError if they turn the outbox off."""
    if not options.outbox:
        raise SetupError.of([Problem("outbox", "is turned off; --outbox names a file")])
    return options


def outbox_name(options: DeliveryOptions) -> str:
    """Return the outbox as messages name it, without what may be a password."""
    return shown_place(require_outbox(options).outbox or "")


def outbox_path(options: DeliveryOptions) -> str | None:
    """Return the path of the outbox; None if it is none, or no file."""
    if not options.outbox:
        return None
    scheme, location = split_place(options.outbox)
    return location if scheme == "sqlite" else None


def outbox_may_exist(options: DeliveryOptions) -> bool:
    """Return whether a queue may be there already; of one that is not a file, only its engine knows."""
    path = outbox_path(options)
    return bool(options.outbox) if path is None else os.path.lexists(path)


def kept_id_days(options: DeliveryOptions) -> float:
    """Return how many days the outbox keeps IDs, so no event is sent twice. Raises SetupError."""
    try:
        return kept_days(options.outbox or "memory:", options.keep_ids)
    except QueueOpenError as error:
        raise SetupError.of([Problem("outbox", str(error))]) from None


def outbox_of(options: DeliveryOptions, *, read_only: bool = False) -> contextlib.AbstractAsyncContextManager[Queue]:
    """Open an outbox that exists, to look at it or to change it. Raises SetupError."""
    return opened_queue(require_outbox(options), create=False, read_only=read_only)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that a run has found for a lane: requests in flight, and per second (None: any number)."""

    in_flight: int
    per_second: float | None


async def limits_of(queue: Queue) -> Mapping[Lane, Limits]:
    """Return the latest limits of each lane that some run has stored."""
    records = await queue.records(LIMITS_PREFIX)
    found = {}
    for key, value in records.items():
        account, _, action = key.removeprefix(LIMITS_PREFIX).partition("\0")
        found[Lane(account, action)] = Limits(**json.loads(value))
    return found


def back_up(options: DeliveryOptions, target: Path) -> int:
    """Copy an outbox that is a file, also while it is used; return the bytes of the copy. Raises SetupError."""
    from .queues.sqlite.backup import back_up as copy  # noqa: PLC0415 - only a backup needs it

    path = outbox_path(require_outbox(options))
    if path is None:
        message = "is not a file; back it up with the tools of its database"
        raise SetupError.of([Problem("outbox", message)])
    try:
        return copy(Path(path), target)
    except FileExistsError:
        raise SetupError.of(
            [Problem(str(target), "is there already, and is not overwritten; name another file")]
        ) from None
    except OSError as error:
        raise SetupError.of([Problem(str(target), f"cannot be written: {error.strerror}")]) from None
    except ValueError as error:
        raise SetupError.of([Problem(str(target), f"is not a path: {error}")]) from None
    except QueueOpenError as error:
        raise SetupError.of([Problem("outbox", str(error))]) from None


def copy_to(source: str, target: str) -> Copied:
    """Copy a whole outbox to a new place. Raises SetupError, and QueueFullError if there is no room."""
    from .queues.copying import copy_outbox  # noqa: PLC0415 - only a copy needs it

    try:
        return copy_outbox(source, target, SystemClock())
    except QueueOpenError as error:
        raise SetupError.of([Problem("outbox", str(error))]) from None


def place_name(place: str) -> str:
    """Return a place as messages name it, without what may be a password."""
    return shown_place(place)


def owner_fields(definition: DestinationDefinition) -> Mapping[str, tuple[str, ...]]:
    """Return the fields of each action that say whose an event is: its required identifiers but that of the event."""
    return {
        name: tuple(
            key
            for key, field in action.fields.items()
            if field.identifier and field.required and key != action.idempotency_field
        )
        for name, action in definition.actions.items()
    }

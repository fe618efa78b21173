"""The planners that the options of a delivery ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..delivery.delivery import account_of
from ..queues.opening import split_place
from .pool import WORTH_BYTES, Limits, PlannerPool, spare_cores
from .program import Way
from .server import PlannerServer

if TYPE_CHECKING:
    from ...definitions import Destination
    from ..configuration.delivery_options import DeliveryOptions
    from ..configuration.recipe import Recipe
    from ..delivery.notices import Observer

_WORTH_BYTES_OF_A_FRESH_SERVER = 8 * WORTH_BYTES
"""How many bytes of events are worth planners if their server must first import everything."""


def fork_planner_server(destination: Destination, options: DeliveryOptions, size: int | None) -> PlannerServer | None:
    """Fork what starts planners for an input of so many bytes (None: of any number).

    Return None if the options ask for none, if they are not worth it, or if this process has threads already.
    """
    if not _count(options) or (size is not None and size < WORTH_BYTES):
        return None
    return PlannerServer.forked(destination, _way(destination, options))


def planners_for(
    destination: Destination,
    options: DeliveryOptions,
    recipe: Recipe | None,
    server: PlannerServer | None,
    notify: Observer,
    *,
    salt: bytes | None,
) -> PlannerPool | None:
    """Return the planners for a queue with this salt; None if everything is planned in this process."""
    count, way = _count(options), _way(destination, options)
    if server is not None:
        return PlannerPool(lambda: server, way, count, notify=notify, salt=salt)
    if not count or recipe is None:
        return None
    limits = Limits(worth_bytes=_WORTH_BYTES_OF_A_FRESH_SERVER)
    return PlannerPool(
        lambda: PlannerServer.fresh(recipe, destination.fingerprint, way), way, count, limits, notify, salt=salt
    )


def _count(options: DeliveryOptions) -> int:
    return spare_cores() if options.planners is None else options.planners


def _way(destination: Destination, options: DeliveryOptions) -> Way:
    scheme, _ = split_place(options.outbox or "memory:")
    counts_nobodies = options.on_missing_client_id == "count"
    return Way(account_of(destination), scheme, options.batch_size, counts_nobodies=counts_nobodies)

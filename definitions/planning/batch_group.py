"""Which events may share a batch: those of one action, of one order shard, and with equal batch keys."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from ..javascript.values import to_string
from ..json_body import encode_json

if TYPE_CHECKING:
    from typing import Any

    from ..action import ActionDefinition
    from .payload_list import Payload

ORDER_SHARDS = 16
"""The number of shards that the events of an action with `order_field` are divided into.

Events with equal order keys have one shard, and the batches of a shard are sent one after the other. So each key
stays in order while several requests are in flight, one for each shard. With more shards, more requests can be in
flight, but each batch takes longer to fill, so it is smaller when a stream is flushed. An outbox holds shards of
queued batches: a change of this number does not reach those.
"""


class BatchGroup(NamedTuple):
    """What the events of one batch have in common; `keys` are the values of the action's batch keys, as JSON."""

    action_key: str
    shard: int | None = None
    keys: tuple[bytes, ...] = ()


def batch_group(action_key: str, action: ActionDefinition, payload: Payload) -> BatchGroup:
    """Return the group of an event, by its payload."""
    keys = tuple([encode_json(payload.get(name)) for name in action.batch_keys])
    return BatchGroup(action_key, order_shard(payload, action.order_field), keys)


def order_shard(payload: Payload, field: str | None) -> int | None:
    """Return the shard of a payload by its order key; None if it has no order key.

    The shard must be the same in every process, so it cannot be Python's own hash.
    """
    key = payload_text(payload, field)
    return None if key is None else zlib.crc32(key.encode("utf-8", "surrogatepass")) % ORDER_SHARDS


def payload_text(payload: Payload, field: str | None) -> str | None:
    """Return a field of a payload as text; None if the payload does not have it, or if there is no such field."""
    return as_text(payload.get(field)) if field is not None else None


def as_text(value: Any) -> str | None:
    """Return a value as JavaScript prints it, but None as None."""
    return value if value is None or type(value) is str else to_string(value)

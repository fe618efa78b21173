"""What a topic as a source reports while it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

Kind = Literal["halted", "gap", "lag", "released", "tombstones", "unreachable"]


class Report(NamedTuple):
    """Something that a person or a metric should know.

    - `halted`: the partition `source` is not read until a person acts, because of `error`.
    - `gap`: it continues although events are lost (`events`, if that is known), as the address says.
    - `lag`: how many `events` of it are not read yet.
    - `released`: the partition is read by another member of the group from now on, or by nobody.
    - `tombstones`: how many messages had no value; they are only counted.
    - `unreachable`: no broker answers, or the topic cannot be read at the moment; it is tried again.
    """

    kind: Kind
    source: str
    events: int = 0
    error: str = ""


Reporter = Callable[[Report], None]

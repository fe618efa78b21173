"""Payloads that are held as JSON, which is how they are sent: a tenth of the memory, and nothing to write again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import msgspec

Payload = dict[str, Any]


class PayloadList(Sequence[Payload]):
    """A list of payloads; `text` is the list as JSON. They are read when somebody looks at them.

    If the list is part of a value that is sent as JSON, `text` is sent unchanged.
    """

    def __init__(self, text: bytes, count: int, payloads: list[Payload] | None = None) -> None:
        self.text = text
        self._count = count
        self._known = payloads

    @property
    def _payloads(self) -> list[Payload]:
        if self._known is None:
            self._known = msgspec.json.decode(self.text)
        return self._known

    def part(self, positions: Sequence[int]) -> PayloadList:
        """Return a list of some of the payloads, by their positions; their JSON is not written again."""
        texts = msgspec.json.decode(self.text, type=list[msgspec.Raw])
        return PayloadList(b"[%b]" % b",".join([bytes(texts[position]) for position in positions]), len(positions))

    def __len__(self) -> int:
        """Count the payloads."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> Payload: ...

    @overload
    def __getitem__(self, index: slice) -> list[Payload]: ...

    def __getitem__(self, index: int | slice) -> Payload | list[Payload]:
        """Return a payload, or a part of the list."""
        return self._payloads[index]

    def __iter__(self) -> Iterator[Payload]:
        """Return the payloads in order."""
        return iter(self._payloads)

    def __eq__(self, other: object) -> bool:
        """Be equal to a list of equal payloads."""
        return bool(self._payloads == (other._payloads if isinstance(other, PayloadList) else other))

    __hash__ = None  # type: ignore[assignment]  # as with any list

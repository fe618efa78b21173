"""Values that are equal to any other of their kind, for what a test cannot know: ids and times."""

from __future__ import annotations

import re
import uuid
from typing import Any

from ..fields.rfc3339 import rfc3339


class AnyText:
    """Equal to any text that a regular expression matches as a whole: `AnyText(r"evt_[0-9a-f]{8}")`."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self._pattern.fullmatch(other) is not None

    def __hash__(self) -> int:
        return hash(self._pattern)

    def __repr__(self) -> str:
        return f"AnyText({self._pattern.pattern!r})"


class AnyUuid:
    """Equal to any UUID, be it text in its usual form (with hyphens) or a `uuid.UUID`; `version` asks for one kind."""

    def __init__(self, version: int | None = None) -> None:
        self._version = version

    def __eq__(self, other: object) -> bool:
        found = _as_uuid(other)
        return found is not None and self._version in {None, found.version}

    def __hash__(self) -> int:
        return hash(self._version)

    def __repr__(self) -> str:
        return "AnyUuid()" if self._version is None else f"AnyUuid({self._version})"


class AnyRfc3339:
    """Equal to any text that is a moment as RFC 3339 writes it: 2026-03-04T05:06:07.890Z."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and rfc3339(other) == other

    def __hash__(self) -> int:
        return hash(AnyRfc3339)

    def __repr__(self) -> str:
        return "AnyRfc3339()"


def _as_uuid(value: Any) -> uuid.UUID | None:
    if isinstance(value, uuid.UUID):
        return value
    try:
        found = uuid.UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and str(found) == value.lower() else None

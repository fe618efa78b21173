"""Probable mistakes of a user: subscriptions that look for what no event of Segment has. Each is a warning."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from ..errors import Problem
from ..nearest import nearest, nearest_word
from ..segment_calls import CALL_TYPES, CONTEXT_KEYS, EVENT_KEYS
from ..text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .compiled_subscription import CompiledSubscription

_WHERE_TO_LOOK = "; most of what users send is in properties, traits or context"

_LONG_KEY = 5
_VERY_NEAR = 0.85


def subscription_mistakes(subscription: CompiledSubscription) -> Iterator[Problem]:
    """Find types and paths that no event of Segment has, in the trigger and in what the user maps."""
    for kind in subscription.trigger.types:
        if kind not in CALL_TYPES:
            hint = nearest(kind, CALL_TYPES) or f"; they are {', '.join(sorted(CALL_TYPES))}"
            mistake = f"it compares type with {quoted(kind)}, which is no type of Segment's events{hint}"
            yield Problem(subscription.name, mistake)
    found = [(("trigger", keys), keys) for keys in subscription.trigger.keys]
    for key, source in subscription.sources.items():
        if source.origin != "default":
            found += [((key, keys), keys) for keys in subscription.field_keys(key)]
    for (place, _), keys in dict(found).items():
        if (message := path_mistake(keys)) is not None:
            yield Problem(f"{subscription.name}, {place}", message)


def path_mistake(keys: tuple[str, ...]) -> str | None:
    """Say why no event of Segment has a path, with the nearest that it has; None if it may have it."""
    if not keys:
        return None
    path = ".".join(("$", *keys))
    if keys[0] not in EVENT_KEYS:
        if keys[0] == "$":
            rest = ".".join(keys[1:])
            return f"reads {path}, which has a $ too many; write {rest or 'the path'} in a template"
        hint = nearest(keys[0], EVENT_KEYS) or _WHERE_TO_LOOK
        return f"reads {path}, but no event of Segment has {quoted(keys[0])}{hint}"
    if keys[0] == "context" and len(keys) > 1 and keys[1] not in CONTEXT_KEYS:
        near = nearest_word(keys[1], CONTEXT_KEYS)
        if near is not None and _is_slip(keys[1], near):
            return f'reads {path}, but Segment\'s libraries write "context.{near}"'
    return None


def _letters(key: str) -> str:
    return key.replace("_", "").replace("-", "").casefold()


def _is_slip(key: str, near: str) -> bool:
    """Return whether a key is a known one with a slip. Any key may be in a context, so it must be very near."""
    if _letters(key) == _letters(near):
        return True
    return len(key) >= _LONG_KEY and difflib.SequenceMatcher(None, key, near).ratio() > _VERY_NEAR

"""Probable mistakes of a user, each a warning: what no event of Segment has, or what many events would share."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from ..errors import Problem
from ..mapping.constants import field_constants
from ..mapping.option_names import unknown_options
from ..mapping.path_texts import dollar_templates, template_texts
from ..nearest import nearest, nearest_word
from ..segment_calls import CALL_TYPES, CONTEXT_KEYS, EVENT_KEYS
from ..text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .compiled_subscription import CompiledSubscription

_WHERE_TO_LOOK = "; most of what users send is in properties, traits or context"

_NAMES_OF_CALLS = frozenset({"category", "channel", "event", "name", "projectId", "type", "version", "writeKey"})
_MOMENTS = frozenset({"originalTimestamp", "receivedAt", "sentAt", "timestamp"})
_SHARED = _NAMES_OF_CALLS | {"anonymousId", "email", "groupId", "previousId", "userId"}
"""Top-level keys that many events of one customer share."""
_OF_NOBODY = _NAMES_OF_CALLS | _MOMENTS | {"messageId"}
"""Top-level keys that say nothing of whose an event is."""

_LONG_KEY = 5
_VERY_NEAR = 0.85


def subscription_mistakes(subscription: CompiledSubscription) -> Iterator[Problem]:
    """Find types and paths that no event of Segment has, in the trigger and in what the user maps."""
    for kind in subscription.trigger.types:
        if kind not in CALL_TYPES:
            hint = nearest(kind, CALL_TYPES) or f"; they are {', '.join(sorted(CALL_TYPES))}"
            mistake = f"it compares type with {quoted(kind)}, which is not a type of Segment's events{hint}"
            yield Problem(subscription.name, mistake)
    found = [(("trigger", keys), keys) for keys in subscription.trigger.keys]
    for key, source in subscription.sources.items():
        if source.origin != "default":
            # Templates that begin at $ are reported with their place, below.
            skipped = "$" if dollar_templates({key: source.mapping}) else None
            found += [((key, keys), keys) for keys in subscription.field_keys(key) if keys[:1] != (skipped,)]
    for (place, _), keys in dict(found).items():
        if (message := path_mistake(keys)) is not None:
            yield Problem(f"{subscription.name}, {place}", message)
    for problem in _value_mistakes(subscription):
        yield Problem(f"{subscription.name}, {problem.place}", problem.message)


def _value_mistakes(subscription: CompiledSubscription) -> Iterator[Problem]:
    """Find what a user maps to values that many events share though they should differ, or that are sent as written."""
    action = subscription.action
    for key, source in subscription.sources.items():
        if source.origin == "default" or key not in action.fields:
            continue
        if source.origin == "subscription":
            mapping = {key: source.mapping}
            yield from (*template_texts(mapping), *dollar_templates(mapping), *unknown_options(mapping))
        if key == action.time_field and field_constants({key: source.mapping}, key):
            yield Problem(key, "is the same for every event, so all usage would be of one moment; map $.timestamp")
        paths = subscription.field_keys(key)
        if not all(paths):
            continue
        roots, read = {keys[0] for keys in paths}, " and ".join(".".join(("$", *keys)) for keys in paths)
        if key == action.idempotency_field:
            if paths and (all(map(_is_shared, paths)) or (len(paths) == 1 and roots <= _MOMENTS)):
                found = "events that agree in it are one, and all but the first would be discarded as duplicates"
                yield Problem(key, f"reads {read}, which is not an ID of an event: {found}; map $.messageId")
        elif action.fields[key].identifier and roots and roots <= _OF_NOBODY:
            yield Problem(key, f"reads {read}, which names no customer; the events would be billed to it anyway")


def _is_shared(keys: tuple[str, ...]) -> bool:
    """Return whether many events have the same at a path. A context may hold anything besides the usual."""
    return keys[0] in _SHARED or (keys[0] == "context" and len(keys) > 1 and keys[1] in CONTEXT_KEYS)


def path_mistake(keys: tuple[str, ...]) -> str | None:
    """Say why no event of Segment has a path, with the nearest that it has; None if it may have it."""
    if not keys:
        return None
    path = ".".join(("$", *keys))
    if keys[0] not in EVENT_KEYS:
        if keys[0] == "$":
            return f"reads {path}, which has a $ too many; write {'.'.join(keys)}"
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

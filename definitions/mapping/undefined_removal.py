"""Taking MISSING, and for @excludeWhenNull null, out of what a mapping made. Nothing here changes its input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..missing import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable


def cleaned(value: Any) -> Any:
    """Copy a value without undefined keys and with null for undefined elements, at every level."""
    return _copied(value, keep_elements=False)


def without_missing_keys(value: Any) -> Any:
    """Copy a value without undefined keys at any level; undefined elements stay, as Segment keeps them."""
    return _copied(value, keep_elements=True)


def own_cleaned(value: Any) -> Any:
    """Return a value without MISSING among its own members, whose insides are known to have none."""
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return _cleaned_once(value, keep_elements=False) if MISSING in members else value


def _cleaned_once(value: Any, *, keep_elements: bool) -> Any:
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if item is not MISSING}
    if isinstance(value, list):
        return list(value) if keep_elements else [None if item is MISSING else item for item in value]
    return value


def _copied(value: Any, *, keep_elements: bool) -> Any:
    result = _cleaned_once(value, keep_elements=keep_elements)
    stack = [result]
    while stack:
        container = stack.pop()
        if isinstance(container, dict):
            members: Any = container.items()
        elif isinstance(container, list):
            members = enumerate(container)
        else:
            continue
        for key, item in members:
            if isinstance(item, dict | list):
                container[key] = _cleaned_once(item, keep_elements=keep_elements)
                stack.append(container[key])
    return result


def without_nulls(value: Any) -> Any:
    """Do as @excludeWhenNull does: MISSING for null; an object without null keys, through objects but not lists."""
    return _without_nulls(value, _dropped)


def with_undefined_for_null(value: Any) -> Any:
    """Do the same, but keep the keys, with MISSING: @merge lets them overwrite others."""
    return _without_nulls(value, _undefined)


def _without_nulls(value: Any, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if value is None:
        return MISSING
    if not isinstance(value, dict):
        return value
    result = changed(value)
    if type(value) is dict and dict not in map(type, result.values()):
        return result
    stack = [result]
    while stack:
        container = stack.pop()
        for key, item in container.items():
            if isinstance(item, dict):
                container[key] = changed(item)
                stack.append(container[key])
    return result


def _dropped(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None}


def _undefined(value: dict[str, Any]) -> dict[str, Any]:
    return {key: MISSING if item is None else item for key, item in value.items()}

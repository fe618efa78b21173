"""The key by which Segment lets one directive, in practice @transform, work on a whole mapping."""

from __future__ import annotations

from typing import Any

from ..javascript.values import type_name, utf16_units

ROOT_KEY = "__segment_internal_directive"


def spread(mapping: Any) -> Any:
    """Return what Segment makes of a mapping that is not an object: lists and text by index, of the rest nothing."""
    if isinstance(mapping, dict):
        return mapping
    if isinstance(mapping, list | tuple):
        return {str(index): item for index, item in enumerate(mapping)}
    if isinstance(mapping, str):
        return {str(index): unit for index, unit in enumerate(utf16_units(mapping))}
    return {}


def expand_root(mapping: dict[str, Any]) -> Any:
    """Make the other keys the `mapping` option of the root directive, if there is one; the input is not changed.

    Raises ValueError when the root directive is not one object with one directive.
    """
    if ROOT_KEY not in mapping:
        return mapping
    root = mapping[ROOT_KEY]
    rest = {key: value for key, value in mapping.items() if key != ROOT_KEY}
    if not isinstance(root, dict | list) or len(root) != 1:
        found = f"an object of {len(root)} keys" if isinstance(root, dict) else type_name(root)
        raise ValueError(f"the root directive is one object with one directive in it, such as @transform; got {found}")
    if isinstance(root, list):
        return [_with_mapping(root[0], "0", rest)]
    ((name, options),) = root.items()
    return {name: _with_mapping(options, name, rest)}


def _with_mapping(options: Any, name: str, rest: dict[str, Any]) -> Any:
    if isinstance(options, dict):
        return {**options, "mapping": rest}
    if isinstance(options, list):
        return options
    raise ValueError(f"the options of the root directive {name} are an object; got {type_name(options)}")

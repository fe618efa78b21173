"""Constants in the mappings of identifiers: what gives every event the same customer, or the same ID."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import Problem
from ..identifiers import identifier_fault, identifier_text
from ..mapping.constants import Constant, field_constants
from ..mapping.path_texts import is_path_text
from ..segment_calls import EVENT_KEYS
from ..text import quoted, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..action import ActionDefinition


def constant_ids(action: ActionDefinition, mapping: Mapping[str, Any]) -> Iterator[Problem]:
    """Find the constants that a mapping gives to identifiers.

    An idempotency field must differ from event to event, so each is a problem there. Another identifier may have one
    that is written within `@literal`.
    """
    for key, field in action.fields.items():
        is_idempotency = key == action.idempotency_field
        if not field.identifier and not is_idempotency:
            continue
        for found in field_constants(mapping, key):
            # Text like a path is refused by itself.
            if is_path_text(found.value) and not found.is_literal:
                continue
            is_meant = found.is_literal and not is_idempotency
            is_valid = identifier_text(found.value, allows_placeholders=field.allows_placeholders) is not None
            if is_meant and (is_valid or not field.identifier):
                continue
            place = f"{key}{'' if found.place.startswith('[') else '.'}{found.place}" if found.place else key
            if is_meant:
                yield Problem(place, f"the value {identifier_fault(found.value)}")
            else:
                yield Problem(place, _advice(found, field.label, is_idempotency=is_idempotency))


def _advice(found: Constant, label: str, *, is_idempotency: bool) -> str:
    value = found.value
    path = f"$.{value}" if isinstance(value, str) and value.partition(".")[0] in EVENT_KEYS else None
    start = f"{shown(value)} is a constant, so "
    hint = f'; did you mean {{"@path": {quoted(path)}}}?' if path is not None else ""
    if is_idempotency:
        return f"{start}all events but the first would be discarded as duplicates; map a path that differs{hint}"
    literal = f'{{"@literal": {shown(value)}}}'
    return f"{start}all events would have the same {label}; map a path, or write {literal} if you mean that{hint}"

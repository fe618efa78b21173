"""The mapping of a payload, with checks in it of what its identifiers are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..mapping.identifier_parts import with_checked_parts
from ..mapping.validation import is_directive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..fields.field_rule import FieldRule


def with_checked_identifiers(mapping: Any, rules: Sequence[FieldRule]) -> Any:
    """Return a mapping in which whatever makes the text of an identifier looks at the parts of it."""
    if not isinstance(mapping, dict):
        return mapping
    if is_directive(mapping):
        options = mapping.get("@transform")
        if not isinstance(options, dict):
            return mapping
        return {"@transform": _transform(options, rules)}
    changed = dict(mapping)
    for rule in rules:
        if rule.key not in changed:
            continue
        if rule.rule.identifier:
            allows = rule.rule.allows_placeholders
            changed[rule.key] = with_checked_parts(changed[rule.key], allows_placeholders=allows)
        elif rule.members is not None:
            changed[rule.key] = with_checked_identifiers(changed[rule.key], rule.members)
    return changed


def _transform(options: Mapping[str, Any], rules: Sequence[FieldRule]) -> dict[str, Any]:
    """Check the mapping of a root directive, and what its identifiers read of `apply`."""
    apply, mapping = options["apply"], options["mapping"]
    for rule in rules:
        if rule.rule.identifier and isinstance(mapping, dict) and rule.key in mapping:
            one = {"@transform": {"apply": apply, "mapping": mapping[rule.key]}}
            apply = with_checked_parts(one, allows_placeholders=rule.rule.allows_placeholders)["@transform"]["apply"]
    return {**options, "apply": apply, "mapping": with_checked_identifiers(mapping, rules)}

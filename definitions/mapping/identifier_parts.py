"""What an identifier is made of: each part must be an identifier itself.

`@template`, `@liquid`, `@json`, `@replace` and `@case` make text of anything, so the text alone does not show
that an object, a boolean or nothing at all went into it. In the mapping of an identifier they are checked where they
still see the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..identifiers import identifier_fault, identifier_text
from ..missing import MISSING
from .event_paths import event_paths
from .failure import fail
from .validation import METADATA, is_directive

if TYPE_CHECKING:
    from collections.abc import Callable

    from .paths import Keys

IDENTIFIER_TEMPLATE = "@identifierTemplate"
IDENTIFIER_LIQUID = "@identifierLiquid"
IDENTIFIER_PART = "@identifierPart"
"""Internal directives that replace Segment's; no mapping of a user has them."""


def with_checked_parts(value: Any, *, allows_placeholders: bool = False) -> Any:
    """Return the mapping of an identifier, with directives that check what it is made of."""
    if is_directive(value):
        name = next(key for key in value if key != METADATA)
        return _checked(name, value[name], allows_placeholders=allows_placeholders)
    if isinstance(value, list | tuple) and len(value) == 1:
        return [with_checked_parts(value[0], allows_placeholders=allows_placeholders)]
    return value


def _checked(name: str, options: Any, *, allows_placeholders: bool) -> Any:
    def checked(inner: Any) -> Any:
        return with_checked_parts(inner, allows_placeholders=allows_placeholders)

    match name:
        case "@template" | "@liquid" if isinstance(options, str):
            directive = IDENTIFIER_TEMPLATE if name == "@template" else IDENTIFIER_LIQUID
            return {directive: {"text": options, "allowsPlaceholders": allows_placeholders}}
        case "@template":
            return {IDENTIFIER_PART: {"value": {name: options}, "allowsPlaceholders": allows_placeholders}}
        case "@literal" | "@excludeWhenNull":
            changed = checked(options)
        case "@if":
            changed = {key: checked(item) if key in {"then", "else"} else item for key, item in options.items()}
        case "@json" | "@replace" | "@case" if options.get("mode") != "decode" and is_directive(options.get("value")):
            part = {"allowsPlaceholders": allows_placeholders, "isEncoded": name == "@json"}
            changed = {**options, "value": {IDENTIFIER_PART: {"value": checked(options["value"]), **part}}}
        case "@transform":
            changed = _transform(options, checked)
        case _:
            changed = options
    return {name: changed}


def _transform(options: dict[str, Any], checked: Callable[[Any], Any]) -> dict[str, Any]:
    """Check the mapping, and what it reads of `apply`."""
    apply, mapping = options["apply"], options["mapping"]
    if isinstance(apply, dict) and not is_directive(apply):
        for keys in event_paths(mapping):
            apply = _with_checked(apply, keys, checked)
    return {**options, "apply": apply, "mapping": checked(mapping)}


def _with_checked(made: Any, keys: Keys, checked: Callable[[Any], Any]) -> Any:
    """Check what a path leads to in a mapping; what it passes on the way is copied."""
    if not keys or not isinstance(made, dict) or is_directive(made) or keys[0] not in made:
        return checked(made)
    return {**made, keys[0]: _with_checked(made[keys[0]], keys[1:], checked)}


def identifier_piece(value: Any, path: str, place: str, *, allows_placeholders: bool) -> str:
    """Return what a placeholder puts into an identifier. Raises MappingError if that is not an identifier."""
    text = identifier_text(value, allows_placeholders=allows_placeholders)
    if text is None:
        found = "is missing" if value is MISSING or value is None else identifier_fault(value)
        fail(place, f"{{{{{path}}}}} {found}; an identifier is sent only when it has all of its parts")
    return text


def identifier_part(value: Any, place: str, *, allows_placeholders: bool, is_encoded: bool) -> Any:
    """Return what becomes a part of an identifier, or MISSING. Raises MappingError for what is not an identifier.

    Of what `@json` encodes, an object or a list will do if there is something in it.
    """
    if value is MISSING or (value is None and not is_encoded):
        return value
    is_filled = is_encoded and isinstance(value, dict | list) and bool(value)
    if not is_filled and identifier_text(value, allows_placeholders=allows_placeholders) is None:
        fail(place, f"the value {identifier_fault(value)}")
    return value

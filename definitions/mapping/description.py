"""A mapping in plain words, for docs and previews."""

from __future__ import annotations

from typing import Any

from ..text import shortened
from .json_text import to_json
from .validation import METADATA, is_directive, problems_of

_MAX_SHOWN = 201


def describe_mapping(mapping: Any) -> str:
    """Return in words what a mapping makes, such as "$.context.groupId if it exists, else $.userId", in Markdown.

    A mapping without words is shown as JSON. Never raises.
    """
    if problems_of(mapping):
        return "a mapping that is not valid"
    return _described(mapping)


def _described(value: Any) -> str:
    if is_directive(value):
        name = next(key for key in value if key != METADATA)
        return _directive(name, value[name]) or _as_json(value)
    return _as_json(value)


def _directive(name: str, value: Any) -> str | None:
    if name == "@arrayPath" and len(value) == 1:
        name, value = "@path", value[0]
    if isinstance(value, str) and name in _TEXT_DIRECTIVES:
        before, after = _TEXT_DIRECTIVES[name]
        return f"{before}{shortened(value, _MAX_SHOWN)}{after}"
    match name, value:
        case "@literal" | "@excludeWhenNull", _:
            return _described(value)
        case "@if", {"then": _}:
            return _condition(value)
        case "@case", {"operator": "lower" | "upper" as case, "value": subject}:
            return f"{_described(subject)} in {case} case"
        case "@json", {"mode": mode, "value": subject}:
            return f"{_described(subject)} {'as JSON text' if mode == 'encode' else 'read from JSON text'}"
        case _:
            return None


_TEXT_DIRECTIVES = {
    "@liquid": ("the Liquid template “", "”"),
    "@path": ("`", "`"),
    "@template": ("the text “", "”"),
}


def _condition(options: dict[str, Any]) -> str:
    asked, verb = ("exists", "exists") if "exists" in options else ("blank", "is not blank")
    subject, then = _described(options[asked]), _described(options["then"])
    otherwise = _described(options["else"]) if options.get("else") else "nothing"
    return f"{then} if {'it' if subject == then else subject} {verb}, else {otherwise}"


def _as_json(value: Any) -> str:
    return shortened(str(to_json(value)), _MAX_SHOWN)

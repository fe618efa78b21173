"""JSON values as Python, as a formatter would leave them."""

from __future__ import annotations

import json
from typing import Any

_WIDTH = 100
_STEP = "    "


def python_text(value: Any, indent: str = "") -> str:
    """Return a JSON value as a Python expression: on one line if it fits, else with one member on each line."""
    short = _on_one_line(value)
    if len(indent) + len(short) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return short
    inner = indent + _STEP
    if isinstance(value, dict):
        members = [f"{_text(str(key))}: {python_text(item, inner)}" for key, item in value.items()]
    else:
        members = [python_text(item, inner) for item in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return "\n".join((start, *(f"{inner}{member}," for member in members), f"{indent}{end}"))


def _on_one_line(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(str(key))}: {_on_one_line(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_on_one_line, value))}]"
    return repr(value)


def _text(text: str) -> str:
    """Return a text in double quotes; with Python's escapes if some of it cannot be seen."""
    return json.dumps(text, ensure_ascii=False) if text.isprintable() else repr(text)

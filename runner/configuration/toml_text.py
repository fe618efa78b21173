"""JSON values as TOML."""

from __future__ import annotations

import json
from typing import Any


def toml_key(key: str) -> str:
    """Return a key as TOML, in quotation marks if it needs them."""
    return key if key.replace("-", "_").isidentifier() and key.isascii() else toml_text(key)


def toml_text(value: Any) -> str:
    """Return a JSON value as TOML on one line. Raises ValueError for null, which TOML does not have."""
    if value is None:
        raise ValueError("TOML has no null")
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml_text(str(key))} = {toml_text(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_text, value))}]"
    if isinstance(value, str) and '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    # JSON writes text as TOML reads it, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")

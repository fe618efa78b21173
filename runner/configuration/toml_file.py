"""The TOML file of a configuration, and its tables."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from ...definitions import Problem, SetupError
from ..near_files import near_file
from .toml_fault import syntax_fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAX_BYTES = 1024 * 1024
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the document of a file. Raises SetupError, naming the file, the line and the column."""
    try:
        with path.open("rb") as file:
            # A device or a pipe does not say how much it holds.
            raw = file.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise SetupError.of([Problem(str(path), "is larger than 1 MiB, so it is hardly a configuration")])
    except IsADirectoryError:
        raise SetupError.of([Problem(str(path), "is a folder; name the file in it")]) from None
    except OSError as error:
        hint = near_file(path) if isinstance(error, FileNotFoundError) else ""
        raise SetupError.of([Problem(str(path), f"cannot be read: {error.strerror}{hint}")]) from None
    except ValueError as error:
        raise SetupError.of([Problem(str(path), f"is not a path: {error}")]) from None
    try:
        # Some editors begin a file with a byte order mark, which TOML does not know.
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        found = "is UTF-16 text; save it as UTF-8" if raw.startswith(_UTF_16) else "is not UTF-8 text"
        raise SetupError.of([Problem(str(path), found)]) from None
    return parse_toml(text, str(path))


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Return the document in a text. Raises SetupError, with the `name`, the line and the column."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SetupError.of([Problem(name, syntax_fault(str(error), text))]) from None
    except RecursionError:
        raise SetupError.of([Problem(name, "is nested too deeply to be a configuration")]) from None
    except ValueError as error:
        raise SetupError.of([Problem(name, f"cannot be read: {error}")]) from None


def text_of(document: Mapping[str, Any], key: str, problems: list[Problem]) -> str | None:
    """Return the text under a key, or None. Any other value is a problem."""
    value = document.get(key)
    if value is None or isinstance(value, str):
        return value
    problems.append(Problem(key, "should be a text"))
    return None


def table_of(document: Mapping[str, Any], key: str, problems: list[Problem]) -> Mapping[str, Any]:
    """Return the table under a key, or an empty one. Any other value is a problem."""
    value = document.get(key, {})
    if isinstance(value, dict):
        return value
    problems.append(Problem(key, f"should be a table: [{key}]"))
    return {}


def tables_of(document: Mapping[str, Any], key: str, problems: list[Problem]) -> list[dict[str, Any]] | None:
    """Return the tables under a key, or None. Any other value is a problem."""
    tables = document.get(key)
    if tables is None:
        return None
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append(Problem(key, f"should be a list of tables: [[{key}]]"))
        return []
    return tables

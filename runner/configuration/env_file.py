"""The file `.env` beside a configuration, which keeps secrets out of it."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from ...definitions import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ENV_FILE = ".env"

_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)")
_COMMENT = re.compile(r"\s+#.*")
_MAX_BYTES = 1024 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_env_file(path: Path, prefix: str, problems: list[Problem], warnings: list[str]) -> dict[str, str]:
    """Return the variables of a file that begin with a prefix; none if there is no file.

    A value may be in quotation marks. Lines may begin with `export`, and end as on Windows. A line that cannot be read
    is a problem; it is never quoted, since it may hold a secret.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return {}
        if status.st_size > _MAX_BYTES:
            problems.append(Problem(str(path), "is larger than 1 MiB, so it hardly holds settings"))
            return {}
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        problems.append(Problem(str(path), f"cannot be read: {error.strerror}"))
        return {}
    except UnicodeDecodeError:
        problems.append(Problem(str(path), "is not UTF-8 text"))
        return {}
    found = {name: value for name, value in _assignments(text, path, problems) if name.startswith(prefix)}
    if found and os.name == "posix" and status.st_mode & _OTHERS:
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        warnings.append(f"others may use {path}, which holds settings (its mode is {mode}); chmod 600 {path}")
    return found


def _assignments(text: str, path: Path, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _ASSIGNMENT.fullmatch(stripped)
        value = None if match is None else _value(match[2])
        if match is None or value is None:
            problems.append(Problem(f"{path}, line {number}", "should read NAME=value"))
        else:
            yield match[1], value


def _value(text: str) -> str | None:
    """Return a value without its quotation marks and without a comment; None if a quotation mark is missing."""
    quote = text[:1]
    if quote in {'"', "'"}:
        end = text.find(quote, 1)
        rest = text[end + 1 :]
        return text[1:end] if end > 0 and (not rest.strip() or _COMMENT.fullmatch(rest)) else None
    return _COMMENT.sub("", text)


def write_env_file(path: Path, variables: Mapping[str, str]) -> None:
    """Add variables to a file, which is made for its owner alone. Raises OSError, and ValueError for a line break."""
    lines = "".join(f"{name}={_quoted(value)}\n" for name, value in variables.items())
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        there = file.read()
        file.write(f"\n{lines}" if there and not there.endswith("\n") else lines)


def _quoted(value: str) -> str:
    """Return a value as `read_env_file` reads it."""
    if not value.isprintable():
        raise ValueError("a value that cannot be printed")
    if re.fullmatch(r"[\w./+=:@%-]+", value):
        return value
    return f"'{value}'" if "'" not in value else f'"{value}"'

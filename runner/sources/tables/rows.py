"""Rows of a table as events, a line each, in blocks as those of any other input."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from ..blocks import Block
from ..contract import Unreadable
from ..event_splitting import MAX_EVENT_BYTES
from .columns import Columns, RowWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BLOCK_BYTES = 1024 * 1024
_to_json = msgspec.json.Encoder(enc_hook=str).encode


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not an event: what is wrong with it, and what could be read of it."""

    message: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """The names of the columns of a table, and its rows: values in that order, or None for an empty line."""

    names: Sequence[str]
    rows: Iterator[Sequence[Any] | BadRow | None]


def row_blocks(table: Rows, columns: Columns, identity: str) -> Iterator[Block]:
    """Yield rows as blocks of lines of JSON, the number of a row being that of its line; bad ones are faults of them.

    A row always becomes the same line, so a file is known again by its lines. `identity` is that of Block.
    """
    writer, signature = RowWriter(columns, table.names), hashlib.sha256()
    lines, faults = list[bytes](), list[Unreadable]()
    held = size = 0
    for number, row in enumerate(table.rows, 1):
        line = b""
        found = _event(writer, table.names, row)
        if isinstance(found, BadRow):
            faults.append(Unreadable(number, f"row {number:,}: {found.message}", _kept(found), is_event=True))
        else:
            line = found
        lines.append(line)
        held += len(line) + 1
        if held >= _BLOCK_BYTES:
            data = b"\n".join([*lines, b""])
            signature.update(data)
            size += len(data)
            yield Block(data, size, signature.digest(), identity, faults=tuple(faults))
            lines, faults, held = [], [], 0
    if lines:
        data = b"\n".join([*lines, b""])
        signature.update(data)
        size += len(data)
        yield Block(data, size, signature.digest(), identity, faults=tuple(faults))
    yield Block(b"", size, signature.digest(), identity, is_last=True)


def _event(writer: RowWriter, names: Sequence[str], row: Sequence[Any] | BadRow | None) -> bytes | BadRow:
    if row is None:
        return b""
    if isinstance(row, BadRow):
        return row
    try:
        event = writer.event(row)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        problem = "it holds bytes that are not UTF-8" if isinstance(error, UnicodeError) else str(error)
        return BadRow(problem, dict(zip(names, row, strict=True)))
    if len(event) > MAX_EVENT_BYTES:
        return BadRow(f"is longer than {MAX_EVENT_BYTES:,} bytes, so it is hardly an event", {})
    return event


def _kept(row: BadRow) -> bytes:
    """Return what a dead letter keeps of a row."""
    try:
        text = _to_json(row.values)
    except (ValueError, TypeError, RecursionError):
        return repr(row.values).encode(errors="backslashreplace")[:MAX_EVENT_BYTES]
    return text[:MAX_EVENT_BYTES]

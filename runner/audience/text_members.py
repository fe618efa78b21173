"""Members in files of text: one ID a line, CSV, NDJSON."""

from __future__ import annotations

import codecs
import csv
import re
from typing import TYPE_CHECKING, Any

import msgspec

from ...definitions import PLACEHOLDERS
from ..sources.formats import table_format
from .columns import Columns, choose_column, known_column
from .members import IS_MEMBER, MOST_ID_BYTES, MembersError, RowError, member_of
from .rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .members import Faults

_ROWS_AT_ONCE = 20_000
_LONGEST_LINE = 4 * 1024 * 1024
_LONGEST_CELL = 1024 * 1024
_PRINTED = bytes(range(33, 127)) + b"\n"
_PLACEHOLDERS = frozenset(text.encode() for text in PLACEHOLDERS)
_JSON_BEGINS = (b"{", b"[", b'"')
_DELIMITERS = (",", "\t", ";", "|")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


def read_ids(pieces: Iterable[bytes], name: str, faults: Faults) -> Iterator[list[bytes]]:
    """Yield the members of a text with one ID a line. Blank lines are nobody; spaces around an ID do not count."""
    line, suffix = 1, b"\0" + IS_MEMBER
    for lines in _whole_lines(pieces, name):
        if line == 1:
            _require_ids(lines[:2], name)
        found = [each for each in lines if each] if _are_plain(lines) else _decoded_ids(lines, line, faults)
        faults.rows += len(found)
        line += len(lines)
        yield [each + suffix for each in found]


def _are_plain(lines: Sequence[bytes]) -> bool:
    """Return whether all lines are IDs as they are, or empty: most are, and this looks at all of them at once."""
    text = b"\n".join(lines)
    return (
        not text.translate(None, _PRINTED) and _PLACEHOLDERS.isdisjoint(lines) and max(map(len, lines)) <= MOST_ID_BYTES
    )


def _decoded_ids(lines: Sequence[bytes], first: int, faults: Faults) -> list[bytes]:
    found = []
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        try:
            found.append(member_of(line.decode().strip()))
        except (RowError, UnicodeDecodeError) as error:
            faults.rows += 1
            faults.note(f"line {number:,}", "is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error))
    return found


def _require_ids(lines: Sequence[bytes], name: str) -> None:
    """Raise MembersError if a text that should have one ID a line begins like something else."""
    first = lines[0].strip()
    if first.startswith(_JSON_BEGINS):
        raise MembersError(f"{name} begins like JSON, not like an ID; if it has a JSON object a line: --format ndjson")
    table = table_format(b"\n".join(lines))
    if table is not None:
        raise MembersError(f"{name} looks like {table.name}; read it with --format csv and --column")
    header = first.decode("utf-8", "replace")
    if known_column(header):
        raise MembersError(f"{name} begins with {header}, which names a column; read it with --format csv")


def read_csv(pieces: Iterable[bytes], name: str, wanted: Columns, faults: Faults) -> Iterator[list[bytes]]:
    """Yield the members of a table whose first line names the columns."""
    csv.field_size_limit(_LONGEST_CELL)
    lines = _decoded(pieces, name)
    first = next(lines, None)
    if first is None:
        return
    delimiter = max(_DELIMITERS, key=first.count)
    rows = csv.reader(_again(first, lines), delimiter=delimiter, strict=True)
    try:
        header = next(rows)
        member, value = choose_column(header, wanted, name)
        found = Rows(faults, has_values=value is not None)
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise MembersError(
                    f"{name} has {len(row)} columns on line {rows.line_num:,}, and {len(header)} names of columns; "
                    "it may be cut off"
                )
            found.add(f"line {rows.line_num:,}", row[member], None if value is None else _cell(row[value]))
            if len(found) >= _ROWS_AT_ONCE:
                yield found.take()
        yield found.take()
    except csv.Error as error:
        raise MembersError(f"{name} is not valid CSV on line {rows.line_num:,}: {error}; it may be cut off") from None


def _cell(text: str) -> Any:
    """Return what a cell of a table holds: a number, true, false, nothing, JSON in brackets or quotes, or text."""
    if not text or text == "null":
        return None
    if text in {"true", "false"}:
        return text == "true"
    if text[0] in '{["' or _NUMBER.fullmatch(text):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return text
    return text


def read_ndjson(pieces: Iterable[bytes], name: str, wanted: Columns, faults: Faults) -> Iterator[list[bytes]]:
    """Yield the members of a text with a JSON object a line. A value is a key of the object, or of its `traits`."""
    decode = msgspec.json.Decoder().decode
    found = Rows(faults, has_values=wanted.value is not None)
    number, member = 0, ""
    for lines in _whole_lines(pieces, name):
        for line in lines:
            number += 1
            if not line.strip():
                continue
            try:
                row = decode(line)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                raise MembersError(f"{name} is not valid JSON on line {number:,}: {error}; it may be cut off") from None
            if not isinstance(row, dict):
                raise MembersError(f"{name} has no JSON object on line {number:,}")
            if not member:
                at, _ = choose_column([*row], Columns(wanted.member), name)
                member = [*row][at]
            value = None if wanted.value is None else _trait(row, wanted.value)
            found.add(f"line {number:,}", row.get(member), value)
        yield found.take()


def _trait(row: dict[str, Any], name: str) -> Any:
    if name in row:
        return row[name]
    traits = row.get("traits")
    return traits.get(name) if isinstance(traits, dict) else None


def _whole_lines(pieces: Iterable[bytes], name: str) -> Iterator[list[bytes]]:
    """Yield the lines of a text, many at a time, without line breaks. Raises MembersError if one is far too long."""
    rest = b""
    for piece in pieces:
        rest += piece
        cut = rest.rfind(b"\n") + 1
        if cut:
            yield rest[: cut - 1].split(b"\n")
            rest = rest[cut:]
        if len(rest) > _LONGEST_LINE:
            raise MembersError(
                f"{name} has a line of more than {_LONGEST_LINE:,} bytes, so it is not a list of members"
            )
    if rest:
        yield [rest]


def _decoded(pieces: Iterable[bytes], name: str) -> Iterator[str]:
    """Yield the lines of a text with their line breaks. Raises MembersError if it is not UTF-8."""
    decode, number = codecs.getincrementaldecoder("utf-8")().decode, 0
    for lines in _whole_lines(pieces, name):
        for line in lines:
            number += 1
            try:
                yield f"{decode(line)}\n"
            except UnicodeDecodeError:
                advice = "convert it, for example with iconv"
                raise MembersError(f"{name} is not UTF-8 on line {number:,}; {advice}") from None


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest

"""Recognising what is not JSON text, so it is refused as a whole instead of line by line."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 64 * 1024
"""How much of an input is looked at."""

GZIP = b"\x1f\x8b"

_TO_UTF_8 = "convert it to UTF-8, for example with iconv"
_DECOMPRESS = "decompress it first"
_EXPORT = "export it as JSON lines (NDJSON)"
_TABLE = f"deliver it with --columns FILE, or {_EXPORT}"
_EVENTS_AS_JSON = "write one JSON object per line (NDJSON)"
_TAR_MAGIC = slice(257, 262)
_BINARY_HEAD = 512
_MOST_COLUMNS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Format:
    """A format that holds no events for us: how it is called, and what to do."""

    name: str
    advice: str


_BY_FIRST_BYTES: tuple[tuple[bytes, Format], ...] = (
    (b"PAR1", Format("a Parquet file", _TABLE)),
    (b"PARE", Format("an encrypted Parquet file", _EXPORT)),
    (b"Obj\x01", Format("an Avro file", _EXPORT)),
    (b"ORC", Format("an ORC file", _EXPORT)),
    (b"ARROW1", Format("an Arrow file", _EXPORT)),
    (b"\xff\xff\xff\xff", Format("an Arrow stream", _EXPORT)),
    (b"SEQ\x06", Format("a Hadoop sequence file", _EXPORT)),
    (b"\x89HDF\r\n", Format("an HDF5 file", _EXPORT)),
    (b"SQLite format 3\0", Format("an SQLite database", _EXPORT)),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format("an old Excel or Word document", _EXPORT)),
    (b"%PDF-", Format("a PDF document", _EXPORT)),
    (b"{\\rtf", Format("an RTF document", _EXPORT)),
    (b"\xac\xed\x00\x05", Format("a file of Java objects", _EXPORT)),
    (b"\x80\x04\x95", Format("a Python pickle", _EXPORT)),
    (b"\x80\x05\x95", Format("a Python pickle", _EXPORT)),
    (b"\x89PNG\r\n", Format("a PNG picture", _EXPORT)),
    (b"\xff\xd8\xff", Format("a JPEG picture", _EXPORT)),
    (b"\x7fELF", Format("a program", _EXPORT)),
    (b"PK\x03\x04", Format("a zip archive", "unpack it first")),
    (b"PK\x05\x06", Format("an empty zip archive", "unpack it first")),
    (b"7z\xbc\xaf\x27\x1c", Format("a 7-Zip archive", "unpack it first")),
    (b"Rar!\x1a\x07", Format("a RAR archive", "unpack it first")),
    (b"BZh", Format("a bzip2 file", _DECOMPRESS)),
    (b"\xfd7zXZ\0", Format("an xz file", _DECOMPRESS)),
    (b"\x04\x22\x4d\x18", Format("an LZ4 file", _DECOMPRESS)),
    (b"\xff\x06\0\0sNaPpY", Format("a Snappy file", _DECOMPRESS)),
    (b"\x1f\x8b", Format("gzip data that was compressed twice", _DECOMPRESS)),
    (b"\x28\xb5\x2f\xfd", Format("zstd data that was compressed twice", _DECOMPRESS)),
    (b"LZIP", Format("an lzip file", _DECOMPRESS)),
    (b"\x1f\x9d", Format("a file of compress (.Z)", _DECOMPRESS)),
    (b"\xff\xfe\0\0", Format("UTF-32 text", _TO_UTF_8)),
    (b"\0\0\xfe\xff", Format("UTF-32 text", _TO_UTF_8)),
    (b"\xff\xfe", Format("UTF-16 text", _TO_UTF_8)),
    (b"\xfe\xff", Format("UTF-16 text", _TO_UTF_8)),
    (b"\x1e{", Format("a JSON text sequence (RFC 7464)", _EVENTS_AS_JSON)),
    (b"<?xml", Format("XML", _EXPORT)),
    (b"<!DOCTYPE", Format("HTML", _EXPORT)),
    (b"<!doctype", Format("HTML", _EXPORT)),
    (b"<html", Format("HTML", _EXPORT)),
    (b"-----BEGIN ", Format("a PEM file", "name the file with events")),
    (b"version https://git-lfs", Format("a pointer to a file in Git LFS", "run git lfs pull first")),
)
_WORKBOOK = Format("an Excel workbook (xlsx)", _EXPORT)
_TAR = Format("a tar archive", "unpack it first")
_BINARY = Format("binary data", _EXPORT)
_WIDE_TEXT = {b"{\0": "UTF-16", b"[\0": "UTF-16", b"\0{": "UTF-16", b"\0[": "UTF-16"}
# Text has none of these; a colored log has escapes, and a form feed is common between pages.
_NOT_IN_TEXT = bytes(set(range(32)) - set(b"\t\n\v\f\r\b\x1b"))


def foreign_format(head: bytes) -> Format | None:
    """Return which format an input has that begins so, if it is one that holds no JSON text."""
    for magic, found in _BY_FIRST_BYTES:
        if head.startswith(magic):
            is_workbook = found.name == "a zip archive" and (b"[Content_Types].xml" in head or b"xl/" in head)
            return _WORKBOOK if is_workbook else found
    if head[_TAR_MAGIC] == b"ustar":
        return _TAR
    if head[:2] in _WIDE_TEXT:
        return Format("UTF-16 text", _TO_UTF_8)
    if head[:4] in {b"\0\0\0{", b"\0\0\0["}:
        return Format("UTF-32 text", _TO_UTF_8)
    # A log that was truncated while it was written begins with zeros; a bad line of JSON may hold anything.
    start = head.lstrip(b"\0").lstrip()
    if start[:1] in {b"{", b"["}:
        return None
    return _BINARY if head[:_BINARY_HEAD].translate(None, _NOT_IN_TEXT) != head[:_BINARY_HEAD] else None


def table_format(head: bytes) -> Format | None:
    """Return which format an input has that begins like a table: a line of names, and as many values below it."""
    lines = [line.strip(b"\r") for line in head.split(b"\n")[:3]]
    first, second = lines[0], lines[1] if len(lines) > 1 else b""
    if first[:1] in {b"{", b"[", b""} or second[:1] in {b"{", b"["}:
        return None
    for delimiter, name in ((b"\t", "a TSV table"), (b",", "a CSV table"), (b";", "a CSV table"), (b"|", "a table")):
        columns = _columns(first, delimiter)
        if columns > 1 and (not second or columns == _columns(second, delimiter) or first.startswith(b'"')):
            shown = first.decode("utf-8", "replace")
            shown = shown if len(shown) <= _MOST_COLUMNS_SHOWN else f"{shown[:_MOST_COLUMNS_SHOWN]}…"
            return Format(f"{name} (its first line is {shown})", _TABLE)
    return None


def _columns(line: bytes, delimiter: bytes) -> int:
    """Count the columns of a line; a delimiter in quotes divides nothing."""
    return sum(part.count(delimiter) for part in line.split(b'"')[::2]) + 1

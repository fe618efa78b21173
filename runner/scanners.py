"""Cutting a stream of bytes into the texts of events: lines, indented objects, or the elements of an array."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

MAX_EVENT_BYTES = 8 * 1024 * 1024
"""A longer text is not taken for an event: Segment's own limit is 32 KB."""

_TOO_LONG = f"is longer than {MAX_EVENT_BYTES:,} bytes, so it is hardly an event"
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\],]', re.DOTALL)
_WHITESPACE = b" \t\r\n"
_KEPT_AFTER_END = 64 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """The text of one event, the line on which it begins, and what is wrong with it when that is known already."""

    line: int
    text: bytes
    fault: str | None = None


class Scanner(Protocol):
    """Takes a stream block by block and gives the pieces that are complete; `end` gives what is left."""

    def feed(self, block: bytes) -> list[Piece]:
        """Take more of the stream."""

    def end(self) -> list[Piece]:
        """Finish: the stream has ended."""


class LineScanner:
    """NDJSON: an event a line. Blank lines are nothing."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._length = 0
        self._line = 1
        self._skipping = False

    def feed(self, block: bytes) -> list[Piece]:
        """Take more of the stream."""
        lines = block.split(b"\n")
        if len(lines) == 1:
            return self._keep(block)
        first = b"".join([*self._rest, lines[0]])
        last = lines.pop()
        pieces = [] if self._skipping else self._pieces([first, *lines[1:]])
        if self._skipping:
            self._skipping = False
            self._line += 1
            pieces = self._pieces(lines[1:])
        self._rest, self._length = [], 0
        return pieces + self._keep(last)

    def end(self) -> list[Piece]:
        """Finish: the last line may lack its line feed."""
        return [] if self._skipping else self._pieces([b"".join(self._rest)])

    def _keep(self, block: bytes) -> list[Piece]:
        if self._skipping or not block:
            return []
        self._rest.append(block)
        self._length += len(block)
        if self._length <= MAX_EVENT_BYTES:
            return []
        piece = Piece(self._line, b"".join(self._rest)[:MAX_EVENT_BYTES], _TOO_LONG)
        self._rest, self._length, self._skipping = [], 0, True
        return [piece]

    def _pieces(self, lines: list[bytes]) -> list[Piece]:
        start = self._line
        self._line += len(lines)
        return [
            Piece(number, line, _TOO_LONG if len(line) > MAX_EVENT_BYTES else None)
            for number, line in enumerate(lines, start)
            if line.strip(_WHITESPACE)
        ]


class IndentedScanner:
    """Indented JSON objects, one after the other, as jq and pretty-printers write them: each ends with a bare brace."""

    def __init__(self) -> None:
        self._rest = b""
        self._object: list[bytes] = []
        self._length = 0
        self._line = 1

    def feed(self, block: bytes) -> list[Piece]:
        """Take more of the stream."""
        lines = (self._rest + block).split(b"\n")
        self._rest = lines.pop()
        pieces = [piece for line in lines for piece in self._take(line)]
        if self._length + len(self._rest) > MAX_EVENT_BYTES:
            pieces.append(Piece(self._line, b"\n".join(self._object)[:MAX_EVENT_BYTES], _TOO_LONG))
            self._line += len(self._object)
            self._object, self._length, self._rest = [], 0, b""
        return pieces

    def end(self) -> list[Piece]:
        """Finish: an object that is not closed is given as it is."""
        pieces = self._take(self._rest)
        text = b"\n".join(self._object)
        return pieces + ([Piece(self._line, text)] if text.strip(_WHITESPACE) else [])

    def _take(self, line: bytes) -> list[Piece]:
        self._object.append(line)
        self._length += len(line) + 1
        if line.rstrip(_WHITESPACE) != b"}":
            return []
        leading = next(index for index, kept in enumerate(self._object) if kept.strip(_WHITESPACE))
        piece = Piece(self._line + leading, b"\n".join(self._object[leading:]))
        self._line += len(self._object)
        self._object, self._length = [], 0
        return [piece]


class ArrayScanner:
    """One JSON array: its elements, found by their brackets, so that one bad element leaves the others readable."""

    def __init__(self) -> None:
        self._buffer = b""
        self._begin = 0
        self._position = 0
        self._depth = 0
        self._line = 1
        self._closed = False
        self._after_comma = False
        self._skipping = False

    def feed(self, block: bytes) -> list[Piece]:
        """Take more of the stream."""
        self._buffer += block
        pieces: list[Piece] = []
        for match in _TOKEN.finditer(self._buffer, self._position):
            token = match[0]
            if token == b'"':
                self._position = match.start()
                break
            self._position = match.end()
            if not self._closed:
                pieces += self._take(token, match.start(), match.end())
        else:
            self._position = len(self._buffer)
        return pieces + self._shrink()

    def end(self) -> list[Piece]:
        """Finish: what stands after the array, or an array that is not closed, is reported."""
        rest = self._piece(len(self._buffer))
        if self._closed:
            return [Piece(piece.line, piece.text, "stands after the end of the JSON array") for piece in rest]
        cut = "the JSON array is not closed here, so the input is probably cut off"
        return [Piece(piece.line, piece.text, cut) for piece in rest] or [Piece(self._line, b"", cut)]

    def _take(self, token: bytes, start: int, end: int) -> list[Piece]:
        if token in b"{[":
            self._depth += 1
            if self._depth == 1:
                self._begin = end
            return []
        if token == b",":
            return self._element(start, end, required=True) if self._depth == 1 else []
        if token not in {b"}", b"]"}:
            return []
        if self._depth > 1:
            self._depth -= 1
        elif token == b"]":
            self._depth, self._closed = 0, True
            return self._element(start, end, required=self._after_comma)
        return []

    def _element(self, stop: int, following: int, *, required: bool) -> list[Piece]:
        pieces = self._piece(stop)
        if required and not pieces and not self._skipping:
            pieces = [Piece(self._line, b"", "an element is missing between two commas")]
        self._begin = following
        self._after_comma, self._skipping = True, False
        return pieces

    def _piece(self, stop: int) -> list[Piece]:
        text = self._buffer[self._begin : stop]
        stripped = text.lstrip(_WHITESPACE)
        line = self._line + text.count(b"\n", 0, len(text) - len(stripped))
        self._line += text.count(b"\n")
        return [Piece(line, stripped.rstrip(_WHITESPACE))] if stripped and not self._skipping else []

    def _shrink(self) -> list[Piece]:
        pieces: list[Piece] = []
        if self._closed:
            self._buffer = self._buffer[: self._begin + _KEPT_AFTER_END]
            self._position = min(self._position, len(self._buffer))
        elif len(self._buffer) - self._begin > MAX_EVENT_BYTES:
            pieces = [Piece(piece.line, piece.text, _TOO_LONG) for piece in self._piece(self._position)]
            self._begin, self._skipping = self._position, True
        self._buffer = self._buffer[self._begin :]
        self._position -= self._begin
        self._begin = 0
        return pieces

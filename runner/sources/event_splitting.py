"""Cutting a stream of bytes into the texts of events: lines, indented objects, or the elements of an array."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Protocol

MAX_EVENT_BYTES = 8 * 1024 * 1024
"""A longer text is not taken for an event: Segment's own limit is 32 KB."""

_TOO_LONG = f"is longer than {MAX_EVENT_BYTES:,} bytes, so it is hardly an event"
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\],]', re.DOTALL)
_WHITESPACE = b" \t\r\n"
_KEPT_AFTER_END = 64 * 1024


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A text that is not taken for an event: the line on which it begins, what is wrong with it, and what it says."""

    line: int
    message: str
    text: bytes


@dataclass(slots=True)
class Chunk:
    """The texts of some events in a row, the line that each begins on, and the texts that are none.

    All that follows begins on `next_line` or later. So far `size` bytes of the stream were read; where it was asked
    for, `digest` names them. `damage` says why nothing more can be read of a stream that has not come to its end.
    """

    texts: list[bytes] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    next_line: int = 1
    size: int = 0
    digest: bytes = b""
    damage: str | None = None

    def __len__(self) -> int:
        """Count the texts."""
        return len(self.texts) + len(self.unreadable)

    def from_line(self, line: int) -> Chunk:
        """Leave out what begins before a line."""
        kept = [at for at, begin in enumerate(self.lines) if begin >= line]
        return replace(
            self,
            texts=[self.texts[at] for at in kept],
            lines=[self.lines[at] for at in kept],
            unreadable=[text for text in self.unreadable if text.line >= line],
        )

    def add(self, line: int, text: bytes) -> None:
        """Take the text of one more event."""
        self.lines.append(line)
        self.texts.append(text)

    def refuse(self, line: int, text: bytes, message: str) -> None:
        """Take a text that is not taken for an event."""
        self.unreadable.append(Unreadable(line, message, text))


class Scanner(Protocol):
    """Takes a stream block by block and gives the texts that are complete; `end` gives what is left."""

    @property
    def line(self) -> int:
        """The line on which what is not given yet begins."""

    def feed(self, block: bytes) -> Chunk:
        """Take more of the stream."""

    def end(self) -> Chunk:
        """Finish: the stream has ended."""


class LineScanner:
    """NDJSON: an event a line. Blank lines are nothing."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._length = 0
        self.line = 1
        self._skipping = False

    def feed(self, block: bytes) -> Chunk:
        """Take more of the stream."""
        chunk = Chunk()
        first, *lines = block.split(b"\n")
        if lines:
            rest = lines.pop()
            if self._skipping:
                self._skipping = False
                self.line += 1
            else:
                lines.insert(0, b"".join([*self._rest, first]))
            self._take(lines, chunk)
            self._rest, self._length = [], 0
            first = rest
        self._keep(first, chunk)
        return chunk

    def end(self) -> Chunk:
        """Finish: the last line may lack its line feed."""
        chunk = Chunk()
        if not self._skipping:
            self._take([b"".join(self._rest)], chunk)
        return chunk

    def _keep(self, block: bytes, chunk: Chunk) -> None:
        """Keep the beginning of a line until its end comes, unless it is too long."""
        if self._skipping or not block:
            return
        self._rest.append(block)
        self._length += len(block)
        if self._length > MAX_EVENT_BYTES:
            chunk.refuse(self.line, b"".join(self._rest)[:MAX_EVENT_BYTES], _TOO_LONG)
            self._rest, self._length, self._skipping = [], 0, True

    def _take(self, lines: list[bytes], chunk: Chunk) -> None:
        start = self.line
        self.line += len(lines)
        if lines and len(max(lines, key=len)) <= MAX_EVENT_BYTES and all(map(bytes.strip, lines)):
            chunk.texts, chunk.lines = lines, list(range(start, self.line))
            return
        for number, line in enumerate(lines, start):
            if len(line) > MAX_EVENT_BYTES:
                chunk.refuse(number, line, _TOO_LONG)
            elif line.strip(_WHITESPACE):
                chunk.add(number, line)


class IndentedScanner:
    """Indented JSON objects, one after the other, as jq and pretty-printers write them: each ends with a bare brace."""

    def __init__(self) -> None:
        self._rest = b""
        self._object: list[bytes] = []
        self._length = 0
        self.line = 1

    def feed(self, block: bytes) -> Chunk:
        """Take more of the stream."""
        chunk = Chunk()
        lines = (self._rest + block).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._take(line, chunk)
        if self._length + len(self._rest) > MAX_EVENT_BYTES:
            chunk.refuse(self.line, b"\n".join(self._object)[:MAX_EVENT_BYTES], _TOO_LONG)
            self.line += len(self._object)
            self._object, self._length, self._rest = [], 0, b""
        return chunk

    def end(self) -> Chunk:
        """Finish: an object that is not closed is given as it is."""
        chunk = Chunk()
        self._take(self._rest, chunk)
        text = b"\n".join(self._object)
        if text.strip(_WHITESPACE):
            chunk.add(self.line, text)
        return chunk

    def _take(self, line: bytes, chunk: Chunk) -> None:
        self._object.append(line)
        self._length += len(line) + 1
        if line.rstrip(_WHITESPACE) != b"}":
            return
        leading = next(index for index, kept in enumerate(self._object) if kept.strip(_WHITESPACE))
        chunk.add(self.line + leading, b"\n".join(self._object[leading:]))
        self.line += len(self._object)
        self._object, self._length = [], 0


class ArrayScanner:
    """One JSON array: its elements, found by their brackets, so that one bad element leaves the others readable."""

    def __init__(self) -> None:
        self._buffer = b""
        self._begin = 0
        self._position = 0
        self._depth = 0
        self.line = 1
        self._closed = False
        self._after_comma = False
        self._skipping = False

    def feed(self, block: bytes) -> Chunk:
        """Take more of the stream."""
        chunk = Chunk()
        self._buffer += block
        for match in _TOKEN.finditer(self._buffer, self._position):
            token = match[0]
            if token == b'"':
                self._position = match.start()
                break
            self._position = match.end()
            if not self._closed:
                self._take(token, match.start(), match.end(), chunk)
        else:
            self._position = len(self._buffer)
        self._shrink(chunk)
        return chunk

    def end(self) -> Chunk:
        """Finish: what stands after the array, or an array that is not closed, is reported."""
        chunk = Chunk()
        line, rest = self._cut(len(self._buffer))
        if self._skipping:
            rest = b""
        if not self._closed:
            chunk.refuse(line, rest, "the JSON array is not closed here, so the input is probably cut off")
        elif rest:
            chunk.refuse(line, rest, "stands after the end of the JSON array")
        return chunk

    def _take(self, token: bytes, start: int, end: int, chunk: Chunk) -> None:
        if token in b"{[":
            self._depth += 1
            if self._depth == 1:
                self._begin = end
        elif token == b",":
            if self._depth == 1:
                self._element(start, end, chunk, required=True)
        elif token in {b"}", b"]"}:
            if self._depth > 1:
                self._depth -= 1
            elif token == b"]":
                self._depth, self._closed = 0, True
                self._element(start, end, chunk, required=self._after_comma)

    def _element(self, stop: int, following: int, chunk: Chunk, *, required: bool) -> None:
        line, text = self._cut(stop)
        if self._skipping:
            self._skipping = False
        elif text:
            chunk.add(line, text)
        elif required:
            chunk.refuse(line, b"", "an element is missing between two commas")
        self._begin = following
        self._after_comma = True

    def _cut(self, stop: int) -> tuple[int, bytes]:
        """Give the line on which the text up to a position begins, and the text without white space around it."""
        text = self._buffer[self._begin : stop]
        stripped = text.lstrip(_WHITESPACE)
        line = self.line + text.count(b"\n", 0, len(text) - len(stripped))
        self.line += text.count(b"\n")
        return line, stripped.rstrip(_WHITESPACE)

    def _shrink(self, chunk: Chunk) -> None:
        if self._closed:
            self._buffer = self._buffer[: self._begin + _KEPT_AFTER_END]
            self._position = min(self._position, len(self._buffer))
        elif len(self._buffer) - self._begin > MAX_EVENT_BYTES:
            line, text = self._cut(self._position)
            if not self._skipping:
                chunk.refuse(line, text, _TOO_LONG)
            self._begin, self._skipping = self._position, True
        self._buffer = self._buffer[self._begin :]
        self._position -= self._begin
        self._begin = 0

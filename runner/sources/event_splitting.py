"""Splitting a stream of bytes into the texts of events: lines, indented objects, or the elements of an array.

One bad text is reported and the next one is read.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from .contract import Unreadable
from .plain_lines import PlainLines, plain_lines

if TYPE_CHECKING:
    from .blocks import Block

MAX_EVENT_BYTES = 8 * 1024 * 1024
"""A longer text is not taken for an event: Segment's own limit is 32 KB."""

MAX_BATCH_BYTES = 64 * 1024 * 1024
"""A batch as an SDK posts it may be longer, since it holds many events."""

TOO_LONG = f"is longer than {MAX_EVENT_BYTES:,} bytes, so it is hardly an event; a batch may have {MAX_BATCH_BYTES:,}"
"""What is wrong with a longer text."""

_BATCH = re.compile(rb'\s*\{.*?"batch"\s*:\s*\[', re.DOTALL)
_BATCH_HEAD_BYTES = 64 * 1024
"""A batch says so within its first bytes: before its events are a context and the like."""
# Possessive, so a string of escapes takes no memory for ways back.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\],]', re.DOTALL)
_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_WHITESPACE = b" \t\r\n"
_KEPT_AFTER_END = 64 * 1024


@dataclass(slots=True)
class Texts:
    """The texts of some events in a row, the line that each begins on, and the texts that are not events.

    Everything that follows begins on `next_line` or later. `block` is the last block that was read for them. Lines that
    are plainly an event each are held as one text, as long as nothing else comes between them. At the end of the input,
    the last `loose` texts and `loose_unreadable` may be cut off: more may follow when the input grows.
    """

    texts: list[bytes] | PlainLines = field(default_factory=list)
    lines: list[int] | range = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    next_line: int = 1
    block: Block | None = None
    loose: int = 0
    loose_unreadable: int = 0

    def complete(self, multiple: int = 1) -> int:
        """Return how many events at the beginning, a multiple of a number if it can be, end with a whole line.

        What follows begins on a later line, so a reader who continues there gets none of them twice.
        """
        count = bisect_left(self.lines, self.next_line) // multiple * multiple
        while 0 < count < len(self.lines) and self.lines[count] == self.lines[count - 1]:
            count -= 1
        return count

    def on_next_line(self) -> tuple[int, int]:
        """Return how many whole texts, and how many that are not events, begin on the line of what follows."""
        lines, unreadable = len(self.lines) - self.loose, len(self.unreadable) - self.loose_unreadable
        faults = [text.place for text in self.unreadable[:unreadable]]
        return self.lines[:lines].count(self.next_line), faults.count(self.next_line)

    def add_all(self, more: Texts) -> None:
        """Add what follows."""
        self.unreadable += more.unreadable
        self.loose, self.loose_unreadable = more.loose, more.loose_unreadable
        if not more.lines:
            return
        if not self.lines:
            self.texts, self.lines = more.texts, more.lines
            return
        if (
            isinstance(more.texts, PlainLines)
            and self.lines[0] + len(self.lines) == more.lines[0]
            and (plain := self._plain()) is not None
        ):
            self.texts = plain.joined(more.texts)
            self.lines = range(self.lines[0], more.lines[-1] + 1)
            return
        texts, lines = self._lists()
        texts += more.texts
        lines += more.lines

    def divide(self, count: int) -> tuple[Texts, Texts]:
        """Return the first `count` events, with what is unreadable before the next, and the rest."""
        if count == len(self.lines):
            return self, Texts(next_line=self.next_line, block=self.block)
        line = self.lines[count]
        first = Texts(next_line=line, block=self.block, lines=self.lines[:count])
        rest = Texts(next_line=self.next_line, block=self.block, lines=self.lines[count:])
        if isinstance(self.texts, PlainLines) and count:
            first.texts, rest.texts = self.texts.divided(count)
        else:
            first.texts, rest.texts = self.texts[:count], self.texts[count:]
        rest.loose, rest.loose_unreadable = self.loose, self.loose_unreadable
        for text in self.unreadable:
            (first if text.place < line else rest).unreadable.append(text)
        return first, rest

    def add(self, line: int, text: bytes) -> None:
        """Add the text of one more event."""
        texts, lines = self._lists()
        lines.append(line)
        texts.append(text)

    def _lists(self) -> tuple[list[bytes], list[int]]:
        """Return texts and lines as lists, which they are from now on."""
        texts: list[bytes] = self.texts if isinstance(self.texts, list) else list(self.texts)
        lines = self.lines if isinstance(self.lines, list) else list(self.lines)
        self.texts, self.lines = texts, lines
        return texts, lines

    def _plain(self) -> PlainLines | None:
        """Return the texts, each a whole line, as one text if they are plainly an event each."""
        return self.texts if isinstance(self.texts, PlainLines) else plain_lines(b"", b"\n".join([*self.texts, b""]))

    def refuse(self, line: int, text: bytes, message: str) -> None:
        """Add a text that is not an event."""
        self.unreadable.append(Unreadable(line, message, text))


class Scanner(Protocol):
    """Takes a stream block by block and gives the texts that are complete; `end` gives what is left."""

    @property
    def line(self) -> int:
        """The line on which what is not given yet begins."""

    def feed(self, block: bytes) -> Texts:
        """Take more of the stream."""

    def end(self) -> Texts:
        """Finish: the stream has ended."""


def _most_bytes(head: bytes) -> int:
    """Return how long a text may be that begins so."""
    return MAX_BATCH_BYTES if _BATCH.match(head[:_BATCH_HEAD_BYTES]) else MAX_EVENT_BYTES


class LineScanner:
    """NDJSON: an event a line. Blank lines are nothing."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._length = 0
        self._most = MAX_EVENT_BYTES
        self.line = 1
        self._skipping = False

    def feed(self, block: bytes) -> Texts:
        """Take more of the stream."""
        found = Texts()
        if self._take_plain(block, found):
            return found
        first, *lines = block.split(b"\n")
        if lines:
            rest = lines.pop()
            if self._skipping:
                self._skipping = False
                self.line += 1
            else:
                lines.insert(0, b"".join([*self._rest, first]))
            self._take(lines, found)
            self._rest, self._length, self._most = [], 0, MAX_EVENT_BYTES
            first = rest
        self._keep(first, found)
        return found

    def _take_plain(self, block: bytes, found: Texts) -> bool:
        """Take the lines of a block as one text if they are plainly an event each; return whether they are."""
        end = block.rfind(b"\n")
        if end < 0 or self._skipping or self._length + end > MAX_EVENT_BYTES:
            return False
        lines = plain_lines(b"".join(self._rest), block)
        if lines is None:
            return False
        found.texts, found.lines = lines, range(self.line, self.line + len(lines))
        self.line += len(lines)
        self._rest, self._length = [], 0
        self._keep(block[end + 1 :], found)
        return True

    def end(self) -> Texts:
        """Finish: the last line may lack its line feed."""
        found = Texts()
        if not self._skipping:
            self._take([b"".join(self._rest)], found)
        return found

    def _keep(self, block: bytes, found: Texts) -> None:
        """Keep the beginning of a line until its end comes, unless it is too long."""
        if self._skipping or not block:
            return
        self._rest.append(block)
        self._length += len(block)
        if self._length > self._most:
            self._rest = [b"".join(self._rest)]
            self._most = _most_bytes(self._rest[0])
        if self._length > self._most:
            found.refuse(self.line, self._rest[0][:MAX_EVENT_BYTES], TOO_LONG)
            self._rest, self._length, self._skipping = [], 0, True

    def _take(self, lines: list[bytes], found: Texts) -> None:
        start = self.line
        self.line += len(lines)
        if lines and len(max(lines, key=len)) <= MAX_EVENT_BYTES and all(map(bytes.strip, lines)):
            found.texts, found.lines = lines, list(range(start, self.line))
            return
        for number, line in enumerate(lines, start):
            if len(line) > MAX_EVENT_BYTES and len(line) > _most_bytes(line):
                found.refuse(number, line, TOO_LONG)
            elif line.strip(_WHITESPACE):
                found.add(number, line)


class IndentedScanner:
    """Indented JSON objects, one after the other, as jq and pretty-printers write them: each ends with a bare brace."""

    def __init__(self) -> None:
        self._rest = b""
        self._object: list[bytes] = []
        self._length = 0
        self._most = MAX_EVENT_BYTES
        self.line = 1

    def feed(self, block: bytes) -> Texts:
        """Take more of the stream."""
        found = Texts()
        lines = (self._rest + block).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._take(line, found)
        length = self._length + len(self._rest)
        if length > self._most:
            self._most = _most_bytes(b"\n".join([*self._object, self._rest]))
        if length > self._most:
            found.refuse(self.line, b"\n".join(self._object)[:MAX_EVENT_BYTES], TOO_LONG)
            self.line += len(self._object)
            self._object, self._length, self._rest = [], 0, b""
        return found

    def end(self) -> Texts:
        """Finish: an object that is not closed is given as it is."""
        found = Texts()
        self._take(self._rest, found)
        text = b"\n".join(self._object)
        if text.strip(_WHITESPACE):
            found.add(self.line, text)
        return found

    def _take(self, line: bytes, found: Texts) -> None:
        self._object.append(line)
        self._length += len(line) + 1
        if line.rstrip(_WHITESPACE) != b"}":
            return
        leading = next(index for index, kept in enumerate(self._object) if kept.strip(_WHITESPACE))
        found.add(self.line + leading, b"\n".join(self._object[leading:]))
        self.line += len(self._object)
        self._object, self._length, self._most = [], 0, MAX_EVENT_BYTES


class WholeScanner:
    """A batch over several lines, as an SDK would post it: all of the input is one text."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._length = 0
        self.line = 1

    def feed(self, block: bytes) -> Texts:
        """Take more of the stream."""
        self._length += len(block)
        if self._length <= self._most:
            self._blocks.append(block)
        return Texts()

    def end(self) -> Texts:
        """Finish: give the text, unless it is too long."""
        found, text = Texts(), b"".join(self._blocks)
        if self._length <= self._most:
            found.add(self.line, text)
        else:
            found.refuse(self.line, text[:MAX_EVENT_BYTES], TOO_LONG)
        return found

    @property
    def _most(self) -> int:
        return MAX_EVENT_BYTES if self._length <= MAX_EVENT_BYTES else _most_bytes(b"".join(self._blocks[:1]))


class ArrayScanner:
    """One JSON array: its elements, found by their brackets, so one bad element leaves the others readable."""

    def __init__(self) -> None:
        self._buffer = b""
        self._begin = 0
        self._position = 0
        self._depth = 0
        self.line = 1
        self._closed = False
        self._after_comma = False
        self._skipping = False
        self._in_string = False

    def feed(self, block: bytes) -> Texts:
        """Take more of the stream."""
        found = Texts()
        self._buffer += block
        while self._position < len(self._buffer):
            if self._in_string:
                # What was seen of a string is not looked at again: it may be longer than all that is kept.
                rest = _STRING_REST.match(self._buffer, self._position)
                self._position = self._position if rest is None else rest.end()
                if self._buffer[self._position : self._position + 1] != b'"':
                    break
                self._position += 1
                self._in_string = False
            self._take_tokens(found)
        self._shrink(found)
        return found

    def _take_tokens(self, found: Texts) -> None:
        """Take what is complete, to the end of the buffer or to a string whose end is still to come."""
        for match in _TOKEN.finditer(self._buffer, self._position):
            token = match[0]
            self._position = match.end()
            if token == b'"':
                self._in_string = True
                return
            if not self._closed:
                self._take(token, match.start(), match.end(), found)
        self._position = len(self._buffer)

    def end(self) -> Texts:
        """Finish: report text after the array, or an array that is not closed."""
        found = Texts()
        line, rest = self._cut(len(self._buffer))
        if self._skipping:
            rest = b""
        if not self._closed:
            found.refuse(line, rest, "the JSON array is not closed here, so the input is probably cut off")
        elif rest:
            found.refuse(line, rest, "comes after the end of the JSON array")
        return found

    def _take(self, token: bytes, start: int, end: int, found: Texts) -> None:
        if token in b"{[":
            self._depth += 1
            if self._depth == 1:
                self._begin = end
        elif token == b",":
            if self._depth == 1:
                self._element(start, end, found, required=True)
        elif token in {b"}", b"]"}:
            if self._depth > 1:
                self._depth -= 1
            elif token == b"]":
                self._depth, self._closed = 0, True
                self._element(start, end, found, required=self._after_comma)

    def _element(self, stop: int, following: int, found: Texts, *, required: bool) -> None:
        line, text = self._cut(stop)
        if self._skipping:
            self._skipping = False
        elif text:
            found.add(line, text)
        elif required:
            found.refuse(line, b"", "an element is missing between two commas")
        self._begin = following
        self._after_comma = True

    def _cut(self, stop: int) -> tuple[int, bytes]:
        """Give the line on which the text up to a position begins, and the text without white space around it."""
        text = self._buffer[self._begin : stop]
        stripped = text.lstrip(_WHITESPACE)
        line = self.line + text.count(b"\n", 0, len(text) - len(stripped))
        self.line += text.count(b"\n")
        return line, stripped.rstrip(_WHITESPACE)

    def _shrink(self, found: Texts) -> None:
        if self._closed:
            self._buffer = self._buffer[: self._begin + _KEPT_AFTER_END]
            self._position = min(self._position, len(self._buffer))
        elif len(self._buffer) - self._begin > MAX_EVENT_BYTES:
            line, text = self._cut(self._position)
            if not self._skipping:
                found.refuse(line, text, TOO_LONG)
            self._begin, self._skipping = self._position, True
        self._buffer = self._buffer[self._begin :]
        self._position -= self._begin
        self._begin = 0

"""The splitter: sees from how an input begins how its events are written, and splits its blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from .event_splitting import MAX_EVENT_BYTES, ArrayScanner, IndentedScanner, LineScanner, Texts, WholeScanner

if TYPE_CHECKING:
    from .blocks import Block
    from .event_splitting import Scanner

_BATCH_BEGINS = re.compile(rb'\{[^{}]*"batch"\s*:\s*\[\s*$')
_BOM = b"\xef\xbb\xbf"


class Splitter:
    """Splits the blocks of an input into the texts of events.

    Damage ends as little as possible: a bad text is reported and the next one is read. Damaged gzip data, and a JSON
    array that is cut off, end the input with a report.
    """

    def __init__(self) -> None:
        self._scanner: Scanner | None = None
        self._head = b""

    def feed(self, block: Block) -> Texts:
        """Take the next block; return what is complete by now, and everything that is left for the last block."""
        found = Texts(block=block)
        data = block.data
        if self._scanner is None:
            data = self._head = self._head + data if self._head else data.removeprefix(_BOM)
            self._scanner = _choose(data, at_end=block.is_last)
            if self._scanner is None:
                if not block.is_last and len(data) < MAX_EVENT_BYTES:
                    return found
                self._scanner = LineScanner()
        if data:
            self._head = b""
            found = self._scanner.feed(data)
        # The file may grow. Text at its end without a line feed may be half of an event, and is read again then.
        found.next_line, found.block = self._scanner.line, block
        if block.is_last:
            last = self._scanner.end()
            if block.damage is not None:
                line = max([block.line, *last.lines, *(text.place for text in last.unreadable)])
                last.refuse(line, b"", block.damage)
            last.loose, last.loose_unreadable = len(last.texts), len(last.unreadable)
            found.add_all(last)
        return found

    def rest(self) -> Texts:
        """Return the text whose end has not come, since reading was stopped. It may be a whole event anyway."""
        found = Texts()
        if self._scanner is None:
            self._scanner = _choose(self._head, at_end=True) or LineScanner()
            found = self._scanner.feed(self._head)
        last = self._scanner.end()
        found.add_all(last)
        if isinstance(self._scanner, ArrayScanner):
            for text in filter(lambda text: text.text, last.unreadable):
                found.add(text.place, text.text)
            found.unreadable = [text for text in found.unreadable if text not in last.unreadable]
        return found


def _choose(head: bytes, *, at_end: bool) -> Scanner | None:
    """Return whether a stream holds an array or lines, by its beginning; None if more of it must be seen.

    A first line that is a whole array is a bad line when something follows it, and the input when nothing does.
    """
    start = head.lstrip()
    if not start:
        return None
    line, newline, rest = start.partition(b"\n")
    whole_line = bool(newline) or at_end
    if not start.startswith(b"["):
        return _choose_for_objects(line.strip(), rest, whole_line=whole_line, at_end=at_end)
    if not whole_line and len(head) < MAX_EVENT_BYTES:
        return None
    if not newline or not _is_json(line):
        return ArrayScanner()
    if rest.strip():
        return LineScanner()
    return ArrayScanner() if at_end else None


def _choose_for_objects(line: bytes, rest: bytes, *, whole_line: bool, at_end: bool) -> Scanner | None:
    if not whole_line:
        return None if line == b"{" else LineScanner()
    if not line.startswith(b"{") or not line.endswith((b"{", b"[", b",")):
        return LineScanner()
    if _BATCH_BEGINS.match(line):
        return WholeScanner()
    # A first line that is cut off is followed by whole ones.
    second, newline, _ = rest.partition(b"\n")
    if not newline and not at_end:
        return None
    is_whole = second.lstrip().startswith(b"{") and _is_json(second)
    if line == b"{":
        return LineScanner() if is_whole else IndentedScanner()
    # After a comma or a brace comes a name. An object there is the next event: this line is cut off or has a comma.
    is_continued = line.endswith(b"[") or second.lstrip()[:1] in {b'"', b"}"}
    return WholeScanner() if is_continued and not is_whole and second.strip() else LineScanner()


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True

"""Lines that are held as they were read come to the same events as lines that are looked at one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kable_destination.runner.sources.chunks import chunk_of
from kable_destination.runner.sources.contract import place_of
from kable_destination.runner.sources.envelopes import events_of
from kable_destination.runner.sources.event_splitting import LineScanner, Texts
from kable_destination.runner.sources.plain_lines import PlainLines, plain_lines

LINES = st.lists(
    st.sampled_from(
        [
            *[b'{"type":"track"}'] * 8,
            b'{"type":"track","a":[1,[2]]}\r',
            b'{"batch":[{"a":1},{"b":2}]}',
            b'{"x":1, "batch" \t:  [{"a":1}]}',
            b'{"b\\u0061tch":[{"a":1}],"x":"\\"batch\\""}',
            b'{"text":"\\"batch\\":["}',
            b'{"batch":"none"}',
            b'  {"indented":1}',
            b"",
            b" \t\r",
            b"\x0b",
            b"[",
            b"[[[[[[[[[[[[[[[[",
            b"\xff",
        ]
    ),
    min_size=1,
    max_size=40,
)


@given(lines=LINES, sizes=st.lists(st.integers(1, 200), min_size=1, max_size=8), count=st.integers(1, 7))
def test_however_blocks_end_and_chunks_are_cut_the_events_are_the_same(
    lines: list[bytes], sizes: list[int], count: int
) -> None:
    expected = []
    for number, line in enumerate(lines, 1):
        found = events_of(line) if line.strip(b" \t\r\n") else []
        items = (
            [(number, line)] if found is None else [(place_of(number, at), text) for at, text in enumerate(found, 1)]
        )
        expected += items
    data, scanner, held, chunks = b"\n".join([*lines, b""]), LineScanner(), Texts(), []
    while data:
        block, data = data[: sizes[0]], data[sizes[0] :]
        sizes = [*sizes[1:], sizes[0]]
        held.add_all(scanner.feed(block))
        held.next_line = scanner.line
        if multiple := held.complete(count):
            ready, held = held.divide(multiple)
            chunks.append(chunk_of(ready, "file"))
    held.add_all(scanner.end())
    chunks.append(chunk_of(held, "file"))
    assert [item for chunk in chunks for item in zip(chunk.places, chunk.texts, strict=True)] == expected
    for chunk in chunks:
        if isinstance(chunk.texts, PlainLines):
            assert b"".join(chunk.texts.parts) == b"\n".join(chunk.texts)
            assert chunk.size == len(b"\n".join(chunk.texts))


def test_ordinary_lines_are_held_as_they_were_read() -> None:
    """Nothing is copied, however they are joined and cut."""
    first, second = b'1"}\n{"a":2}\n{"a":3}\n{"a"', b":4}\n"
    lines, more = plain_lines(b'{"a":"', first), plain_lines(b'{"a"', second)
    assert lines is not None
    assert more is not None
    one, others = lines.joined(more).divided(2)
    assert [*one] == [b'{"a":"1"}', b'{"a":2}']
    assert [*others] == [b'{"a":3}', b'{"a":4}']
    assert {id(part.obj) for part in (*one.parts, *others.parts) if isinstance(part, memoryview)} == {
        id(first),
        id(second),
    }

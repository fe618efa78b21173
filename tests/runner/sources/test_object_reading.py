"""Objects whose store is busy, breaks off, replaces or removes them, and files on a web server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import os
import signal
import threading
import tracemalloc
import weakref
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from kable_destination.definitions import SetupError
from kable_destination.runner.sources.contract import FoundCheckpoint, ReplacedError, SourceError
from kable_destination.runner.sources.file_set import FileSet
from kable_destination.runner.sources.objects import range_file, retrying
from kable_destination.runner.sources.objects.bucket import Bucket
from kable_destination.runner.sources.objects.contract import BusyError, ExpiredError, ObjectPage, StoredObject
from kable_destination.runner.sources.objects.retrying import RetryingStore
from kable_destination.runner.sources.paths import sources_of
from kable_destination.runner.sources.source_options import SourceOptions
from kable_destination.runner.sources.stored import StoredCheckpoint, to_json
from segment_events import ndjson, track
from serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from kable_destination.runner.sources.contract import Chunk, Source


@dataclass
class KeptObjects:
    """A store in memory, of pages of two objects. `before` is called with each range, by its key and begin."""

    objects: dict[str, bytes]
    before: Callable[[str, int], None] = lambda _key, _start: None
    opened: int = 0
    faults: list[SourceError] = field(default_factory=list)

    def store(self) -> RetryingStore:
        """Return the store, opened when it is used."""

        def opened() -> KeptObjects:
            self.opened += 1
            return self

        return RetryingStore(opened)

    def list_page(self, prefix: str, after: str) -> ObjectPage:
        self._fail()
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        return ObjectPage([self.find(key) for key in keys[:2]], keys[1] if len(keys) > 2 else None)

    def find(self, key: str) -> StoredObject:
        return StoredObject(key, str(hash(self.objects[key])), len(self.objects[key]))

    def read_range(self, stored: StoredObject, start: int, stop: int) -> bytes:
        self._fail()
        self.before(stored.key, start)
        if self.find(stored.key) != stored:
            raise ReplacedError("was replaced while it was read")
        return self.objects[stored.key][start:stop]

    def _fail(self) -> None:
        if self.faults:
            raise self.faults.pop()


def texts_of(source: Source, known: bytes | None = None) -> tuple[list[bytes], list[Chunk]]:
    """Read all of a source that was never read before, or whose checkpoint is `known`."""

    async def read() -> list[Chunk]:
        async def find(*keys: str) -> list[FoundCheckpoint | None]:
            return [None if known is None else FoundCheckpoint("", known) for _ in keys]

        return [chunk async for chunk in source.chunks(find)]

    chunks = asyncio.run(read())
    return [text for chunk in chunks for text in chunk.texts], chunks


def bucket(objects: KeptObjects) -> FileSet:
    """Return the source of all objects."""
    return FileSet(Bucket(objects.store(), "s3://b/", "", SourceOptions("scope"), None))


def lines(*numbers: int) -> list[bytes]:
    """Return events as texts."""
    return ndjson(*map(track, numbers)).splitlines()


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_FIRST_WAIT", 0.0)


def test_an_object_that_is_replaced_between_two_ranges_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_file, "RANGE_BYTES", 500)
    objects = KeptObjects({"a": ndjson(*map(track, range(10))), "b": ndjson(track(99))})

    def replace(key: str, start: int) -> None:
        if key == "a" and start >= 1000 and len(objects.objects["a"]) > 1000:
            objects.objects["a"] = ndjson(track(7), track(70))

    objects.before = replace
    source = bucket(objects)
    texts, chunks = texts_of(source)
    assert texts == lines(7, 70, 99), "nothing of the old content is mixed with the new one"
    assert [chunk.source for chunk in chunks if chunk.is_end] == ["s3://b/a", "s3://b/b"]
    assert (source.files.read, source.files.failed) == (2, 0)


def test_each_page_and_each_range_is_asked_for_again() -> None:
    objects = KeptObjects({f"{number}": gzip.compress(ndjson(track(number))) for number in range(5)})
    objects.faults = [BusyError("SlowDown"), ExpiredError("ExpiredToken"), BusyError("the answer broke off")] * 2
    texts, _ = texts_of(bucket(objects))
    assert texts == lines(*range(5))
    assert objects.opened == 3, "expired credentials are asked for again"


def test_a_store_that_stays_busy_is_never_taken_for_the_end_of_the_list() -> None:
    objects = KeptObjects({"a": ndjson(track(1))})
    objects.faults = [BusyError("SlowDown")] * retrying.ATTEMPTS
    with pytest.raises(SourceError, match=r"s3://b/ cannot be read, after 9 attempts: SlowDown"):
        texts_of(bucket(objects))


def test_keys_out_of_their_order_end_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = KeptObjects({"a": b"", "b": b""})
    page = ObjectPage([objects.find("b"), objects.find("a")], None)
    monkeypatch.setattr(objects, "list_page", lambda _prefix, _after: page)
    with pytest.raises(SourceError, match="is not listed in the order of its keys"):
        texts_of(bucket(objects))


@dataclass
class WebFile:
    """A file on a web server."""

    content: bytes
    etag: str = '"1"'
    statuses: list[int] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    knows_ranges: bool = True
    redirect: str = ""
    before: Callable[[int], None] = lambda _start: None


@contextlib.contextmanager
def served(file: WebFile) -> Iterator[str]:
    """Serve a file, and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            file.ranges.append(asked)
            start, stop = (int(part) for part in asked.removeprefix("bytes=").split("-"))
            file.before(start)
            status = file.statuses.pop() if file.statuses else 206 if file.knows_ranges else 200
            if status == 206 and self.headers.get("If-Match", file.etag) != file.etag:
                status = 412
            body = file.content[start : stop + 1] if status == 206 else b""
            if file.redirect:
                self.send_response(302)
                self.send_header("Location", file.redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(status)
            if file.etag:
                self.send_header("ETag", file.etag)
            self.send_header("Content-Length", str(len(body)))
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{len(file.content)}")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as base_url:
        yield f"{base_url}/logs/a.gz"


def test_a_file_of_a_web_server_is_read_by_ranges_and_its_query_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_file, "RANGE_BYTES", 40)
    file = WebFile(gzip.compress(ndjson(*map(track, range(20)))), statuses=[429, 503, 500])
    with served(file) as address:
        (source,) = sources_of([f"{address}?X-Amz-Signature=s3cr3t"], "scope")
        texts, chunks = texts_of(source)
    assert texts == lines(*range(20))
    assert len(file.ranges) > 5
    assert {chunk.source for chunk in chunks} == {f"{address}?…"}
    assert "s3cr3t" not in str(chunks)


def test_a_file_of_a_web_server_that_is_replaced_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_file, "RANGE_BYTES", 300)
    file = WebFile(ndjson(*map(track, range(20))))

    def replace(start: int) -> None:
        if start == 600:
            file.content, file.etag = ndjson(track(50)), '"2"'

    file.before = replace
    with served(file) as address:
        (source,) = sources_of([address], "scope")
        assert texts_of(source)[0] == lines(50)


def test_a_file_of_a_web_server_that_has_no_version_is_read_again_in_each_run() -> None:
    file = WebFile(ndjson(track(1)), etag="")
    with served(file) as address:
        texts, chunks = texts_of(sources_of([address], "scope")[0])
        assert texts == lines(1)
        assert chunks[-1].checkpoint
        file.content = ndjson(track(2))
        texts, _ = texts_of(sources_of([address], "scope")[0], chunks[-1].checkpoint)
    assert texts == lines(2)


def test_a_large_file_of_a_web_server_that_has_no_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two versions of it could be mixed, range by range."""
    monkeypatch.setattr(range_file, "RANGE_BYTES", 300)
    for etag in ("", 'W/"1"'):
        with (
            served(WebFile(ndjson(*map(track, range(20))), etag=etag)) as address,
            pytest.raises(SourceError, match="its server sends neither an ETag that is not weak nor Last-Modified"),
        ):
            texts_of(sources_of([address], "scope")[0])


def test_a_redirect_to_another_host_is_followed_if_it_is_encrypted_or_of_this_machine() -> None:
    with served(WebFile(ndjson(track(1)))) as target, served(WebFile(b"", redirect=target)) as address:
        assert texts_of(sources_of([address], "scope")[0])[0] == lines(1)
    with (
        served(WebFile(b"", redirect="http://192.0.2.1/s3cr3t")) as address,
        pytest.raises(SourceError, match="it is redirected to an address that is not encrypted") as refused,
    ):
        texts_of(sources_of([address], "scope")[0])
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (WebFile(b"x", knows_ranges=False), "cannot be read in ranges, which its server does not know"),
        (WebFile(b"x", statuses=[404] * 9), "cannot be read: the server answers 404"),
        (WebFile(b"x", statuses=[403] * 9), "cannot be read: the server answers 403"),
    ],
)
def test_a_web_server_that_does_not_give_the_file_is_named(file: WebFile, problem: str) -> None:
    with served(file) as address, pytest.raises(SourceError, match=problem):
        texts_of(sources_of([address], "scope")[0])


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("https://user:s3cr3t@example.com/a", "holds a user or a password"),
        ("http://example.com/a", "is not encrypted; use https"),
        ("ftp://example.com/a", "ftp:// is not supported; s3://, gs://, abfs:// and https:// are"),
        ("s3://", "names no bucket"),
        ("s3://key:s3cr3t@bucket/a", "names no bucket"),
        ("gs://key:s3cr3t@bucket/a", "names no bucket"),
        ("abfs://key:s3cr3t@bucket/a", "names no container; write abfs://CONTAINER/PREFIX/"),
        ("abfs://name@host@key:s3cr3t/a", "names no container"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused_at_once(path: str, problem: str) -> None:
    with pytest.raises(SetupError, match=problem) as refused:
        sources_of([path])
    assert "s3cr3t" not in str(refused.value)


def test_an_endpoint_of_s3_that_is_no_address_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "s3cr3t-or-nonsense")
    with pytest.raises(SourceError, match=r"s3://bucket/ cannot be read: Invalid endpoint"):
        texts_of(sources_of(["s3://bucket/"], "scope")[0])


def test_memory_does_not_grow_with_the_number_of_objects() -> None:
    class ManyObjects(KeptObjects):
        """A store of very many objects, in pages of a thousand, all with the same content."""

        count = 0

        def list_page(self, prefix: str, after: str) -> ObjectPage:  # noqa: ARG002 - all have it
            first = int(after or "-1") + 1
            found = [StoredObject(f"{number:08}", "1", 300) for number in range(first, first + 1000)]
            return ObjectPage(found, found[-1].key if first + 1000 < self.count else None)

        def read_range(self, stored: StoredObject, start: int, stop: int) -> bytes:
            return ndjson(track(int(stored.key))).ljust(301)[start:stop]

    def peak(count: int) -> int:
        """Return the most memory that reading so many objects takes, all but 50 of them known."""
        objects = ManyObjects({})
        objects.count = count
        source = bucket(objects)

        async def read() -> int:
            known = to_json(StoredCheckpoint(9, 300, "", is_end=True, version="1"))

            async def find(*keys: str) -> list[FoundCheckpoint | None]:
                return [FoundCheckpoint("", known) if int(key[-8:]) % (count // 50) else None for key in keys]

            return len([None async for _ in source.chunks(find)])

        gc.collect()
        tracemalloc.start()
        try:
            assert asyncio.run(read()) >= 50
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(50_000) < peak(10_000) + 1_000_000


def test_circles_that_a_library_leaves_are_collected_page_by_page() -> None:
    """A run lets Python look for circles seldom, and a library that leaves some for each object would fill memory."""

    class Answer:
        """What a library makes of an answer: a method of its own is among its values."""

        def __init__(self) -> None:
            self.read = self.close

        def close(self) -> None:
            """Do nothing."""

    alive, most = weakref.WeakSet[Answer](), 0

    def leave(_key: str, _start: int) -> None:
        nonlocal most
        alive.add(Answer())
        most = max(most, len(alive))

    objects = KeptObjects({f"{number:03}": ndjson(track(number)) for number in range(200)}, leave)
    gc.collect()
    gc.disable()
    try:
        texts, _ = texts_of(bucket(objects))
    finally:
        gc.enable()
    assert len(texts) == 200
    assert most < 50


def test_a_run_that_is_interrupted_while_a_store_does_not_answer_ends_soon(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    asked, ends = threading.Event(), threading.Event()

    def hang(_start: int) -> None:
        asked.set()
        ends.wait(60)

    with (
        served(WebFile(b"x", before=hang)) as address,
        command_line.start("deliver", address, "--base-url", sandbox.base_url) as process,
    ):
        assert asked.wait(30)
        os.kill(process.pid, signal.SIGTERM)
        try:
            assert process.wait(timeout=30) == 130
        finally:
            ends.set()

"""A file on a web server, read by ranges, always the same version."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from ..contract import ReplacedError, SourceError
from ..file_set import Listed, Page
from . import range_file
from .bucket import ObjectSource
from .contract import LOOPBACK, BusyError, ObjectPage, RemovedError, StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..tables.columns import Columns
    from .retrying import RetryingStore

_SECONDS_TO_CONNECT = 10.0
_SECONDS_TO_READ = 60.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_BUSY = frozenset({408, 425, 429})
_LONGEST_DELAY = 60.0
_WEAK = "W/"


class WebStore:
    """One address. The file is pinned by its ETag, or else by the time of its last change, and by its size.

    An address may hold a signature, so no message shows it.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        timeout = httpx.Timeout(_SECONDS_TO_READ, connect=_SECONDS_TO_CONNECT)
        # A redirect must not lead to where the address itself could not.
        hooks = {"request": [_require_encryption]}
        self._client = httpx.Client(timeout=timeout, follow_redirects=True, max_redirects=5, event_hooks=hooks)

    def list_page(self, prefix: str, after: str) -> ObjectPage:  # noqa: ARG002 - there is one file
        """Return the one file."""
        return ObjectPage([self.find(prefix)], None)

    def find(self, key: str) -> StoredObject:
        """Return the file as it is now. Its first byte is asked for: a signature for GET is not one for HEAD."""
        _, version, size = self._get(0, 1, None)
        if not version and size > range_file.RANGE_BYTES:
            # Ranges of two versions could be mixed, and nobody would notice.
            needed = "its server sends neither an ETag that is not weak nor Last-Modified"
            raise SourceError(f"cannot be read in ranges: {needed}; download it and deliver the file")
        return StoredObject(key, version, size)

    def read_range(self, stored: StoredObject, start: int, stop: int) -> bytes:
        """Return some bytes of that version of the file."""
        data, version, size = self._get(start, stop, stored.version)
        if (version, size) != (stored.version, stored.size):
            raise ReplacedError
        return data

    def _get(self, start: int, stop: int, version: str | None) -> tuple[bytes, str, int]:
        """Return the bytes of a range, and the version and the size of the whole file."""
        most = stop - start
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        if version and version.startswith('"'):
            headers["If-Match"] = version
        try:
            with self._client.stream("GET", self._address, headers=headers) as response:
                size = _size_of(response)
                data = _bounded(response, most) if size else b""
        except httpx.TooManyRedirects:
            raise SourceError("cannot be read: it is redirected too often") from None
        except httpx.HTTPError as error:
            # Its text may hold the address.
            raise BusyError(type(error).__name__) from None
        return data, _version_of(response), size


class WebFile:
    """Lists the one file of an address."""

    may_be_empty = False
    in_flight = 1

    def __init__(self, store: RetryingStore, name: str, key: str, columns: Columns | None) -> None:
        self.name = name
        self._store = store
        self._key = key
        self._columns = columns

    def pages(self) -> Iterator[Page]:
        """Yield the file. This runs in a thread. Raises SourceError."""
        page = Page()
        try:
            page.files.append(self._listed(self._store.find("")))
        except SourceError as error:
            page.others.fail(f"{self.name} {error}")
        yield page

    def keys(self, files: Sequence[Listed]) -> list[str]:
        """Return the key of the checkpoint of the file."""
        return [listed.key for listed in files]

    def source(self, listed: Listed) -> ObjectSource:
        """Return the source of the file."""
        return ObjectSource(self._store, StoredObject("", listed.version, listed.size), listed, self._columns)

    def again(self, listed: Listed) -> Listed:
        """Return the file as it is now. Raises SourceError if it was removed."""
        try:
            return self._listed(self._store.find(""))
        except SourceError as error:
            raise SourceError(f"{listed.name} {error}") from error

    def stop(self) -> None:
        """Let nothing wait for the server any more."""
        self._store.stop()

    def _listed(self, stored: StoredObject) -> Listed:
        return Listed(self.name, self._key, stored.version, stored.size)


def _require_encryption(request: httpx.Request) -> None:
    if request.url.scheme != "https" and request.url.host not in LOOPBACK:
        raise SourceError("cannot be read: it is redirected to an address that is not encrypted")


def _bounded(response: httpx.Response, most: int) -> bytes:
    """Return the body, which must not be longer than was asked for. What is compressed stays so."""
    data = bytearray()
    for piece in response.iter_raw():
        data += piece
        if len(data) > most:
            raise BusyError("the server sends more than was asked for")
    return bytes(data)


def _size_of(response: httpx.Response) -> int:
    """Return the size of the whole file. Raises the error that a response means."""
    status = response.status_code
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if status == HTTPStatus.PARTIAL_CONTENT and found is not None:
        return int(found[3])
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        # So is the first byte of an empty file.
        if response.headers.get("Content-Range", "").endswith("*/0"):
            return 0
        raise ReplacedError
    if status == HTTPStatus.PRECONDITION_FAILED:
        raise ReplacedError
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise RemovedError(f"cannot be read: the server answers {status}")
    if status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        asked = response.headers.get("Retry-After", "")
        raise BusyError(f"the server answers {status}", min(_LONGEST_DELAY, float(asked)) if asked.isdecimal() else 0)
    if status == HTTPStatus.OK:
        raise SourceError("cannot be read in ranges, which its server does not know; download it and deliver the file")
    raise SourceError(f"cannot be read: the server answers {status}")


def _version_of(response: httpx.Response) -> str:
    """Return what changes with the file; empty if the server says nothing of the kind."""
    etag = response.headers.get("ETag", "")
    return str(etag if etag and not etag.startswith(_WEAK) else response.headers.get("Last-Modified", ""))

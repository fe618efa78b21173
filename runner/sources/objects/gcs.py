"""Google Cloud Storage. Credentials are those that gcsfs finds: Google's default ones, or none for public buckets."""

from __future__ import annotations

import inspect
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
import google.auth.exceptions
from gcsfs.core import GCSFileSystem
from gcsfs.retry import HttpError, NonRetryableError

from ..contract import ReplacedError, SourceError
from .contract import MOST_TEXT, BusyError, ExpiredError, ObjectPage, RemovedError, StoredObject, is_busy

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAGE_KEYS = 1000
_SECONDS_TO_CONNECT = 10
_SECONDS_TO_READ = 60
"""Between two pieces of an answer. A connection that is broken says nothing."""

_MOST_SECONDS = 300
"""For a whole call: a call that is stuck for some other reason is made again."""

_FIELDS = "name,generation,size"
_EXPIRED = "Invalid Credentials"


class _Files(GCSFileSystem):  # type: ignore[misc]  # the library brings no types
    """Makes each request once: it is repeated by its caller, and the library's own attempts would take minutes."""

    _request = inspect.unwrap(GCSFileSystem._request)  # noqa: SLF001 - what it is without its decorator


class GCSStore:
    """A bucket of Google Cloud Storage. An object is pinned by its generation."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        # Caches would hide new objects. Nothing is decompressed: ranges count bytes as they are stored.
        self._files = _Files(
            access="read_only",
            use_listings_cache=False,
            skip_instance_cache=True,
            session_kwargs={"auto_decompress": False},
            requests_timeout=aiohttp.ClientTimeout(
                total=_MOST_SECONDS, sock_connect=_SECONDS_TO_CONNECT, sock_read=_SECONDS_TO_READ
            ),
        )

    def list_page(self, prefix: str, after: str) -> ObjectPage:
        """Return the keys that follow the last one of the page before."""
        objects: list[StoredObject] = []
        token: str | None = None
        while not objects:
            answer = self._json(
                "b/{}/o",
                prefix=prefix,
                startOffset=after or None,
                pageToken=token,
                maxResults=_PAGE_KEYS,
                fields=f"items({_FIELDS}),nextPageToken",
            )
            # A list begins with the key itself.
            objects = [_object(item) for item in answer.get("items", ()) if item["name"] != after]
            token = answer.get("nextPageToken")
            if token is None:
                return ObjectPage(objects, None)
        return ObjectPage(objects, objects[-1].key)

    def find(self, key: str) -> StoredObject:
        """Return an object as it is now."""
        return _object(self._json("b/{}/o/{}", key, fields=_FIELDS))

    def read_range(self, stored: StoredObject, start: int, stop: int) -> bytes:
        """Return some bytes of that version of an object."""
        # One that is stored as gzip would be decompressed on the way for those who cannot do it themselves.
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "gzip"}
        data: bytes = self._call("b/{}/o/{}", stored.key, alt="media", generation=stored.version, headers=headers)[1]
        return data

    def _json(self, path: str, *keys: str, **parameters: Any) -> Mapping[str, Any]:
        headers = {"Accept-Encoding": "identity"}
        answer: Mapping[str, Any] = self._call(path, *keys, json_out=True, headers=headers, **parameters)
        return answer

    def _call(self, path: str, *keys: str, **parameters: Any) -> Any:
        try:
            return self._files.call("GET", path, self._bucket, *keys, timeout=_MOST_SECONDS, **parameters)
        except FileNotFoundError as error:
            if keys:
                raise RemovedError from error
            raise SourceError(f"cannot be read: there is no bucket {self._bucket}") from error
        except Exception as error:
            raise self._read_error(error) from error

    def _read_error(self, error: Exception) -> SourceError:
        """Return what an error means."""
        if isinstance(error, HttpError):
            return self._read_status(error)
        if isinstance(error, json.JSONDecodeError):
            return BusyError("the answer broke off")
        refused = (ValueError, NonRetryableError, google.auth.exceptions.DefaultCredentialsError)
        if isinstance(error, refused) or str(error).startswith("Forbidden"):
            # The first line names the address only.
            shown = str(error).partition("\n")[2] or str(error)
            return SourceError(f"cannot be read: {shown}"[:MOST_TEXT].strip())
        return BusyError(f"{type(error).__name__}: {error}"[:MOST_TEXT])

    def _read_status(self, error: HttpError) -> SourceError:
        status, shown = int(error.code or 0), str(error.message)[:MOST_TEXT].strip()
        if status == HTTPStatus.UNAUTHORIZED:
            if self._files.credentials.credentials is None:
                return SourceError(f"cannot be read without credentials, and none were found: {shown}")
            return ExpiredError(shown) if _EXPIRED in shown else SourceError(f"cannot be read: {shown}")
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return ReplacedError()
        if is_busy(status):
            return BusyError(shown)
        return SourceError(f"cannot be read: {shown}")


def _object(item: Mapping[str, Any]) -> StoredObject:
    return StoredObject(item["name"], str(item["generation"]), int(item["size"]))

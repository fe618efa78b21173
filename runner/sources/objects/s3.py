"""Amazon S3, and what speaks its protocol. Credentials, region and endpoint are those that the AWS SDK finds."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

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

_DIRECTORY_BUCKET = "--x-s3"
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_BUSY = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestTimeTooSkewed"})
_NO_BUCKET = "NoSuchBucket"


class S3Store:
    """A bucket of S3. An object is pinned by its ETag: each range is asked for with If-Match."""

    def __init__(self, bucket: str) -> None:
        import s3fs  # noqa: PLC0415 - an extra, imported where it is used

        if bucket.endswith(_DIRECTORY_BUCKET):
            raise SourceError("is in a directory bucket, which is not listed in the order of its keys")
        self._bucket = bucket
        # Caches would hide new objects. Each call is repeated by its caller, and never inside the library.
        self._files = s3fs.S3FileSystem(
            use_listings_cache=False,
            skip_instance_cache=True,
            config_kwargs={
                "connect_timeout": _SECONDS_TO_CONNECT,
                "read_timeout": _SECONDS_TO_READ,
                "retries": {"total_max_attempts": 1, "mode": "standard"},
                "max_pool_connections": 32,
            },
        )
        self._files.retries = 1

    def list_page(self, prefix: str, after: str) -> ObjectPage:
        """Return the keys that follow the last one of the page before."""
        more = {"StartAfter": after} if after else {}
        answer = self._call("list_objects_v2", Prefix=prefix, MaxKeys=_PAGE_KEYS, **more)
        while answer.get("IsTruncated") and not answer.get("Contents"):
            # All objects of the page were removed. Only the store knows where the next page begins.
            token = answer["NextContinuationToken"]
            answer = self._call("list_objects_v2", Prefix=prefix, MaxKeys=_PAGE_KEYS, ContinuationToken=token)
        objects = [
            StoredObject(item["Key"], _version(item["ETag"], item["Size"]), item["Size"])
            for item in answer.get("Contents", ())
        ]
        return ObjectPage(objects, objects[-1].key if answer.get("IsTruncated") else None)

    def find(self, key: str) -> StoredObject:
        """Return an object as it is now."""
        answer = self._call("head_object", Key=key)
        return StoredObject(key, _version(answer["ETag"], answer["ContentLength"]), answer["ContentLength"])

    def read_range(self, stored: StoredObject, start: int, stop: int) -> bytes:
        """Return some bytes of that version of an object."""
        etag = stored.version.partition("/")[0]
        answer = self._call("get_object", Key=stored.key, IfMatch=f'"{etag}"', Range=f"bytes={start}-{stop - 1}")
        return self._read(answer["Body"], answer["ContentLength"], stop - start)

    def _read(self, body: Any, size: int, most: int) -> bytes:
        """Read a body, and give its connection back whatever happens: the pool of connections waits for ever."""
        from fsspec.asyn import sync  # noqa: PLC0415 - an extra, imported where it is used

        async def read() -> bytes:
            async with body:
                return b"" if size > most else bytes(await body.read())

        try:
            data: bytes = sync(self._files.loop, read, timeout=_MOST_SECONDS)
        except Exception as error:
            # It is read from a socket, where anything may go wrong.
            raise BusyError(f"{type(error).__name__}: the answer broke off") from error
        return data

    def _call(self, method: str, **parameters: Any) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = self._files.call_s3(
                method, Bucket=self._bucket, timeout=_MOST_SECONDS, **parameters
            )
        except Exception as error:
            raise _read_error(error) from error
        return answer


def _version(etag: str, size: int) -> str:
    return f"{etag.strip(chr(34))}/{size}"


def _read_error(error: Exception) -> SourceError:
    """Return what an error means. The library translates some, and keeps the answer of the service as the cause."""
    answer = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
    if not isinstance(answer, dict):
        return _read_other_error(error)
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, message = str(answer.get("Error", {}).get("Code", "")), str(answer.get("Error", {}).get("Message", ""))
    shown = f"{code or status} {message}"[:MOST_TEXT].strip()
    if code in _EXPIRED:
        return ExpiredError(shown)
    if code in _BUSY or is_busy(status):
        return BusyError(shown)
    if status in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}:
        return ReplacedError()
    if status == HTTPStatus.NOT_FOUND and code != _NO_BUCKET:
        return RemovedError()
    return SourceError(f"cannot be read: {shown}")


def _read_other_error(error: Exception) -> SourceError:
    name = type(error).__name__
    refused = {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "ParamValidationError"}
    # An endpoint that is not an address is a ValueError.
    if name in refused or isinstance(error, ValueError):
        return SourceError(f"cannot be read: {error}"[:MOST_TEXT])
    return BusyError(f"{name}: {error}"[:MOST_TEXT])

"""Azure's blob storage and Data Lake. Credentials are those that adlfs finds."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

import adlfs
from azure.core import MatchConditions
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from fsspec.asyn import sync

from ..contract import ReplacedError, SourceError
from .contract import MOST_TEXT, BusyError, ObjectPage, RemovedError, StoredObject, is_busy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_PAGE_KEYS = 1000
_ONCE = {"retry_total": 0, "connection_timeout": 10, "read_timeout": 60}
"""Each call is repeated by its caller. The seconds to read are those between two pieces of an answer."""

_MOST_SECONDS = 300
"""For a whole call: a call that is stuck for some other reason is made again."""

_FOLDER = "hdi_isfolder"
"""What the metadata of a folder says, which a Data Lake lists like an object."""

_NO_CONTAINER = "ContainerNotFound"
_Result = TypeVar("_Result")

# Without a handler of its own, the library's warnings would go to the terminal. The error says what is wrong.
logging.getLogger("azure").addHandler(logging.NullHandler())


class AzureStore:
    """A container. An object is pinned by its ETag: each range is asked for with If-Match.

    `host` is that of the account, such as `name.dfs.core.windows.net`; empty for the one that the environment names.
    """

    def __init__(self, container: str, host: str) -> None:
        account = host.partition(".")[0] or None
        named = {"account_name": account, "account_host": host.replace(".dfs.", ".blob.", 1)} if host else {}
        try:
            # Caches would hide new objects.
            self._files = adlfs.AzureBlobFileSystem(use_listings_cache=False, skip_instance_cache=True, **named)
        except ValueError as error:
            needed = "set AZURE_STORAGE_ACCOUNT_NAME, or a whole AZURE_STORAGE_CONNECTION_STRING"
            raise SourceError(f"cannot be read: no account is named; {needed}") from error
        service = self._files.service_client
        if account is not None and service.account_name != account:
            # A connection string comes first, and may be of another account.
            raise SourceError(f"cannot be read: the credentials are of the account {service.account_name}")
        self._container = service.get_container_client(container)

    def list_page(self, prefix: str, after: str) -> ObjectPage:
        """Return a page, and a token for the next one: the order of keys is another one in each kind of account."""

        async def page() -> ObjectPage:
            found = self._container.list_blobs(
                name_starts_with=prefix or None, results_per_page=_PAGE_KEYS, include=["metadata"], **_ONCE
            ).by_page(after or None)
            objects = [
                StoredObject(item.name, item.etag, item.size)
                async for item in await anext(found)
                if (item.metadata or {}).get(_FOLDER) != "true"
            ]
            return ObjectPage(objects, found.continuation_token or None, is_token=True)

        return self._called(page)

    def find(self, key: str) -> StoredObject:
        """Return an object as it is now."""

        async def find() -> StoredObject:
            found = await self._container.get_blob_client(key).get_blob_properties(**_ONCE)
            return StoredObject(key, found.etag.strip('"'), found.size)

        return self._called(find)

    def read_range(self, stored: StoredObject, start: int, stop: int) -> bytes:
        """Return some bytes of that version of an object."""

        async def read() -> bytes:
            blob = self._container.get_blob_client(stored.key)
            # Nothing is decompressed: ranges count bytes as they are stored.
            found = await blob.download_blob(
                start,
                stop - start,
                etag=stored.version,
                match_condition=MatchConditions.IfNotModified,
                decompress=False,
                **_ONCE,
            )
            data: bytes = await found.readall()
            return data

        return self._called(read)

    def _called(self, call: Callable[[], Awaitable[_Result]]) -> _Result:
        """Make a call in the thread of the library."""
        try:
            result: _Result = sync(self._files.loop, call, timeout=_MOST_SECONDS)
        except Exception as error:
            raise _read_error(error) from error
        return result


def _read_error(error: Exception) -> SourceError:
    """Return what an error means. The first line of its text says it; the others repeat the answer."""
    shown = str(error).strip().partition("\n")[0][:MOST_TEXT]
    status, named = getattr(error, "status_code", None) or 0, getattr(error, "error_code", None) or ""
    code = str(getattr(named, "value", named))
    if isinstance(error, HttpResponseError) and status:
        if status in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}:
            return ReplacedError()
        if status == HTTPStatus.NOT_FOUND and code != _NO_CONTAINER:
            return RemovedError()
        if is_busy(status):
            return BusyError(f"{code} {shown}".strip())
        return SourceError(f"cannot be read: {code} {shown}")
    if isinstance(error, (ClientAuthenticationError, ValueError)):
        return SourceError(f"cannot be read: {shown}")
    return BusyError(f"{type(error).__name__}: {shown}")

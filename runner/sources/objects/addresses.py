"""Sources from addresses of objects: `s3://bucket/prefix/` and `https://host/file`."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from ....definitions import Problem, SetupError, read_base_url
from ..file_set import FileSet
from ..patterns import Pattern, has_pattern
from .bucket import Bucket
from .retrying import RetryingStore

if TYPE_CHECKING:
    from ..contract import Source
    from ..source_options import SourceOptions
    from .contract import ObjectStore

_SEPARATOR = "://"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_OTHERS = frozenset({"gs", "gcs", "abfs", "abfss", "az", "hdfs", "ftp", "sftp", "file"})
"""Schemes that somebody may try, and which no store here reads."""

_SIGNATURES = ("x-amz-", "x-goog-", "x-ms-", "sig", "signature", "se", "st", "sp", "sv", "sr", "expires", "awsaccess")
"""How parameters of signed addresses begin: they are secret, and others each time."""


def is_address(path: str) -> bool:
    """Return whether a path is an address of objects."""
    scheme, separator, _ = path.partition(_SEPARATOR)
    return bool(separator) and (scheme in {"s3", "https", "http"} or scheme in _OTHERS)


def shown_address(path: str) -> str:
    """Return an address without what may be secret in it."""
    scheme, separator, rest = path.partition(_SEPARATOR)
    host, slash, place = rest.partition("/")
    if scheme in {"http", "https"}:
        place, question, _ = place.partition("?")
        place += "?…" if question else ""
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{place}"


def source_of_address(path: str, options: SourceOptions) -> Source:
    """Return the source of an address. Nothing is opened. Raises SetupError."""
    scheme, _, rest = path.partition(_SEPARATOR)
    if scheme in {"http", "https"}:
        return _web_source(path, options)
    if scheme != "s3":
        _refuse(path, f"{scheme}:// is not supported; s3:// and https:// are")
    if importlib.util.find_spec("s3fs") is None:
        _refuse(path, "needs the extra `s3`: pip install 'kable-destination[s3]'")
    bucket, _, key = rest.partition("/")
    if not bucket or has_pattern(bucket) or "@" in bucket:
        _refuse(path, "names no bucket; write s3://BUCKET/PREFIX/. Credentials are those of the AWS SDK")
    store = RetryingStore(partial(_open_s3, bucket))
    pattern = Pattern(key) if has_pattern(key) else None
    return FileSet(Bucket(store, f"s3://{bucket}/", key, options, pattern))


def _open_s3(bucket: str) -> ObjectStore:
    from .s3 import S3Store  # noqa: PLC0415 - an extra, imported where it is used

    return S3Store(bucket)


def _web_source(path: str, options: SourceOptions) -> Source:
    try:
        parts = urlsplit(path)
    except ValueError as error:
        raise SetupError.of([Problem(shown_address(path), f"is not an address: {error}")]) from None
    if "@" in parts.netloc:
        _refuse(path, "holds a user or a password; an address must not")
    if not parts.hostname:
        _refuse(path, "names no host")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        _refuse(path, "is not encrypted; use https")
    try:
        # A host or a port that cannot exist would look like a fault of the network, and be tried for a minute.
        read_base_url(f"{parts.scheme}://{parts.netloc}")
    except SetupError as error:
        raise SetupError.of(Problem(shown_address(path), each.message) for each in error.problems) from None
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [pair for pair in pairs if not pair[0].lower().startswith(_SIGNATURES)]
    place = parts._replace(query="", fragment="").geturl()
    # A parameter may be secret too, so the key holds only a hash of them.
    key = f"{place}?{hashlib.sha256(urlencode(kept).encode()).hexdigest()}" if kept else place
    address = parts._replace(fragment="").geturl()
    from .web import WebFile, WebStore  # noqa: PLC0415 - it imports httpx, and most inputs are files

    store = RetryingStore(partial(WebStore, address))
    return FileSet(WebFile(store, shown_address(path), f"{options.whole_scope} {key}", options.columns))


def _refuse(path: str, message: str) -> None:
    raise SetupError.of([Problem(shown_address(path), message)])

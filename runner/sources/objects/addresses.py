"""Sources from addresses of objects: `s3://bucket/prefix/`, `gs://`, `abfs://`, and `https://host/file`."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import parse_qsl, urlencode, urlsplit

from ....definitions import Problem, SetupError, read_base_url
from ..file_set import FileSet
from ..patterns import Pattern, has_pattern
from .bucket import Bucket
from .contract import LOOPBACK
from .retrying import RetryingStore

if TYPE_CHECKING:
    from ..contract import Source
    from ..source_options import SourceOptions
    from .contract import ObjectStore

_SEPARATOR = "://"
_WEB = frozenset({"https", "http"})
_OTHERS = frozenset({"hdfs", "ftp", "sftp", "file", "wasb", "wasbs", "adl"})
"""Schemes that somebody may try, and which no store here reads."""


class _Kind(NamedTuple):
    """A kind of object store: how its addresses begin, the extra that it needs, and the module that it brings."""

    scheme: str
    extra: str
    module: str
    bucket: str = "BUCKET"
    credentials: str = "those of the AWS SDK"


_S3 = _Kind("s3", "s3", "s3fs")
_GCS = _Kind("gs", "gs", "gcsfs", credentials="Google's default ones")
_AZURE = _Kind("abfs", "abfs", "adlfs", "CONTAINER", "in variables of the environment that begin with AZURE_")
_KINDS = {"s3": _S3, "gs": _GCS, "gcs": _GCS, "abfs": _AZURE, "abfss": _AZURE, "az": _AZURE}
"""The kind of each scheme that people use. Checkpoints have the first scheme of a kind in their keys."""

_SIGNATURES = ("x-amz-", "x-goog-", "x-ms-", "sig", "signature", "se", "st", "sp", "sv", "sr", "expires", "awsaccess")
"""How parameters of signed addresses begin: they are secret, and others each time."""


def is_address(path: str) -> bool:
    """Return whether a path is an address of objects."""
    scheme, separator, _ = path.partition(_SEPARATOR)
    return bool(separator) and (scheme in _KINDS or scheme in _WEB or scheme in _OTHERS)


def shown_address(path: str) -> str:
    """Return an address without what may be secret in it."""
    scheme, separator, rest = path.partition(_SEPARATOR)
    host, slash, place = rest.partition("/")
    if scheme in _WEB:
        place, question, _ = place.partition("?")
        place += "?…" if question else ""
    if _KINDS.get(scheme) is not _AZURE or host.count("@") > 1 or ":" in host:
        # Azure alone writes CONTAINER@ACCOUNT, and no password.
        host = host.rpartition("@")[2].partition(":")[0] if scheme in _KINDS else host.rpartition("@")[2]
    return f"{scheme}{separator}{host}{slash}{place}"


def source_of_address(path: str, options: SourceOptions) -> Source:
    """Return the source of an address. Nothing is opened. Raises SetupError."""
    scheme, _, rest = path.partition(_SEPARATOR)
    if scheme in _WEB:
        return _web_source(path, options)
    kind = _KINDS.get(scheme)
    if kind is None:
        _refuse(path, f"{scheme}:// is not supported; s3://, gs://, abfs:// and https:// are")
    if importlib.util.find_spec(kind.module) is None:
        _refuse(path, f"needs the extra `{kind.extra}`: pip install 'kable-destination[{kind.extra}]'")
    place, _, key = rest.partition("/")
    bucket, _, host = place.partition("@") if kind is _AZURE else (place, "", "")
    if not bucket or has_pattern(bucket) or not set(bucket + host).isdisjoint("@:"):
        place = f"{kind.scheme}://{kind.bucket}/PREFIX/"
        _refuse(path, f"names no {kind.bucket.lower()}; write {place}. Credentials are {kind.credentials}")
    store = RetryingStore(partial(_open, kind, bucket, host))
    pattern = Pattern(key) if has_pattern(key) else None
    return FileSet(Bucket(store, f"{kind.scheme}://{place}/", key, options, pattern))


def _open(kind: _Kind, bucket: str, host: str) -> ObjectStore:
    """Open a store, whose library is imported when it is used."""
    if kind is _GCS:
        from .gcs import GCSStore  # noqa: PLC0415

        return GCSStore(bucket)
    if kind is _AZURE:
        from .azure import AzureStore  # noqa: PLC0415

        return AzureStore(bucket, host)
    from .s3 import S3Store  # noqa: PLC0415

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
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
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


def _refuse(path: str, message: str) -> NoReturn:
    raise SetupError.of([Problem(shown_address(path), message)])

"""The rows of a Parquet file, one group after the other."""

from __future__ import annotations

import base64
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from ..contract import SourceError
from .rows import BadRow, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROWS_AT_ONCE = 1_000
_MOST_GROUP_BYTES = 2 * 1024**3
"""A page of a group is decompressed whole, so a group has a bound."""

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_NEEDS_EXTRA = "which needs the extra `parquet`: pip install 'kable-destination[parquet]'"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parquet_rows(stream: IO[bytes]) -> Rows:
    """Return the rows of a Parquet file. Raises SourceError.

    Decimals keep their digits, timestamps become RFC 3339 in UTC, and bytes base64. Nulls are absent.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra, imported where it is used
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise SourceError(f"is a Parquet file, {_NEEDS_EXTRA}") from None
    try:
        file = parquet.ParquetFile(stream)
        groups = [file.metadata.row_group(number).total_byte_size for number in range(file.num_row_groups)]
    except pa.ArrowException as error:
        raise SourceError(f"is a damaged Parquet file: {error}") from None
    if max(groups, default=0) > _MOST_GROUP_BYTES:
        raise SourceError("has a row group of more than 2 GiB; write it with smaller row groups")
    return Rows(file.schema_arrow.names, _rows(file))


def _rows(file: Any) -> Iterator[list[Any] | BadRow]:
    import pyarrow as pa  # noqa: PLC0415

    names = file.schema_arrow.names
    readers = [_reader(field.type) for field in file.schema_arrow]
    number = 0
    try:
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, use_threads=False):
            columns = [column.cast(_plain(column.type)).to_pylist() for column in batch.columns]
            for values in zip(*columns, strict=True):
                number += 1
                yield _read(names, readers, values)
    except pa.ArrowException as error:
        raise SourceError(f"is damaged: after row {number:,}, it cannot be read ({error})") from None


def _read(names: list[str], readers: list[Callable[[Any], Any]], values: tuple[Any, ...]) -> list[Any] | BadRow:
    found: list[Any] = []
    for name, read, value in zip(names, readers, values, strict=True):
        try:
            found.append(None if value is None else read(value))
        except (ValueError, OverflowError) as error:
            return BadRow(f"the column {name} {error}", dict(zip(names, values, strict=True)))
    return found


def _plain(kind: Any) -> Any:
    """Return a type whose values Python can hold exactly: its own times have no nanoseconds."""
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import types  # noqa: PLC0415

    if types.is_timestamp(kind) or types.is_duration(kind) or types.is_time64(kind):
        return pa.int64()
    if types.is_dictionary(kind):
        return _plain(kind.value_type)
    if types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    return pa.large_list(_plain(kind.value_type)) if _is_list(kind) else kind


def _reader(kind: Any) -> Callable[[Any], Any]:
    """Return what makes JSON of the values of a type."""
    from pyarrow import types  # noqa: PLC0415

    if types.is_timestamp(kind):
        return partial(_moment, kind.unit)
    if types.is_dictionary(kind):
        return _reader(kind.value_type)
    if _is_list(kind):
        return partial(_list, _reader(kind.value_type))
    if types.is_struct(kind):
        return partial(_struct, {field.name: _reader(field.type) for field in kind})
    if types.is_map(kind):
        return partial(_map, _reader(kind.item_type))
    return int if types.is_duration(kind) or types.is_time64(kind) else _value


def _is_list(kind: Any) -> bool:
    from pyarrow import types  # noqa: PLC0415

    kinds = (types.is_list, types.is_large_list, types.is_fixed_size_list, types.is_list_view)
    return any(is_kind(kind) for is_kind in kinds)


def _moment(unit: str, value: Any) -> str:
    """Return a timestamp, which counts from 1970 in a unit, as RFC 3339."""
    if not isinstance(value, int):
        return str(_value(value))
    seconds, fraction = divmod(value, _PER_SECOND[unit])
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError("is not a time of the years 1 to 9999") from None
    digits = f".{fraction:0{_DIGITS[unit]}}" if fraction else ""
    # Years below 1000 need their zeros, which strftime leaves out.
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}{digits}Z"


def _list(read: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    return [None if value is None else read(value) for value in values]


def _struct(readers: dict[str, Callable[[Any], Any]], value: dict[str, Any]) -> dict[str, Any]:
    return {name: readers[name](item) for name, item in value.items() if item is not None}


def _map(read: Callable[[Any], Any], pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    return {str(key): read(value) for key, value in pairs if value is not None}


def _exact(value: Decimal) -> Any:
    """Return a decimal as a number of JSON. Raises ValueError if mappings, which count in doubles, would change it."""
    if not value.is_finite():
        raise ValueError(f"is {value}, which is not a number in JSON")
    if value == value.to_integral_value():
        return int(value)
    if Decimal(repr(float(value))) != value:
        raise ValueError(f"is {value}, which has more digits than a number with a fraction can keep")
    return msgspec.Raw(format(value, "f").encode())


def _value(value: Any) -> Any:
    """Return a value that needs no other ones. Raises ValueError."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"is {value}, which is not a number in JSON")
    if isinstance(value, Decimal):
        return _exact(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (str, int, float, bool)):
        return value
    raise ValueError(f"is of a type ({type(value).__name__}) that has no form in JSON")

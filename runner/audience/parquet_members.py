"""Members in a Parquet file. Needs the extra `parquet`."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from .columns import choose_column
from .members import MembersError
from .rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .columns import Columns
    from .members import Faults

_ROWS_AT_ONCE = 20_000


def read_parquet(file: IO[bytes], name: str, wanted: Columns, faults: Faults) -> Iterator[list[bytes]]:
    """Yield the members of a Parquet file; only the columns that are needed are read."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415 - likewise
    except ImportError:
        raise MembersError(
            f"{name} is Parquet, which needs the extra `parquet`: pip install 'kable-destination[parquet]'"
        ) from None
    try:
        table = parquet.ParquetFile(file)
        names = table.schema_arrow.names
        member, value = choose_column(names, wanted, name)
        columns = [names[member], *([] if value is None else [names[value]])]
        found, read = Rows(faults, has_values=value is not None), 0
        for batch in table.iter_batches(_ROWS_AT_ONCE, columns=columns):
            ids = batch.column(columns[0]).to_pylist()
            values = None if value is None else batch.column(columns[-1]).to_pylist()
            found.add_columns(ids, values, read)
            yield found.take()
            read += len(ids)
    except (pa.ArrowException, OSError) as error:
        raise MembersError(f"{name} is not a complete Parquet file: {str(error).splitlines()[0]}") from None

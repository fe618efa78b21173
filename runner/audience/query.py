"""Members from a database, as a stream. Needs the extra `sql`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .columns import NO_COLUMNS, Columns, choose_column
from .members import MembersError
from .rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL

    from .members import Faults

_ROWS_AT_ONCE = 10_000
# SQLAlchemy takes a word after a single colon for a parameter, and a query has none.
_PARAMETER = re.compile(r"(?<!:):(?=\w)")


@dataclass(frozen=True, slots=True)
class QueryMembers:
    """A list of members that a query returns. The URL of the database is a secret."""

    query: str
    database: str = field(repr=False)
    columns: Columns = NO_COLUMNS

    @property
    def name(self) -> str:
        """The name for people."""
        return "the query"

    def lines(self, faults: Faults) -> Iterator[list[bytes]]:
        """Yield members. Raises MembersError if the query fails, also in the middle. The database is not changed."""
        try:
            import sqlalchemy  # noqa: PLC0415 - an extra
        except ImportError:
            raise MembersError(
                "--query needs the extra `sql`: pip install 'kable-destination[sql]', and the driver of your database"
            ) from None
        try:
            url = sqlalchemy.make_url(self.database)
        except sqlalchemy.exc.ArgumentError:
            raise MembersError(
                "--database is not a URL of SQLAlchemy, such as postgresql+psycopg://user@host/name"
            ) from None
        _require_file(url)
        try:
            yield from self._rows(url, faults)
        except sqlalchemy.exc.NoSuchModuleError:
            raise MembersError(f"--database names {url.drivername}, which SQLAlchemy does not know") from None
        except ModuleNotFoundError as error:
            raise MembersError(f"--database needs the driver {error.name}, which is not installed") from None
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise MembersError(f"the query failed, so nothing was changed: {_told(error, url)}") from None

    def _rows(self, url: URL, faults: Faults) -> Iterator[list[bytes]]:
        import sqlalchemy  # noqa: PLC0415 - likewise

        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, hide_parameters=True)
        with engine.connect() as connection:
            streaming = connection.execution_options(stream_results=True, yield_per=_ROWS_AT_ONCE)
            result = streaming.execute(sqlalchemy.text(_PARAMETER.sub(r"\:", self.query)))
            if not result.returns_rows:
                raise MembersError("the query returns no rows; it must be a SELECT")
            member, value = choose_column([*result.keys()], self.columns, self.name)
            found, read = Rows(faults, has_values=value is not None), 0
            for rows in result.partitions():
                ids = [row[member] for row in rows]
                values = None if value is None else [row[value] for row in rows]
                found.add_columns(ids, values, read)
                yield found.take()
                read += len(rows)
            # Nothing is ever committed, whatever the query does.
            connection.rollback()


def _require_file(url: URL) -> None:
    """Raise MembersError if a database of SQLite does not exist: SQLite would make an empty one."""
    is_file = url.get_backend_name() == "sqlite" and url.database and not url.database.startswith((":", "file:"))
    if is_file and not Path(url.database or "").is_file():
        raise MembersError(f"--database names the file {url.database}, which does not exist")


def _told(error: Exception, url: URL) -> str:
    """Return what a database said, on one line, without the password."""
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    return said.replace(str(url.password), "…") if url.password else said

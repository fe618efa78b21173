"""What a user wants of sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .period import Period
    from .tables.columns import Columns


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How sources are read.

    - `scope` says what the events are for: with another one, sources are read from their beginning.
    - `written`: the files that the run itself writes, so it leaves them out of a folder.
    - `period`: only its events are wanted.
    - `columns`: tables are read too, and these are their columns.
    """

    scope: str = ""
    written: tuple[str, ...] = ()
    period: Period | None = None
    columns: Columns | None = None

    @property
    def whole_scope(self) -> str:
        """The scope, with what else a checkpoint depends on."""
        period = "" if self.period is None else self.period.scope
        columns = "" if self.columns is None else f" columns {self.columns.digest}"
        return f"{self.scope}{period}{columns}"

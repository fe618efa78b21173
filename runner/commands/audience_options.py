"""What the commands `audience` ask for: which audience, and where its members are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ..audience.limits import MOST_REMOVED_PERCENT

if TYPE_CHECKING:
    from ..audience.members import Members
    from ..queues.contract import Audience, AudienceKind

MembersArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="MEMBERS",
        help="File with the members: one ID a line, CSV, NDJSON or Parquet; plain, gzip or zstd. - is standard input.",
    ),
]
NameOption = Annotated[str | None, typer.Option("--name", metavar="NAME", help="Name of the audience.")]
TraitOption = Annotated[
    str | None,
    typer.Option(
        "--trait",
        metavar="NAME=COLUMN",
        help="Sync a computed trait instead: its name, and the column with its values.",
    ),
]
KeyOption = Annotated[
    str | None, typer.Option("--key", metavar="TRAIT", help="Trait to send. [default: the name in snake case]")
]
ColumnOption = Annotated[
    str | None,
    typer.Option(
        "--column", metavar="COLUMN", help="Column with the IDs. [default: userId, user_id or id, or the only one]"
    ),
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="FORMAT", help="ids, csv, ndjson or parquet. [default: by the end of the file's name]"
    ),
]
QueryOption = Annotated[
    str | None, typer.Option("--query", metavar="SQL", help="Query that returns the members. Needs the extra `sql`.")
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        envvar="KABLE_AUDIENCE_DATABASE",
        show_envvar=False,
        help="Database to query, as a URL of SQLAlchemy. If it holds a password, set KABLE_AUDIENCE_DATABASE instead.",
    ),
]
MaxRemovedOption = Annotated[
    float,
    typer.Option(
        "--max-removed",
        min=0,
        max=100,
        metavar="PERCENT",
        help=f"Refuse a list that would remove more members than this, and more than 50. "
        f"[default: {MOST_REMOVED_PERCENT:g}]",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An audience and its members, as the options of a command say."""

    members: str | None = None
    name: str | None = None
    trait: str | None = None
    key: str | None = None
    column: str | None = None
    format: str | None = None
    query: str | None = None
    database: str | None = None
    max_removed: float = MOST_REMOVED_PERCENT

    @property
    def kind(self) -> AudienceKind:
        """What is synced."""
        return "audience" if self.trait is None else "trait"

    @property
    def title(self) -> str:
        """The name of the audience or the computed trait."""
        return self._trait_parts()[0] if self.trait is not None else self.name or ""

    def check(self) -> None:
        """Raise SetupError if the options do not name an audience."""
        from ...definitions import Problem, SetupError
        from ..audience.names import name_fault

        if (self.name is None) == (self.trait is None):
            raise SetupError.of(
                [Problem("--name", "names an audience, and --trait a computed trait: give one of them")]
            )
        faults = [
            Problem(place, fault)
            for place, text in ((self._option, self.title), ("--key", self.key))
            if text is not None and (fault := name_fault(text)) is not None
        ]
        if faults:
            raise SetupError.of(faults)

    def audience(self, account: str, stored: Audience | None) -> Audience:
        """Return the audience as it would be made. One that is stored keeps its key, whatever its name is now.

        Raises SetupError if the name gives no key.
        """
        from datetime import UTC, datetime

        from ...definitions import Problem, SetupError
        from ..audience.events import new_audience
        from ..audience.names import key_of

        name = self.title
        try:
            key = self.key or (key_of(name) if stored is None else stored.key)
        except ValueError as error:
            raise SetupError.of([Problem(self._option, str(error))]) from None
        return new_audience(account, name, self.kind, key, datetime.now(UTC))

    def source(self) -> Members:
        """Return the list of members. Raises SetupError."""
        from ...definitions import Problem, SetupError
        from ..audience.columns import Columns
        from ..audience.files import FORMATS, FileMembers
        from ..audience.query import QueryMembers

        columns = Columns(self.column, None if self.trait is None else self._trait_parts()[1])
        if self.query is not None:
            if self.members is not None:
                raise SetupError.of([Problem("--query", "returns the members, so there is no file beside it")])
            if not self.database:
                raise SetupError.of([Problem("--database", "is missing: which database does --query ask?")])
            return QueryMembers(self.query, self.database, columns)
        if self.members is None:
            raise SetupError.of([Problem("MEMBERS", "who is a member? A file, - for standard input, or --query")])
        for found in FORMATS:
            if self.format in {None, found}:
                return FileMembers(self.members, columns, None if self.format is None else found)
        raise SetupError.of([Problem("--format", f"is {self.format}; it must be one of {', '.join(FORMATS)}")])

    @property
    def _option(self) -> str:
        return "--name" if self.trait is None else "--trait"

    def _trait_parts(self) -> tuple[str, str]:
        from ...definitions import Problem, SetupError

        name, equals, column = (self.trait or "").rpartition("=")
        if not equals or not name or not column:
            raise SetupError.of([Problem("--trait", "must be NAME=COLUMN, such as --trait total_spend=spend")])
        return name, column

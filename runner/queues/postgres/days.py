"""The partitions of days: made ahead of time, and dropped when their IDs have expired.

Each step is a transaction of its own, beside those of operations, and gives up after two seconds: a lock on a table
that waits would hold up everybody who comes after it. A later transaction tries again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from .connecting import begin
from .installing import lock_key
from .schema import DAY_TABLES

if TYPE_CHECKING:
    from .address import Address
    from .statements import Statements

SECONDS_A_DAY = 86_400
DAYS_AHEAD = 7
"""So many days are made ahead; more are made when there are fewer than four."""

_LEAST_AHEAD = 3
_ATTACH = """
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = '{part}'::regclass) THEN
    ALTER TABLE {name} ATTACH PARTITION {part} FOR VALUES FROM ({day}) TO ({next});
END IF; END $$
"""


def day_of(moment: float) -> int:
    """Return the day since 1970 of a moment."""
    return int(moment // SECONDS_A_DAY)


class Days:
    """The days that have partitions, as this process knows them."""

    def __init__(self, database: Statements, address: Address) -> None:
        self._database = database
        self._address = address
        self.made: set[int] = set()

    def forget(self) -> None:
        """Know none: another process may have dropped some."""
        self.made.clear()

    def first(self) -> int:
        """Return the first day that may have IDs."""
        return min(self.made, default=0)

    def make(self, day: int) -> None:
        """Make the partitions of a day and of those after it, unless there are some."""
        if self.made.issuperset(range(day, day + _LEAST_AHEAD + 1)):
            return
        self._load()
        missing = [each for each in range(day, day + DAYS_AHEAD + 1) if each not in self.made]
        for each in missing:
            self._make(each)

    def drop(self, before: int) -> None:
        """Drop the partitions of days before one. If somebody holds them for long, a later call does it."""
        expired = sorted(each for each in self.made if each < before)
        for day in expired:
            try:
                self._in_transaction(*(f"DROP TABLE IF EXISTS {name}_{_suffix(day)}" for name in DAY_TABLES))
            except psycopg.Error as error:
                if error.sqlstate not in {"55P03", "40P01"}:
                    raise
                return
            self._in_transaction(f"DELETE FROM id_counts WHERE day = {day}")  # noqa: S608 - a number
            self.made.discard(day)

    def _load(self) -> None:
        rows = self._database.rows(
            "SELECT relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_inherits ON inhrelid = oid"
            " WHERE inhparent = pg_catalog.to_regclass(%s)",
            (f"{self._address.quoted}.{DAY_TABLES[-1]}",),
        )
        self.made = {_day_of_suffix(name.removeprefix(f"{DAY_TABLES[-1]}_")) for (name,) in rows}

    def _make(self, day: int) -> None:
        lock = f"SELECT pg_advisory_xact_lock({lock_key(self._address, 'days')})"
        make = []
        for name in DAY_TABLES:
            part = f"{name}_{_suffix(day)}"
            # To attach a table keeps no reader and no writer of the others waiting; to create a partition would.
            make += [
                f"CREATE TABLE IF NOT EXISTS {part} (LIKE {name} INCLUDING ALL)",
                _ATTACH.format(name=name, part=part, day=day, next=day + 1),
            ]
        self._in_transaction(lock, *make)
        self.made.add(day)

    def _in_transaction(self, *script: str) -> None:
        try:
            self._database.script("; ".join((*begin(self._address, lock_timeout="2s"), *script, "COMMIT")))
        except BaseException:
            connection = self._database.connection
            if connection is not None and not connection.closed:
                self._database.script("ROLLBACK")
            raise


def _suffix(day: int) -> str:
    """Return how the tables of a day are named: a number, since days before 1970 have a sign."""
    return f"d{day}" if day >= 0 else f"m{-day}"


def _day_of_suffix(suffix: str) -> int:
    return int(suffix[1:]) * (-1 if suffix[0] == "m" else 1)

"""Whether a transaction took place whose commit was not answered.

Each transaction of a session writes a number that grows. Later, a new connection reads the number that is there: this
waits for a transaction that is still under way. If it finds another number, it raises it, which refuses a transaction
that the server begins to work on only then. So the answer stays true, and the question can be asked again.

The server could be asked by the ID of the transaction, too. But after a crash it gives the same ID to another one, if
nothing of the first had reached the disk.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from .connecting import begin

if TYPE_CHECKING:
    from .address import Address
    from .statements import Statements

# A number that is not greater than the one that is there becomes null, which the column refuses.
_MARK = """
INSERT INTO sessions (id, mark, at) VALUES (%s, %s, extract(epoch FROM clock_timestamp()))
ON CONFLICT (id) DO UPDATE SET at = excluded.at,
    mark = CASE WHEN sessions.mark < excluded.mark THEN excluded.mark END
"""
_LOOK = """
INSERT INTO sessions (id, mark, at) VALUES (%s, 0, extract(epoch FROM clock_timestamp()))
ON CONFLICT (id) DO UPDATE SET at = excluded.at RETURNING mark
"""


class Marks:
    """The numbers of the transactions of one session."""

    def __init__(self, database: Statements, address: Address) -> None:
        self._database = database
        self._address = address
        self._session = secrets.token_bytes(16)
        self._last = 0
        self._asked = 0

    def add(self) -> None:
        """Write the number of the present transaction, together with its commit."""
        self._last += 1
        self._asked = self._last
        self._database.later(_MARK, (self._session, self._last))

    def was_committed(self) -> bool:
        """Return whether the last transaction with a number took place; if not, it never will. Raises psycopg.Error.

        What the answer relies on is committed, too, so a replica that is waited for has it.
        """
        self._database.script("; ".join(begin(self._address)))
        row = self._database.row(_LOOK, (self._session,))
        found = row is not None and row[0] == self._asked
        if not found:
            # This commit may go unanswered as well, and then the same number is asked for again.
            self._last += 1
            self._database.run("UPDATE sessions SET mark = %s WHERE id = %s", (self._last, self._session))
        self._database.script("COMMIT")
        return found

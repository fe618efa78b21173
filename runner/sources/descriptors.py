"""Open files that others share: another program may have made one non-blocking."""

from __future__ import annotations

import io
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class WaitingFile(io.FileIO):
    """A file that is read to its end. Python takes "there is nothing yet" of a non-blocking file for its end.

    `is_waiting`: whether a reader waits for more at the moment, so nothing is read that was not passed on.
    """

    is_waiting = False

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read into a buffer; return the number of bytes, 0 at the end."""
        self.is_waiting = True
        try:
            while (count := super().readinto(buffer)) is None:
                waiting = select.poll()
                waiting.register(self, select.POLLIN)
                waiting.poll()
            return count
        finally:
            self.is_waiting = False

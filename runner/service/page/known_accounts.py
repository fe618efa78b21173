"""The accounts of a queue that somebody here has credentials of, and the deliveries of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...delivery.delivery import account_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ....definitions import Destination
    from ..accounts import ServedAccounts
    from ..stored_credentials import StoredCredentials


class KnownAccounts:
    """Finds destinations by the names of their accounts in the queue.

    `configured` are those of the configuration. A service also has accounts that it serves, and credentials that its
    customers have stored.
    """

    def __init__(
        self,
        configured: Iterable[Destination],
        served: ServedAccounts | None = None,
        stored: StoredCredentials | None = None,
    ) -> None:
        self._configured = {account_of(found): found for found in configured}
        self._served = served
        self._stored = stored

    def destination(self, account: str) -> Destination | None:
        """Return the destination of an account; None if its settings are not known here."""
        if (found := self._configured.get(account)) is not None:
            return found
        if self._served is not None and (served := self._served.get(account)) is not None:
            return served.destination
        return None if self._stored is None else self._stored.destination(account)

    def is_sent_here(self, account: str) -> bool:
        """Return whether this process delivers for an account."""
        served = None if self._served is None else self._served.get(account)
        return served is not None and served.delivery is not None

    def wake(self, account: str, *, has_stopped: bool = False) -> None:
        """Let this process send what is queued for an account now, if it delivers for it."""
        served = None if self._served is None else self._served.get(account)
        if served is None or served.delivery is None:
            return
        if has_stopped:
            served.delivery.resume()
        served.delivery.look_again()

"""The credentials of customers, encrypted in the queue, so delivery continues after a restart and in any process."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import msgspec

from ...definitions import SetupError
from ..delivery.delivery import account_of
from ..delivery.notices import Notice
from ..queues.contract import Put, QueueFullError, Token
from .answers import BusyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...definitions import Destination
    from ..delivery.notices import Observer
    from ..queues.contract import Queue
    from ..secrets import Keyring
    from .customers import Customers

CREDENTIALS_PREFIX = "credentials/"
"""The keys of the records that hold credentials, each followed by the name of the account in the queue."""


class _Stored(msgspec.Struct, frozen=True):
    """What is encrypted. It names its account, so a record under the name of another is noticed."""

    account: str
    settings: dict[str, Any]


_to_json = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(_Stored).decode


class StoredCredentials:
    """The settings of customers, by the names of their accounts. Without a `keyring` none can be stored or read.

    A record that no key opens is kept, in case its key comes back. Until then its account waits, and `notify` is
    called once.
    """

    def __init__(self, queue: Queue, keyring: Keyring | None, customers: Customers, *, notify: Observer) -> None:
        self._queue = queue
        self._keyring = keyring
        self._customers = customers
        self._notify = notify
        self._settings: dict[str, dict[str, Any]] = {}
        self._seen: dict[str, bytes] = {}
        # A task that reads the records must not undo what another task stores at the same time. The puts of a run are
        # numbered, too, so one must have ended before the next begins.
        self._lock = asyncio.Lock()
        self._token = Token(secrets.randbits(62), 0)

    @property
    def can_store(self) -> bool:
        """Whether there is a key to encrypt with."""
        return self._keyring is not None

    def key(self, account: str) -> str | None:
        """Return the stored API key of an account; None if there is none, or if it cannot be read."""
        settings = self._settings.get(account)
        return None if settings is None else self._customers.key_of(settings)

    def destination(self, account: str) -> Destination | None:
        """Return the destination of an account with its stored credentials; None if it cannot be set up."""
        settings = self._settings.get(account)
        if settings is None:
            return None
        try:
            found = self._customers.destination(settings)
        except SetupError as error:
            self._forget(account, f"they do not fit this version or configuration: {error}")
            return None
        if account_of(found) != account:
            self._forget(account, "they are for another host than the present configuration")
            return None
        self._customers.keep(settings, found)
        return found

    def has_other_key(self, destination: Destination) -> bool:
        """Return whether the stored key of an account differs from that of its destination."""
        key = self.key(account_of(destination))
        return key is not None and key != self._customers.key_of(destination.settings)

    async def load(self) -> None:
        """Read all records, and encrypt those of older keys with the newest. Raises QueueFullError."""
        async with self._lock:
            older = await self._read_records()
            if older and self._keyring is not None:
                records = {name: self._keyring.encrypt(content) for name, content in older.items()}
                await self._put(records)

    async def refresh(self) -> None:
        """Read what other processes have stored meanwhile."""
        async with self._lock:
            await self._read_records()

    async def store(self, account: str, settings: Mapping[str, Any]) -> None:
        """Store the settings of an account, in the place of earlier ones. Raises BusyError if the queue is full."""
        if self._keyring is None:
            raise RuntimeError("credentials are stored without a key")
        async with self._lock:
            if self.key(account) == self._customers.key_of(settings):
                # Another caller with the same key was quicker.
                return
            content = _to_json(_Stored(account, dict(settings)))
            try:
                await self._put({f"{CREDENTIALS_PREFIX}{account}": self._keyring.encrypt(content)})
            except QueueFullError as error:
                raise BusyError(str(error)) from None
            self._settings[account] = dict(settings)

    async def _put(self, records: dict[str, bytes]) -> None:
        self._token = self._token._replace(number=self._token.number + 1)
        await self._queue.put(Put(self._token, records=records))
        self._seen.update(records)

    async def _read_records(self) -> dict[str, bytes]:
        """Read the records that have changed; return the content of those that an older key has encrypted."""
        older = {}
        for name, value in (await self._queue.records(CREDENTIALS_PREFIX)).items():
            if self._seen.get(name) == value:
                continue
            self._seen[name] = value
            account = name.removeprefix(CREDENTIALS_PREFIX)
            opened = None if self._keyring is None else self._keyring.decrypt(value)
            if opened is None:
                keys = "there is no key for them" if self._keyring is None else "none of the keys opens them"
                self._forget(account, f"{keys}; add the key that encrypted them to KABLE_SECRETS_KEY, or to its file")
                continue
            try:
                stored = _read(opened.content)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self._forget(account, "a later version of this program has written them")
                continue
            if stored.account != account:
                self._forget(account, "they were stored for another account")
                continue
            self._settings[account] = stored.settings
            if not opened.is_newest:
                older[name] = opened.content
        return older

    def _forget(self, account: str, reason: str) -> None:
        """Do without the credentials of an account. The record stays, and so do the events of the account."""
        self._settings.pop(account, None)
        message = f"the stored credentials of this account cannot be used, so its events wait: {reason}"
        self._notify(Notice(kind="stopped", account=account, error=message))

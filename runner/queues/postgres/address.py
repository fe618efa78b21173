"""The URL of an outbox in PostgreSQL: what is libpq's, and what is the outbox's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from ..contract import QueueOpenError

UNIQUE_DAYS = 7
"""How many days an ID stays unique, unless the URL says otherwise."""

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,50}")
_MOST_DAYS = 400
KEEPALIVES = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}
"""When an end of a connection notices that the other is away: after half a minute, and not the hours of TCP itself."""

USER_TIMEOUT = {"tcp_user_timeout": "15000"}
"""The same, in milliseconds, where it waits for a confirmation of what it has sent."""

_LASTING = {
    "application_name": "kable-destination",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    "keepalives": "1",
    **KEEPALIVES,
    **USER_TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where an outbox is. `url` is for libpq, and may hold a password: it is never shown.

    `schema` holds the tables. `unique_days` is how many days an ID stays unique within its account.
    """

    url: str
    schema: str
    unique_days: int

    @property
    def quoted(self) -> str:
        """The schema as statements name it: `order` and `user` are words of SQL."""
        return f'"{self.schema}"'

    @property
    def shown(self) -> str:
        """How to name the outbox to people."""
        return f"in the schema {self.schema} of PostgreSQL"


def unique_days_of(location: str) -> int:
    """Return how many days an ID stays unique, as a URL without its scheme says. Raises QueueOpenError."""
    return address_of(location, writes=False).unique_days


def address_of(location: str, *, writes: bool) -> Address:
    """Read a URL without its scheme: //user@host/database?schema=kable&uniqueFor=7. Raises QueueOpenError."""
    if not location.startswith("//"):
        raise QueueOpenError("a PostgreSQL outbox is named by a URL, as postgresql://user@host/database")
    parts = urlsplit(location)
    # As libpq reads it: a + stays what it is, since it may be in a password.
    options = {unquote(name): unquote(value) for name, _, value in _pairs(parts.query)}
    schema = options.pop("schema", "kable")
    if not _SCHEMA.fullmatch(schema) or schema.startswith("pg_"):
        raise QueueOpenError("schema in the URL of the outbox must be a name of lower-case letters, digits and _")
    days = options.pop("uniqueFor", str(UNIQUE_DAYS))
    if not days.isdecimal() or not 1 <= int(days) <= _MOST_DAYS:
        raise QueueOpenError(f"uniqueFor in the URL of the outbox must be a number of days from 1 to {_MOST_DAYS}")
    if writes:
        # After a fail-over, the former primary may still answer: nothing can be written there.
        options.setdefault("target_session_attrs", "read-write")
    options = {**_LASTING, **options}
    query = urlencode(options, quote_via=quote)
    url = urlunsplit(("postgresql", parts.netloc, parts.path, query, ""))
    return Address(url, schema, int(days))


def _pairs(query: str) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in query.split("&") if part]

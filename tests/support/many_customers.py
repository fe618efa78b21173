"""A real HTTP server that accepts several pairs of credentials, as Kable does and a sandbox does not."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from running_service import until
from scripted_server import Answer, ScriptedServer, scripted_server

if TYPE_CHECKING:
    from collections.abc import Iterator

_AUTHENTICATE = "/api/v1/authenticate"
_JSON = {"Content-Type": "application/json"}


@dataclass
class ManyCustomers:
    """The server.

    `keys` has the API keys of each client ID, which a test may change. `accepted` are the numbers of the requests that
    had one of them.
    """

    server: ScriptedServer
    keys: dict[str, set[str]]
    accepted: set[int] = field(default_factory=set)

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return self.server.base_url

    @property
    def checks(self) -> int:
        """How many times somebody asked whether credentials are valid."""
        return sum(path == _AUTHENTICATE for _, path, _, _ in self.server.requests)

    def billed(self, count: int) -> dict[str, str]:
        """Return the key that brought each event, by its ID, once there are so many."""
        found: dict[str, str] = until(self._billed, lambda seen: len(seen) >= count)
        return found

    def accepts(self, number: int) -> bool:
        """Return whether the credentials of a request are accepted."""
        headers = self.server.requests[number][2]
        return headers.get("Kable-Client-Secret") in self.keys.get(headers.get("Kable-Client-ID", ""), ())

    def _billed(self) -> dict[str, str]:
        found = {}
        for number, (_, path, headers, body) in enumerate((*self.server.requests,)):
            if path == _AUTHENTICATE or number not in self.accepted:
                continue
            events: Any = json.loads(body)
            for event in events if isinstance(events, list) else [events]:
                found[event["transactionId"]] = headers["Kable-Client-Secret"]
        return found


@contextlib.contextmanager
def many_customers(**keys: str) -> Iterator[ManyCustomers]:
    """Serve for as long as the block lasts, with a key for each client ID."""

    def answer(number: int) -> Answer:
        if customers.accepts(number):
            customers.accepted.add(number)
            return 200, _JSON, b"{}"
        return 401, _JSON, b'{"message": "The credentials are not valid."}'

    with scripted_server(answer) as server:
        customers = ManyCustomers(server, {client: {key} for client, key in keys.items()})
        yield customers

"""The one Kable Client ID and API key that a sandbox accepts, and the headers that carry them."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .rejections import Reason, RequestRejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_CLIENT_ID = "kci_sandbox"
DEFAULT_API_KEY = "sk_test.sandbox"

_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A Kable Client ID and its secret. Raises ValueError for one that no header can carry."""

    client_id: str
    api_key: str = field(repr=False)

    def __post_init__(self) -> None:
        for name, value in (("Kable Client ID", self.client_id), ("API key", self.api_key)):
            if not _HEADER_VALUE.fullmatch(value):
                raise ValueError(f"The sandbox's {name} must be printable ASCII, not blank, without spaces around it.")

    def check(self, headers: Mapping[str, str]) -> None:
        """Raise RequestRejectedError (401) unless the headers of every request to Kable are right."""
        _check(headers, {"Kable-Client-ID": self.client_id, "Kable-Client-Secret": self.api_key})

    def check_twice(self, headers: Mapping[str, str]) -> None:
        """Do the same for `POST /api/v1/authenticate`, which wants both values a second time under other names."""
        again = {"X-CLIENT-ID": self.client_id, "X-API-KEY": self.api_key}
        _check(headers, {"Kable-Client-ID": self.client_id, "Kable-Client-Secret": self.api_key, **again})


def _check(headers: Mapping[str, str], expected: Mapping[str, str]) -> None:
    wrong = [name for name, value in expected.items() if not _same(headers.get(name, ""), value)]
    if wrong:
        reasons = [Reason(f"the header {name} is {'wrong' if name in headers else 'missing'}") for name in wrong]
        raise RequestRejectedError(401, "The credentials are not valid.", reasons)


def _same(given: str, expected: str) -> bool:
    """Compare in constant time, as bytes: a header may hold any of them, read as Latin-1."""
    return hmac.compare_digest(given.encode("latin-1"), expected.encode("ascii"))

"""The Identify calls of an audience, as Engage makes them.

Source: Segment's documentation of Engage ("What do the payloads look like for Engage data?"). Its IDs begin with
`personas_`. Here the rest is derived from the random ID of the audience, the member, and the number of the change, so
the same change has the same ID however often it is sent.
"""

from __future__ import annotations

import hashlib
import secrets
import string
from typing import TYPE_CHECKING

from ...definitions import encode_json
from ..queues.contract import Audience

if TYPE_CHECKING:
    from datetime import datetime

    from ...definitions import Destination
    from ..queues.contract import AudienceKind
    from .changes import Change

_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LETTERS = 27
_SPACE_LETTERS = 22
_PREFIXES: dict[AudienceKind, str] = {"audience": "aud_", "trait": "tra_"}
_HASH_BYTES = 16
_LEFT: dict[AudienceKind, bytes] = {"audience": b"false", "trait": b"null"}
"""What is sent for a member who left. Engage sends false; for a computed trait it is not public: here null."""


def new_audience(account: str, name: str, kind: AudienceKind, key: str, now: datetime) -> Audience:
    """Return an audience that was never synced, with a random ID, and a space that the first of an account keeps."""
    number, space = _PREFIXES[kind] + _random(_ID_LETTERS), f"spa_{_random(_SPACE_LETTERS)}"
    return Audience(account=account, name=name, kind=kind, key=key, id=number, space=space, created_at=now.timestamp())


def _random(letters: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(letters))


class EventMaker:
    """Makes the events of one sync of an audience; all have the moment at which it begins to send."""

    def __init__(self, destination: Destination, audience: Audience, now: datetime) -> None:
        moment = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"
        common = {
            "type": "identify",
            "channel": "server",
            "context": {
                "personas": {
                    "computation_class": audience.kind,
                    "computation_id": audience.id,
                    "computation_key": audience.key,
                    "namespace": audience.space,
                    "space_id": audience.space,
                }
            },
            "integrations": {"All": False, destination.definition.name: True},
            "originalTimestamp": moment,
            "receivedAt": moment,
            "sentAt": None,
            "timestamp": moment,
        }
        self._audience = audience
        self._secret = audience.id.encode()
        # All events differ in three places only, so these are put into the text.
        self._common = encode_json(common).removesuffix(b"}")
        self._key = encode_json(audience.key)

    def event(self, change: Change) -> bytes:
        """Return the event of a change, as JSON."""
        value = _LEFT[self._audience.kind] if change.value is None else change.value
        told = (self._common, self.id_of(change).encode(), encode_json(change.member.decode()), self._key, value)
        return b'%b,"messageId":"%b","userId":%b,"traits":{%b:%b}}' % told

    def id_of(self, change: Change) -> str:
        """Return the ID of the event of a change."""
        told = b"%d %d %b" % (self._audience.sync, change.number, change.member)
        return f"personas_{hashlib.blake2b(told, digest_size=_HASH_BYTES, key=self._secret).hexdigest()}"

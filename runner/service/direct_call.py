"""Segment's call to a partner: the API key, the settings and the event of one request.

Source: Segment's documentation of Direct Destinations. Pure: the moment is an argument.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from msgspec import Raw

from ...definitions import UnreadableError, nearest, quoted, shortened
from ...definitions import read_event as check_event
from .answers import AnswerError
from .calls import written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ...definitions import InputField

SETTINGS_HEADER = "X-Segment-Settings"

_MOST_KEY = 1024
_MOST_SETTINGS = 16 * 1024
_LONGEST_SHOWN = 40
_TEXTS = frozenset({"string", "text", "datetime"})
_NOTHING = (b"null", b"{}", b"[]", b'""')
_KEY_FORM = "Basic, with the API key as user name and an empty password"

_read_settings = msgspec.json.Decoder(dict[str, Any]).decode
_read_members = msgspec.json.Decoder(dict[str, Raw]).decode
_read_text = msgspec.json.Decoder(str).decode
_to_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class DirectEvent:
    """An event as Segment sends it to a partner, and its type if that is a text."""

    text: bytes = field(repr=False)
    kind: str | None


def read_key(header: str) -> str:
    """Return the API key of an Authorization header. Raises AnswerError (401)."""
    if not header:
        raise _unauthorized(f"The API key is missing; send the header Authorization: {_KEY_FORM}.")
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic" or len(text) > 2 * _MOST_KEY:
        raise _unauthorized(f"The Authorization header is malformed; it should be {_KEY_FORM}.")
    try:
        key, colon, password = base64.b64decode(text.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        raise _unauthorized("The Authorization header is malformed; it should have base64 after Basic.") from None
    if not colon or password:
        raise _unauthorized(f"The Authorization header is malformed; it should be {_KEY_FORM}.")
    if not key.strip():
        raise _unauthorized("The API key is empty.")
    if not key.isprintable() or len(key) > _MOST_KEY:
        raise _unauthorized("The API key is malformed: it has letters that no key has, or too many.")
    return key


def read_settings(header: str, known: Mapping[str, InputField]) -> dict[str, Any]:
    """Return the settings of an X-Segment-Settings header, without those that are null. Raises AnswerError (400)."""
    if not header:
        return {}
    if len(header) > _MOST_SETTINGS:
        raise _bad_settings(f"has more than {_MOST_SETTINGS:,} characters")
    try:
        settings = _read_settings(base64.b64decode(header, validate=True))
    except (binascii.Error, ValueError) as error:
        if isinstance(error, msgspec.DecodeError | UnicodeDecodeError):
            raise _bad_settings(f"should be a JSON object, in base64: {error}") from None
        raise _bad_settings("should be a JSON object in base64, but it is not base64") from None
    except RecursionError:
        raise _bad_settings("is nested too deeply") from None
    for key, value in settings.items():
        setting = known.get(key)
        if setting is None:
            hint = nearest(key, known) if len(key) <= _LONGEST_SHOWN else ""
            public = ", ".join(other for other, each in known.items() if each.type != "password")
            name = quoted(shortened(key, _LONGEST_SHOWN))
            raise _bad_settings(f"has {name}, but there is no such setting{hint or f'; there are {public}'}")
        if setting.type == "password":
            raise _bad_settings(f"has {key}, which is a secret; send it as the user name of Basic alone")
        if setting.type in _TEXTS and not isinstance(value, str | None):
            raise _bad_settings(f"has {key}, which should be a text")
    return {key: value for key, value in settings.items() if value is not None}


def read_event(body: bytes, received: datetime, *, requires_id: bool = False) -> DirectEvent:
    """Return the event of a body, with what Segment has not filled in. Raises AnswerError (400).

    Segment has completed the event before, and corrected its `timestamp`, so times that are there stay as they are.
    """
    try:
        members = _read_members(body)
    except RecursionError:
        raise AnswerError(400, "invalid_json", "The JSON is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise AnswerError(400, "invalid_json", f"The body should be one event: {_why_unreadable(body)}.") from None
    if _is_blank(members.get("messageId")):
        if requires_id:
            message = "messageId is missing, and requireMessageId is set: a retry would be billed twice."
            raise AnswerError(400, "missing_message_id", message)
        members["messageId"] = Raw(_to_json(str(uuid4())))
    now = Raw(_to_json(written(received)))
    if _is_blank(members.get("receivedAt")):
        members["receivedAt"] = now
    if _is_blank(members.get("timestamp")):
        if _is_blank(members.get("originalTimestamp")):
            members["originalTimestamp"] = members["receivedAt"]
        members["timestamp"] = members["originalTimestamp"]
    members.pop("writeKey", None)
    return DirectEvent(_to_json(members), _kind(members.get("type")))


def _why_unreadable(body: bytes) -> str:
    try:
        check_event(body)
    except UnreadableError as error:
        return error.message
    return "it is not a JSON object"


def _kind(value: Raw | None) -> str | None:
    if value is None or not bytes(value).startswith(b'"'):
        return None
    try:
        return _read_text(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _is_blank(value: Raw | None) -> bool:
    return value is None or bytes(value) in _NOTHING


def _unauthorized(message: str) -> AnswerError:
    return AnswerError(401, "malformed_key", message)


def _bad_settings(message: str) -> AnswerError:
    return AnswerError(400, "invalid_settings", f"{SETTINGS_HEADER} {message}.")

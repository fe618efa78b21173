"""What a snapshot holds, and its files: one for each subscription, indented JSON that version control shows well."""

from __future__ import annotations

import json
import os
import re
import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

import msgspec
from msgspec.structs import replace

from ...definitions import Problem, SetupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_BYTES = 64 * 1024 * 1024
"""No file of a snapshot is larger."""

NO_SUBSCRIPTION = "no_subscription"
"""The name of the file for events that no subscription wants; the name of no other file holds an underscore."""

Key: TypeAlias = tuple[str | int, int]
"""What names an event: its messageId, or else its line, and which of those with that name it is."""

_LONGEST_SLUG = 60
_UNSEEN = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


class RecordedRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an event is sent: method, URL, and headers with the secrets masked."""

    method: str
    url: str
    headers: dict[str, str]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """What happened to one event. Its line is kept only where it has no messageId, so lines may be inserted.

    `request` is kept where it is another than that of the file; `body` is JSON, compact, with its keys in order.
    """

    message_id: str | None = None
    line: int | None = None
    occurrence: int = 1
    outcome: Literal["planned", "skipped", "rejected", "unreadable"]
    reason: str = ""
    problems: tuple[str, ...] = ()
    request: RecordedRequest | None = None
    body: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def key(self) -> Key:
        """What names the event."""
        return (self.line or 0) if self.message_id is None else self.message_id, self.occurrence


class Section(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What one subscription makes of the events, in their order: one file. None: those that no subscription wants."""

    snapshot: Literal[1] = 1
    subscription: str | None
    action: str | None = None
    request: RecordedRequest | None = None
    events: list[Record] = msgspec.field(default_factory=list)


def read_sections(folder: Path) -> dict[str | None, Section]:
    """Read the files of a snapshot, by subscription; there are none where nothing was recorded yet.

    Raises SetupError, naming the file, for one that cannot be read or is not as it was written.
    """
    sections: dict[str | None, Section] = {}
    for path in _files(folder):
        section = _read(path)
        if section.subscription in sections:
            _fail(path, "holds the same subscription as another file; delete one of them")
        sections[section.subscription] = section
    return sections


def write_sections(folder: Path, sections: Iterable[Section]) -> None:
    """Write a file for each section, each at once and whole, and remove those of subscriptions that are gone.

    Raises SetupError when a file cannot be written, or would be too large.
    """
    written = {f"{name}.json": _encoded(section) for name, section in _named(sections).items()}
    for name, text in written.items():
        if len(text) > MAX_BYTES:
            _fail(folder / name, f"would be larger than {MAX_BYTES:,} bytes; record a sample of the events")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        gone = [path for path in _files(folder) if path.name not in written]
        for name, text in written.items():
            _replace(folder / name, text)
        for path in gone:
            path.unlink()
    except OSError as error:
        _fail(folder, f"cannot be written: {error.strerror}")


def canonical(body: bytes) -> bytes:
    """Write a body as compact JSON with its keys in order, numbers as they are; what is not JSON as a text."""
    try:
        return _compact(body)
    except (ValueError, RecursionError):
        return _compact(json.dumps(body.decode("utf-8", "backslashreplace")).encode())


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SetupError.of([Problem(str(folder), f"cannot be read: {error.strerror}")]) from None


def _read(path: Path) -> Section:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SetupError.of([Problem(str(path), f"cannot be read: {error.strerror}")]) from None
    if len(text) > MAX_BYTES:
        _fail(path, f"is larger than {MAX_BYTES:,} bytes, so it is not a file of a snapshot")
    try:
        text.decode()
        section = msgspec.json.decode(text, type=Section)
        section.events = [replace(record, body=msgspec.Raw(_compact(bytes(record.body)))) for record in section.events]
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        remedy = "restore it from version control, or delete it and record again with --update"
        message = f"is not a snapshot, or damaged ({error}); {remedy}. A snapshot needs a folder of its own"
        raise SetupError.of([Problem(str(path), message)]) from None
    return section


def _fail(path: Path, message: str) -> NoReturn:
    raise SetupError.of([Problem(str(path), message)])


def _named(sections: Iterable[Section]) -> Mapping[str, Section]:
    named: dict[str, Section] = {}
    for section in sections:
        slug = NO_SUBSCRIPTION if section.subscription is None else _slug(section.subscription)
        name, number = slug, 1
        while name in named:
            number += 1
            name = f"{slug}-{number}"
        named[name] = section
    return named


def _slug(name: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")[:_LONGEST_SLUG].strip("-") or "subscription"


def _encoded(section: Section) -> bytes:
    """Write a section; characters that a reader would not see, or that would move others about, are escaped."""
    text = msgspec.json.format(msgspec.json.encode(section), indent=2).decode()
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"


def _replace(path: Path, text: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        mode = path.stat().st_mode if path.exists() else 0o644
        Path(name).chmod(mode & 0o777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _compact(text: bytes) -> bytes:
    value = json.loads(text, parse_constant=_no_constant)
    compact = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return compact.encode("utf-8", "backslashreplace")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")

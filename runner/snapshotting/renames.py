"""Subscriptions that have another name than the snapshot: the same action, and mostly the same events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .files import Section

_LEAST_SHARED = 0.5
"""Of the events of both subscriptions, so many must be the same ones."""


@dataclass(frozen=True, slots=True)
class Rename:
    """A subscription with another name."""

    before: str
    after: str


def renames(recorded: Mapping[str | None, Section], current: Mapping[str | None, Section]) -> list[Rename]:
    """Return the subscriptions that were renamed, those that share most events first.

    A subscription that wants none of the events is taken for a renamed one only if there is no other of its action.
    """
    gone = [section for name, section in recorded.items() if name is not None and name not in current]
    new = [section for name, section in current.items() if name is not None and name not in recorded]
    found: list[Rename] = []
    for share, before, after in sorted(_pairs(gone, new), key=lambda pair: -pair[0]):
        is_taken = any(before == rename.before or after == rename.after for rename in found)
        if share >= _LEAST_SHARED and not is_taken:
            found.append(Rename(before, after))
    return found


def renamed(sections: Mapping[str | None, Section], found: list[Rename]) -> dict[str | None, Section]:
    """Return the sections of a snapshot under the names that their subscriptions have now."""
    names = {rename.before: rename.after for rename in found}
    return {
        names.get(name or "", name): replace(section, subscription=names.get(name or "", name))
        for name, section in sections.items()
    }


def _pairs(gone: list[Section], new: list[Section]) -> list[tuple[float, str, str]]:
    pairs = []
    for before in gone:
        keys = {record.key for record in before.events}
        for after in new:
            if before.action != after.action:
                continue
            others = {record.key for record in after.events}
            both = max(len(keys), len(others))
            share = len(keys & others) / both if both else float(_is_alone(before, gone) and _is_alone(after, new))
            pairs.append((share, before.subscription or "", after.subscription or ""))
    return pairs


def _is_alone(section: Section, sections: list[Section]) -> bool:
    return sum(other.action == section.action for other in sections) == 1

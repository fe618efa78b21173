"""What is certainly wrong with the key that says which environment is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import Problem
from ..text import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..action import Settings
    from ..definition import DestinationDefinition

_QUOTES = "\"'`\u201c\u201d\u2018\u2019"


def key_faults(definition: DestinationDefinition, settings: Settings, *, has_base_url: bool) -> Iterator[Problem]:
    """Yield a problem for a key in quotes or spaces, or for one of no environment if no base URL says where it goes."""
    environments = definition.environments
    key = None if environments is None else settings.get(environments.setting)
    if environments is None or not isinstance(key, str) or not key:
        return
    prefixes = listed([choice.prefix for choice in environments.choices], "or")
    place = f"settings.{environments.setting}"
    if around := what_is_around(key):
        yield Problem(place, f"has {around} around it; remove them: the key itself should begin with {prefixes}")
    elif not has_base_url and environments.of(settings) is None:
        yield Problem(
            place,
            f"should begin with {prefixes}, which says where events go; if it belongs to another host, give a base URL",
        )


def what_is_around(text: str) -> str:
    """Return what is around a text that hardly belongs to it, such as `quotation marks`; empty if nothing is."""
    if text != text.strip():
        return "spaces or line breaks"
    bare = text.strip(_QUOTES)
    return "quotation marks" if bare and bare != text else ""

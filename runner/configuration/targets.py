"""Where events go, for people: the destination, its environment, the host, and whether somebody is billed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...definitions import is_loopback

if TYPE_CHECKING:
    from ...definitions import Destination, DestinationDefinition, Environment


def shown_target(destination: Destination) -> str:
    """Return where events go, and what that means if it costs somebody money."""
    return f"{destination.target}{': real customers are billed' if destination.is_live else ''}"


def environment_of(account: str, definition: DestinationDefinition) -> Environment | None:
    """Return the environment that an account of a queue belongs to, by its host; None if its host says nothing."""
    environments, start = definition.environments, f"{definition.slug} "
    if environments is None or not account.startswith(start):
        return None
    host = account.removeprefix(start).partition(" ")[0]
    is_here = is_loopback(urlsplit(f"//{host}").hostname or "")
    return environments.at(host) or (environments.harmless if is_here else None)

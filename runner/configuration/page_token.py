"""The token of the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...definitions import Problem

if TYPE_CHECKING:
    from .configuration import Configuration

_SHORTEST = 20
_SENDABLE = re.compile(r"[\x20-\x7e\xa0-\xff]*")
_PLACE = "service.pageToken"


def page_token(configuration: Configuration, problems: list[Problem]) -> str | None:
    """Return the token that `[service]` names; None if it names none, or after adding a problem."""
    options = configuration.service
    token = configuration.secret(_PLACE, options.page_token_env, options.page_token_file, problems)
    if token is not None and len(token.strip()) < _SHORTEST:
        problems.append(Problem(_PLACE, f"should have at least {_SHORTEST} characters, so nobody can guess it"))
        return None
    if token is not None and not _SENDABLE.fullmatch(token.strip()):
        problems.append(Problem(_PLACE, "has characters that a browser cannot send; use letters, digits and signs"))
        return None
    return None if token is None else token.strip()

"""The integrations object of an event, by which a source says which destinations may have it.

Source: Segment's documentation ("Filtering with the Integrations object"): a destination's own flag overrides `All`,
flags are case sensitive, a flag is true, false or an object of options, and `{"All": true}` is the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import Problem, RejectedError
from ..javascript.values import type_name

if TYPE_CHECKING:
    from collections.abc import Mapping


def turned_away(event: Mapping[str, Any], name: str) -> str | None:
    """Say why an event must not reach the destination `name`; None when it may.

    Raises RejectedError when a flag is something else than true, false or an object: to guess would be
    to bill, or not to bill, by accident.
    """
    integrations = event.get("integrations")
    if not integrations:
        return None
    if not isinstance(integrations, dict):
        raise RejectedError.of(
            [Problem("integrations", f"should be an object of flags, but it is {_article(integrations)}")]
        )
    for flag in (name, "All"):
        value = integrations.get(flag)
        if value is None:
            continue
        if value is False:
            return f"its integrations object says {flag}: false"
        if value is True or isinstance(value, dict):
            return None
        raise RejectedError.of(
            [Problem(f"integrations.{flag}", f"should be true, false or an object, but it is {_article(value)}")]
        )
    return None


def _article(value: Any) -> str:
    kind = type_name(value)
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"

"""The integrations object of an event: a source says in it which destinations may have the event.

Source: Segment's documentation ("Filtering with the Integrations object"): a destination's own flag overrides `All`,
flags are case sensitive, a flag is true, false or an object of options, and `{"All": true}` is the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import Problem, RejectedError
from ..javascript.values import type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_FLAGS: tuple[Any, ...] = (None, {}, [])
"""What says nothing; PHP writes an empty object as `[]`."""


def turned_away(event: Mapping[str, Any], name: str) -> str | None:
    """Say why an event must not reach the destination `name`; None when it may.

    `All` counts in any spelling, since several of Segment's own libraries write `all`. Raises RejectedError when a
    flag is something else than true, false or an object, or when spellings of `All` contradict each other: to guess
    would be to bill, or not to bill, by accident.
    """
    integrations = event.get("integrations")
    if integrations in _NO_FLAGS:
        return None
    if not isinstance(integrations, dict):
        raise RejectedError.of(
            [Problem("integrations", f"should be an object of flags, but it is {_article(integrations)}")]
        )
    own = _allows(integrations, name)
    if own is not None:
        return None if own else f"its integrations object says {name}: false"
    spellings = {
        flag: value for flag in integrations if _is_all(flag) and (value := _allows(integrations, flag)) is not None
    }
    if len(set(spellings.values())) > 1:
        said = " and ".join(f"{flag}: {str(value).lower()}" for flag, value in spellings.items())
        raise RejectedError.of([Problem("integrations", f"says {said}, which contradict each other; keep one of them")])
    refusing = next((flag for flag, is_allowed in spellings.items() if not is_allowed), None)
    return None if refusing is None else f"its integrations object says {refusing}: false"


def misspelt_flag(event: Mapping[str, Any], name: str) -> str | None:
    """Return a flag that differs from the destination's own in capitals only, so it has no effect; or None."""
    integrations = event.get("integrations")
    if not isinstance(integrations, dict) or name in integrations:
        return None
    return next((flag for flag in integrations if isinstance(flag, str) and flag.casefold() == name.casefold()), None)


def _is_all(flag: Any) -> bool:
    return isinstance(flag, str) and flag.strip().casefold() == "all"


def _allows(integrations: Mapping[str, Any], flag: str) -> bool | None:
    """Return what a flag says; None if it says nothing. Raises RejectedError."""
    value = integrations.get(flag)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return True
    raise RejectedError.of(
        [Problem(f"integrations.{flag}", f"should be true, false or an object, but it is {_article(value)}")]
    )


def _article(value: Any) -> str:
    kind = type_name(value)
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"

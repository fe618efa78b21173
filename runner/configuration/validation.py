"""Validation of tables against models, with every problem under its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from ...definitions import Problem, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], table: Mapping[str, Any], place: str, problems: list[Problem]) -> M | None:
    """Return the model of a table, or None after adding its problems."""
    try:
        return model.model_validate(table)
    except ValidationError as error:
        problems.extend(_problem(model, found["type"], found["loc"], found["msg"], place) for found in error.errors())
        return None


def unknown_keys(table: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[Problem]:
    """Yield a problem for each key that is not known."""
    for key in table:
        if key not in known:
            yield Problem(key, _no_such_key(key, known))


def _problem(model: type[BaseModel], kind: str, location: tuple[int | str, ...], message: str, place: str) -> Problem:
    fields = model.model_fields
    names = [fields[part].alias or part if part in fields else str(part) for part in location]
    where = ".".join((place, *names))
    if kind != "extra_forbidden":
        # What our own validators say, pydantic begins with these words.
        told = message.removeprefix("Value error, ")
        return Problem(where, told[:1].lower() + told[1:])
    known = tuple(field.alias or name for name, field in model.model_fields.items())
    return Problem(where, _no_such_key(str(location[-1]), known))


def _no_such_key(key: str, known: tuple[str, ...]) -> str:
    others = ", ".join(known)
    return f"there is no such key{nearest(key, known) or f'; there are {others}'}"

"""Fields, compiled once into a function that coerces and validates payloads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import Problem, RejectedError
from ..missing import MISSING
from .faults import checked_rules
from .findings import PROBLEM_LIMIT, described
from .source import validation_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..input_field import InputField


@dataclass(frozen=True, slots=True)
class CompiledFields:
    """A set of fields, ready to run: called with a mapped payload, it returns a new one that is valid.

    `validate` is the plain function, for those who call it often; `source` is what it was compiled from.
    """

    validate: Callable[[Any], dict[str, Any]]
    source: str

    def __call__(self, payload: Any) -> dict[str, Any]:
        """Remove empty values, coerce and validate the rest, drop unknown keys. Raises RejectedError with every fault.

        The payload is never changed; objects in it that need no change may be shared with the result.
        """
        return self.validate(payload)


def compile_fields(fields: Mapping[str, InputField]) -> CompiledFields:
    """Compile fields into the validation that Segment gives their payloads. Raises FieldsError with all faults."""
    source = validation_source(checked_rules(fields))
    namespace: dict[str, Any] = {
        "MISSING": MISSING,
        "PROBLEM_LIMIT": PROBLEM_LIMIT,
        "as_object": _as_object,
        "is_finite": math.isfinite,
        "read_iso_date": datetime.fromisoformat,
        "refuse": _refuse,
        **source.constants,
    }
    exec(compile(source.text, "<compiled fields>", "exec"), namespace)  # noqa: S102 - no text of a definition is in it
    return CompiledFields(validate=namespace["validate"], source=source.text)


def _as_object(payload: Any) -> dict[str, Any]:
    if isinstance(payload, dict):
        return payload
    raise RejectedError.of([Problem("", f"the payload must be an object, but it is {described(payload, secret=True)}")])


def _refuse(problems: list[Problem]) -> NoReturn:
    raise RejectedError.of(problems)

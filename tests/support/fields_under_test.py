"""Fields compiled for a test, and what they say of a payload."""

from __future__ import annotations

from typing import Any

import pytest

from kable_destination.definitions.errors import FieldsError, RejectedError
from kable_destination.definitions.fields import CompiledFields, compile_fields
from kable_destination.definitions.input_field import InputField


def fields_of(definitions: dict[str, dict[str, Any]]) -> CompiledFields:
    return compile_fields({key: InputField.model_validate(field) for key, field in definitions.items()})


def one(**definition: Any) -> CompiledFields:
    return fields_of({"f": {"label": "Fld", "type": "string", **definition}})


def rejection(fields: CompiledFields, payload: Any) -> list[str]:
    with pytest.raises(RejectedError) as caught:
        fields(payload)
    return [str(problem) for problem in caught.value.problems]


def faults(definitions: dict[str, dict[str, Any]]) -> list[str]:
    with pytest.raises(FieldsError) as caught:
        fields_of(definitions)
    return [str(problem) for problem in caught.value.problems]


def refusals(fields: CompiledFields, payload: Any) -> list[RejectedError]:
    """The refusal of a payload, if it is refused."""
    try:
        fields(payload)
    except RejectedError as refusal:
        return [refusal]
    return []

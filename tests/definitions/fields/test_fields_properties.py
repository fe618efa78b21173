"""What holds of field validation for any definition and any payload."""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any

from hypothesis import assume, given, settings

from examples import EXAMPLES
from generated_fields import FIELDS, PAYLOADS
from kable_destination.definitions.errors import RejectedError
from kable_destination.definitions.fields import compile_fields


def has_empty_values(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_empty_values, value.values()))
    if isinstance(value, list):
        return any(map(has_empty_values, value))
    return value is None or value == ""


if TYPE_CHECKING:
    from kable_destination.definitions.input_field import InputField


@given(fields=FIELDS, payload=PAYLOADS)
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_payload_is_validated_or_rejected_and_never_changed(
    fields: dict[str, InputField], payload: dict[str, Any]
) -> None:
    before = copy.deepcopy(payload)
    compiled = compile_fields(fields)
    with contextlib.suppress(RejectedError):
        output = compiled(payload)
        assert output.keys() <= fields.keys()
        assert output is not payload
    assert repr(payload) == repr(before)


@given(fields=FIELDS, payload=PAYLOADS)
@settings(max_examples=EXAMPLES, deadline=None)
def test_what_validation_returns_it_returns_again(fields: dict[str, InputField], payload: dict[str, Any]) -> None:
    """Values that coercion itself made empty aside: those are removed the second time."""
    compiled = compile_fields(fields)
    try:
        output = compiled(payload)
    except RejectedError:
        assume(False)
    assume(not has_empty_values(output))
    assert repr(compiled(output)) == repr(output)


@given(fields=FIELDS, payload=PAYLOADS)
@settings(max_examples=EXAMPLES, deadline=None)
def test_fields_compiled_twice_agree(fields: dict[str, InputField], payload: dict[str, Any]) -> None:
    answers = []
    for compiled in (compile_fields(fields), compile_fields(fields)):
        try:
            answers.append(repr(compiled(payload)))
        except RejectedError as error:
            answers.append(str(error))
    assert answers[0] == answers[1]

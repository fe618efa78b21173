"""Fields, compiled once into a function that coerces and validates payloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..python_source import PythonSource
from .faults import checked_rules
from .fields_writer import FIELDS_NAMESPACE, FieldsWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..input_field import InputField


@dataclass(frozen=True)
class CompiledFields:
    """A set of fields, ready to run: called with a mapped payload, it returns a new one that is valid.

    `source` is what it is compiled from, as Python source.
    """

    source: str
    _written: PythonSource = field(repr=False, compare=False)

    @cached_property
    def validate(self) -> Callable[[Any], dict[str, Any]]:
        """The plain function, for those who call it often. It is compiled when it is first asked for."""
        return self._written.compiled("fields", FIELDS_NAMESPACE)["validate"]

    def __call__(self, payload: Any) -> dict[str, Any]:
        """Remove empty values, coerce and validate the rest, drop unknown keys. Raises RejectedError with every fault.

        The payload is never changed; objects in it that need no change may be shared with the result.
        """
        return self.validate(payload)


def compile_fields(fields: Mapping[str, InputField]) -> CompiledFields:
    """Compile fields into the validation that Segment gives their payloads. Raises FieldsError with all faults."""
    if not isinstance(fields, Mapping):
        raise TypeError(f"fields are a mapping of keys to InputField, but these are {type(fields).__name__}")
    source = PythonSource()
    FieldsWriter(source).validate_function(checked_rules(fields))
    return CompiledFields(str(source), source)

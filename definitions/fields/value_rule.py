"""What one value must be, and the way of a value that is not so at first sight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..identifiers import identifier_fault, identifier_text
from ..javascript.values import number_to_string
from ..text import described, quoted
from .coercion import JsonType, Refusal, coerce, is_number
from .datetimes import datetime_fault
from .findings import PROBLEM_LIMIT, Place, report
from .formats import FORMATS
from .json_equality import json_equal
from .rfc3339 import EXPECTED, is_before_2000, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..errors import Problem
    from ..input_field import FieldType

_EXPECTED: Mapping[FieldType, str] = {
    "string": "text",
    "text": "text",
    "password": "text",
    "datetime": "a date and time (ISO 8601 text, or a number)",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "an object",
    "text-map": "an object of texts",
}
_NAMED_CHOICES = 10


@dataclass(frozen=True, slots=True)
class ValueRule:
    """What a value must be: that of a field, or each item's of a field that holds many.

    `types` have Segment's order of coercion. `minimum` and `maximum` bound a number or the length of a text.
    """

    label: str
    kind: FieldType
    types: tuple[JsonType, ...]
    identifier: bool = False
    allows_placeholders: bool = False
    rfc3339: bool = False
    event_time: bool = False
    choices: tuple[Any, ...] | None = None
    format: str | None = None
    minimum: float | None = None
    maximum: float | None = None

    @property
    def secret(self) -> bool:
        """Return whether values must never be shown."""
        return self.kind == "password"

    @property
    def admits_null(self) -> bool:
        """Return whether null is a value, rather than the lack of one."""
        return "null" in self.types

    @property
    def admits_text(self) -> bool:
        """Return whether text is a value; if not, the empty text is the lack of one."""
        return "string" in self.types

    @property
    def expected(self) -> str:
        """Say what is wanted."""
        return _EXPECTED[self.kind] + (" or null" if self.admits_null else "")

    def settle(self, value: Any, place: Place, problems: list[Problem]) -> Any:
        """Return the coerced value; if there is none, report why and return the value unchanged."""
        if self.identifier:
            return self._settle_identifier(value, place, problems)
        made = coerce(value, self.types)
        if isinstance(made, Refusal):
            report(problems, place, self._refusal(value, made))
            return value
        if self.kind == "text-map" and made is not None:
            made = self._settle_texts(made, place, problems)
        complaints = list(self._complaints(made, value))
        if self.rfc3339 and made is not None and not complaints:
            moment = rfc3339(made)
            if moment is None:
                complaints.append(f"must be {EXPECTED}, but it is {self._found(value)}")
            elif self.event_time and is_before_2000(moment):
                complaints.append(f"is {self._found(value)}, before the year 2000: the clock was not set")
            else:
                return moment
        for complaint in complaints:
            report(problems, place, f"{self.label} {complaint}")
        return made

    def _refusal(self, value: Any, refusal: Refusal) -> str:
        reason = ", which is too large a number" if refusal is Refusal.TOO_LARGE else ""
        return f"{self.label} must be {self.expected}, but it is {self._found(value)}{reason}"

    def _settle_texts(self, texts: dict[str, Any], place: Place, problems: list[Problem]) -> dict[str, Any]:
        item = ValueRule(label=self.label, kind="string", types=("string",))
        settled: dict[str, Any] = {}
        for key, text in texts.items():
            if text is not None:
                settled[key] = item.settle(text, (place, key), problems)
            if len(problems) > PROBLEM_LIMIT:
                break
        return settled

    def _settle_identifier(self, value: Any, place: Place, problems: list[Problem]) -> Any:
        if value is None and self.admits_null:
            return value
        text = identifier_text(value, allows_placeholders=self.allows_placeholders)
        if text is None:
            report(problems, place, f"{self.label} {identifier_fault(value)}")
            return value
        for complaint in self._complaints(text, value):
            report(problems, place, f"{self.label} {complaint}")
        return text

    def _complaints(self, value: Any, given: Any) -> Iterator[str]:
        """Yield all that a value of the right type still fails; `given` is how it came."""
        if self.choices is not None and not any(json_equal(value, choice) for choice in self.choices):
            yield f"must be {self._named_choices()}, but it is {self._found(given)}"
        if isinstance(value, str):
            yield from self._complaints_of_text(value, given)
        elif is_number(value) and self.kind != "datetime":
            if self.minimum is not None and value < self.minimum:
                yield f"must be {number_to_string(self.minimum)} or more, but it is {self._found(given)}"
            if self.maximum is not None and value > self.maximum:
                yield f"must be {number_to_string(self.maximum)} or less, but it is {self._found(given)}"

    def _complaints_of_text(self, text: str, given: Any) -> Iterator[str]:
        if self.minimum is not None and len(text) < self.minimum:
            yield f"must have {number_to_string(self.minimum)} characters or more, but it has {len(text)}"
        if self.maximum is not None and len(text) > self.maximum:
            yield f"must have {number_to_string(self.maximum)} characters or fewer, but it has {len(text)}"
        if self.format == "date-like":
            if (fault := datetime_fault(text)) is not None:
                yield f"must be a date and time, but it is {self._found(given)}: {fault}"
        elif self.format is not None and not FORMATS[self.format].accepts(text):
            yield f"must be a valid {FORMATS[self.format].name}, but it is {self._found(given)}"

    def _found(self, value: Any) -> str:
        return described(value, secret=self.secret)

    def _named_choices(self) -> str:
        choices = self.choices or ()
        if not choices:
            return "one of its choices, but it has none"
        named = [quoted(choice) if isinstance(choice, str) else described(choice, secret=False) for choice in choices]
        more = f" or one of {len(named) - _NAMED_CHOICES} more" if len(named) > _NAMED_CHOICES else ""
        return ("one of " if len(named) > 1 else "") + ", ".join(named[:_NAMED_CHOICES]) + more

"""Which condition a subject, a sign and a value make: the table of Segment's special forms.

| | type, event | name | userId | properties, traits, context |
| --- | --- | --- | --- | --- |
| `= null`, `!= null` | the text `null` | existence | existence | existence |
| `= true`, `= false` | the text | the text | the boolean | the boolean |
| `= 5`, `!= 5` | the text `5` | the text | the text | the number |

`!= true` asks about the text everywhere. An ordering asks about a number everywhere, and reads its own side as
JavaScript's `Number` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..javascript.values import string_to_number, to_string
from .conditions import OBJECT_SUBJECTS, ORDERINGS, Condition, Operator, number_text
from .lexer import MAX_DIGITS

if TYPE_CHECKING:
    from .conditions import Subject

WrittenValue = str | bool | int | float | None
"""A value in a trigger: a text, `true`, `false`, a number or `null`."""

WITHOUT_NULL = ("type", "event")
"""What is compared with the text `null`, and cannot be asked whether it is there."""
_WITHOUT_BOOLEANS = (*WITHOUT_NULL, "name")


def comparison(subject: Subject, sign: str, value: WrittenValue) -> Condition:
    """Make the condition that `subject sign value` stands for."""
    operator = Operator(sign)
    if operator in ORDERINGS:
        return Condition(subject, operator, _bound(subject, value))
    is_equal = operator is Operator.EQUALS
    if value is None and subject.root not in WITHOUT_NULL:
        return Condition(subject, Operator.NOT_EXISTS if is_equal else Operator.EXISTS)
    if isinstance(value, bool):
        if is_equal and subject.root not in _WITHOUT_BOOLEANS:
            return Condition(subject, Operator.IS_TRUE if value else Operator.IS_FALSE)
    elif isinstance(value, int | float) and subject.root in OBJECT_SUBJECTS:
        return Condition(subject, Operator.NUMBER_EQUALS if is_equal else Operator.NUMBER_NOT_EQUALS, value)
    return Condition(subject, operator, to_string(value))


def number_of(text: str) -> float:
    """Read the bound of an ordering that was written as a text; NaN when it is not a number."""
    number = string_to_number(text)
    if isinstance(number, int):
        return number
    return int(number) if number.is_integer() else number


def _bound(subject: Subject, value: WrittenValue) -> str | float:
    if isinstance(value, bool):
        value = int(value) if subject.root in OBJECT_SUBJECTS else to_string(value)
    if isinstance(value, int | float):
        return value
    text = to_string(value)
    number = number_of(text)
    is_writable = abs(number) < 10**MAX_DIGITS and len(number_text(number)) <= MAX_DIGITS
    return number if is_writable else text

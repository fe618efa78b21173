"""The expressions of Segment's Liquid: values, operators, filters; read from text and evaluated.

The grammar is that of liquidjs, which is laxer than Shopify's: operators work in output too, `not` is
one of them, `and` and `or` group from the right, and what follows a complete value unread is an error.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from liquid.expression import Expression
from liquid.token import Token

from ...javascript.values import string_to_number, to_number
from ...missing import MISSING
from .filters import FILTERS, Filter, refusal
from .values import TemplateError, Word, bounded, contains, equals, is_less, is_true, plain, read_member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from liquid import RenderContext

    from .tags import JavaScriptContext

_BLANK = (
    "\t\n\v\f\r \u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_WORD = re.compile(rf"(?:[A-Za-z0-9_?-]|(?![{_BLANK}\u201c\u201d])[^\x00-\x7f])+")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.(?!\.)[0-9]*)?")
_OPERATOR = re.compile(rf"[=!]=|[<>]=?|(?:contains|not|and|or)(?!{_WORD.pattern})")
_LITERAL = re.compile(rf"(true|false|nil|null|empty|blank)(?!{_WORD.pattern})")
_LITERALS: dict[str, Any] = {
    "true": True,
    "false": False,
    "nil": Word.NIL,
    "null": Word.NIL,
    "empty": Word.EMPTY,
    "blank": Word.BLANK,
}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{0,4})|([0-7]{1,3})|(.))|(\\$)", re.DOTALL)
_PRECEDENCE = {"not": 1, "and": 0, "or": 0}
_COMPARISON = 2
_BYTES_OF_ELEMENT = 8
_MAX_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Operator:
    """A word or sign between values, or `not` before one."""

    name: str

    @property
    def precedence(self) -> int:
        """How strongly it binds."""
        return _PRECEDENCE.get(self.name, _COMPARISON)


@dataclass(frozen=True, slots=True)
class Range:
    """`(1..3)`."""

    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class Variable:
    """A path: from a value that is written out, or else from what is in scope."""

    base: Operand | None
    members: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is written out."""

    value: Any


Operand = Constant | Variable | Range


@dataclass(frozen=True, slots=True)
class AppliedFilter:
    """A filter and its arguments; one that is named counts as a list of its name and value."""

    filter: Filter
    arguments: tuple[tuple[str | None, Operand], ...]


class FilteredValue(Expression):
    """A value with its filters. `evaluate` may raise TemplateError."""

    __slots__ = ("filters", "postfix")

    def __init__(
        self, token: Token, postfix: tuple[Operand | Operator, ...], filters: tuple[AppliedFilter, ...]
    ) -> None:
        super().__init__(token)
        self.postfix = postfix
        self.filters = filters

    def evaluate(self, context: RenderContext) -> object:
        """Give the value, which may be MISSING or a Word."""
        scope: JavaScriptContext = context  # type: ignore[assignment]  # our environment makes no other context
        value = self._initial(scope)
        for applied in self.filters:
            arguments = [
                evaluated(operand, scope) if name is None else [name, plain(evaluated(operand, scope))]
                for name, operand in applied.arguments
            ]
            for item in (value, *arguments):
                scope.budget.weigh(item)
            value = applied.filter(scope.budget, value, arguments)
        return value

    def _initial(self, scope: JavaScriptContext) -> Any:
        stack: list[Any] = []
        for item in self.postfix:
            if not isinstance(item, Operator):
                stack.append(evaluated(item, scope))
            elif item.name == "not":
                stack.append(not is_true(_popped(stack)))
            else:
                right, left = _popped(stack), _popped(stack)
                scope.budget.weigh(left)
                scope.budget.weigh(right)
                stack.append(_OPERATIONS[item.name](left, right))
        return stack[0]

    def children(self) -> list[Expression]:
        """Give the expressions within, of which python-liquid needs to know none."""
        return []

    def variables(self) -> Iterator[Variable]:
        """Give every variable that the value or an argument may read."""
        operands = [item for item in self.postfix if not isinstance(item, Operator)]
        operands += [operand for applied in self.filters for _, operand in applied.arguments]
        return variables_in(operands)


def variables_in(operands: Iterable[Operand]) -> Iterator[Variable]:
    """Give every variable in some operands, those within others included."""
    stack: list[Operand | None] = [*operands]
    while stack:
        item = stack.pop()
        if isinstance(item, Variable):
            yield item
            stack += [item.base, *item.members]
        elif isinstance(item, Range):
            stack += [item.low, item.high]


def _popped(stack: list[Any]) -> Any:
    return stack.pop() if stack else MISSING


_OPERATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": equals,
    "!=": lambda left, right: not equals(left, right),
    "<": lambda left, right: is_less(left, right, or_equal=False),
    "<=": lambda left, right: is_less(left, right, or_equal=True),
    ">": lambda left, right: is_less(right, left, or_equal=False),
    ">=": lambda left, right: is_less(right, left, or_equal=True),
    "contains": contains,
    "and": lambda left, right: is_true(left) and is_true(right),
    "or": lambda left, right: is_true(left) or is_true(right),
}


def evaluated(operand: Operand, scope: JavaScriptContext) -> Any:
    """Give the value of an operand."""
    if isinstance(operand, Constant):
        return operand.value
    if isinstance(operand, Range):
        low, high = (bounded(to_number(plain(evaluated(end, scope)))) for end in (operand.low, operand.high))
        count = high - low + 1
        if not count > 0:  # it may be no number
            return []
        scope.budget.use(count * _BYTES_OF_ELEMENT)
        return [low + offset for offset in range(math.ceil(count))]
    members = [evaluated(member, scope) for member in operand.members]
    value = scope.variable(members[0]) if operand.base is None else evaluated(operand.base, scope)
    for member in members[1:] if operand.base is None else members:
        value = read_member(value, member)
    return value


class ExpressionReader:
    """Reads expressions from the text of one tag or output. Raises TemplateError."""

    def __init__(self, text: str, token: Token) -> None:
        self._text = text
        self._token = token
        self._at = 0
        self._depth = 0

    def filtered_value(self) -> FilteredValue:
        """Read a value, its operators and filters, to the end."""
        items = tuple(self._postfix())
        if not any(not isinstance(item, Operator) for item in items):
            raise TemplateError(f"expected a value at {self._rest()}")
        filters = tuple(self._filters())
        if filters and len(items) == 1 and isinstance(items[0], Constant):
            filters[0].filter.check_value(items[0].value)
        return FilteredValue(self._token, items, filters)

    def word(self) -> str:
        """Read a name; empty when there is none."""
        self._skip_blank()
        return self._matched(_WORD) or ""

    def skip(self, sign: str) -> bool:
        """Step over a sign, if it comes next."""
        self._skip_blank()
        if self._text.startswith(sign, self._at):
            self._at += len(sign)
            return True
        return False

    def at_end(self) -> bool:
        """Tell whether everything is read."""
        self._skip_blank()
        return self._at >= len(self._text)

    def operand(self) -> Operand | None:
        """Read one value without operators; None when there is none."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise TemplateError(f"brackets nest at most {_MAX_DEPTH} levels deep, and these go deeper")
        self._skip_blank()
        base = self._base()
        members = tuple(self._members(is_root=base is None))
        self._depth -= 1
        return Variable(base, members) if members else base

    def path(self) -> tuple[Operand, ...]:
        """Read the keys of a path."""
        self._skip_blank()
        return tuple(self._members(is_root=True))

    def skip_to(self, sign: str) -> None:
        """Step behind the next such sign, or to the end."""
        found = self._text.find(sign, self._at)
        self._at = len(self._text) if found < 0 else found + len(sign)

    def _postfix(self) -> Iterator[Operand | Operator]:
        waiting: list[Operator] = []
        while True:
            self._skip_blank()
            name = self._matched(_OPERATOR)
            if name is None:
                operand = self.operand()
                if operand is None:
                    break
                yield operand
                continue
            operator = Operator(name)
            while waiting and waiting[-1].precedence > operator.precedence:
                yield waiting.pop()
            waiting.append(operator)
        yield from reversed(waiting)

    def _filters(self) -> Iterator[AppliedFilter]:
        while not self.at_end():
            if not self.skip("|"):
                raise TemplateError(f"expected | before a filter, found {self._rest()}")
            name = self.word()
            if not name:
                if not self.at_end():
                    raise TemplateError(f"expected the name of a filter, found {self._rest()}")
                return
            if name not in FILTERS:
                raise TemplateError(refusal(name))
            arguments = tuple(self._arguments()) if self.skip(":") else ()
            if not self.at_end() and not self._text.startswith("|", self._at):
                expected = "| or the end" if arguments else ": or | or the end"
                raise TemplateError(f"expected {expected} after the filter {name}, found {self._rest()}")
            FILTERS[name].check(len(arguments))
            yield AppliedFilter(FILTERS[name], arguments)

    def _arguments(self) -> Iterator[tuple[str | None, Operand]]:
        while True:
            self._skip_blank()
            start = self._at
            operand = self.operand()
            end = self._at
            if operand is not None:
                if self.skip(":"):
                    yield self._text[start:end], self.operand() or Constant(MISSING)
                else:
                    yield None, operand
            if not self.skip(","):
                return

    def _base(self) -> Operand | None:
        if literal := self._matched(_LITERAL):
            return Constant(_LITERALS[literal])
        start = self._text[self._at : self._at + 1]
        if start and start in "'\"":
            return Constant(self._quoted(start))
        if start == "(":
            return self._range()
        number = _NUMBER.match(self._text, self._at)
        if number is None or _WORD.match(self._text, number.end()):
            return None
        self._at = number.end()
        return Constant(string_to_number(number[0]))

    def _quoted(self, quote: str) -> str:
        match = re.compile(rf"{quote}((?:[^{quote}\\]|\\.)*){quote}", re.DOTALL).match(self._text, self._at)
        if match is None:
            raise TemplateError(f"the text that begins at {self._rest()} has no closing quote")
        self._at = match.end()
        return _ESCAPE.sub(_unescaped, match[1])

    def _range(self) -> Range:
        self.skip("(")
        low = self.operand()
        is_range = self.skip("..")
        high = self.operand()
        if low is None or high is None or not is_range or not self.skip(")"):
            raise TemplateError(f"expected a range such as (1..3), found {self._rest()}")
        return Range(low, high)

    def _members(self, *, is_root: bool) -> Iterator[Operand]:
        begun = not is_root
        while True:
            if self._text.startswith("[", self._at):
                self._at += 1
                yield self.operand() or Constant("")
                if self._text.find("]", self._at) < 0:
                    raise TemplateError("a bracket [ has no closing ]")
                self.skip_to("]")
            elif not begun and (name := self._matched(_WORD)):
                yield Constant(name)
            elif self._text.startswith(".", self._at) and not self._text.startswith("..", self._at):
                self._at += 1
                name = self.word()
                if not name:
                    return
                yield Constant(name)
            else:
                return
            begun = True

    def _matched(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match[0]

    def _skip_blank(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in _BLANK:
            self._at += 1

    def _rest(self) -> str:
        rest = self._text[self._at :]
        return f'"{rest[:30]}…"' if len(rest) > 30 else f'"{rest}"' if rest else "the end"  # noqa: PLR2004 - enough to find it by


def _constant(operand: Operand) -> Any:
    return operand.value if isinstance(operand, Constant) else None


def _unescaped(match: re.Match[str]) -> str:
    if match[4] is not None:
        return ""
    if match[1] is not None:
        return chr(int(match[1] or "0", 16))
    if match[2] is not None:
        return chr(int(match[2], 8))
    return _ESCAPES.get(match[3], match[3])


def read_property_path(text: str) -> list[Any]:
    """Read the path that an argument of a filter names, such as `"price.amount"`; its keys must be written out."""
    operand = ExpressionReader(text, Token("path", text, 0, text)).path()
    return [_constant(member) for member in operand]

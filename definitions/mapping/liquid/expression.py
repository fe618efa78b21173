"""Expressions as python-liquid parses them, made to compute as Segment's engine (liquidjs) does."""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

from liquid import Environment, TokenStream
from liquid.builtin.expressions import (
    BooleanExpression,
    Filter,
    FilteredExpression,
    KeywordArgument,
    Literal,
    Nil,
    Path,
    StringLiteral,
    parse_primitive,
)
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalNotExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, Empty, RangeLiteral
from liquid.expression import Expression
from liquid.token import TOKEN_EOF, TOKEN_PIPE

from ...identifiers import identifier_fault, identifier_text
from ...javascript.values import to_number, to_string
from ...missing import MISSING
from .filters import FILTERS, refusal
from .tokens import Base
from .values import (
    Budget,
    TemplateError,
    Word,
    bounded,
    contains,
    equals,
    is_less,
    is_nil,
    is_true,
    plain,
    read_member,
    stringify,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from liquid import RenderContext
    from liquid.token import Token

    from .context import JavaScriptContext

_BYTES_OF_ELEMENT = 8
_ANY_ENVIRONMENT = Environment()  # a value is read alike in all of them


class Computed(Expression):
    """What a function makes of the values of other expressions. `evaluate` may raise TemplateError."""

    __slots__ = ("function", "operands")

    def __init__(self, token: Token, function: Callable[..., Any], operands: list[Expression]) -> None:
        super().__init__(token)
        self.function = function
        self.operands = operands

    def evaluate(self, context: RenderContext) -> Any:
        """Return the value, which may be MISSING or a Word."""
        scope: JavaScriptContext = context  # type: ignore[assignment]  # our templates are rendered in no other context
        values = [operand.evaluate(context) for operand in self.operands]
        for value in values:
            scope.budget.weigh(value)
        return self.function(scope.budget, *values)

    def children(self) -> list[Expression]:
        """Return the operands."""
        return self.operands


class Written(Computed):
    """The text that an output writes; in the template of an identifier, the value must be an identifier."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> Any:
        """Return the text. Raises TemplateError."""
        scope: JavaScriptContext = context  # type: ignore[assignment]  # our templates are rendered in no other context
        value = self.operands[0].evaluate(context)
        scope.budget.weigh(value)
        if scope.is_identifier and identifier_text(plain(value)) is None:
            found = "is missing" if is_nil(value) else identifier_fault(plain(value))
            raise TemplateError(f"a part of the identifier {found}")
        return self.function(scope.budget, value)


def _range(budget: Budget, first: Any, last: Any) -> list[float]:
    low, high = bounded(to_number(plain(first))), bounded(to_number(plain(last)))
    count = high - low + 1
    if not count > 0:  # it may be no number
        return []
    budget.use(count * _BYTES_OF_ELEMENT)
    budget.take_steps(count)
    return [low + offset for offset in range(math.ceil(count))]


def _member(_: Budget, value: Any, *keys: Any) -> Any:
    # A word such as `empty` has no members, though it counts as a text elsewhere.
    return reduce(read_member, keys, MISSING if keys and isinstance(value, Word) else value)


def _text(budget: Budget, value: Any) -> str:
    text = stringify(value, budget)
    budget.use(len(text))
    return text


_COMPUTED: dict[type[Expression], Callable[..., Any]] = {
    EqExpression: lambda _, left, right: equals(left, right),
    NeExpression: lambda _, left, right: not equals(left, right),
    LtExpression: lambda _, left, right: is_less(left, right, or_equal=False),
    LeExpression: lambda _, left, right: is_less(left, right, or_equal=True),
    GtExpression: lambda _, left, right: is_less(right, left, or_equal=False),
    GeExpression: lambda _, left, right: is_less(right, left, or_equal=True),
    ContainsExpression: lambda _, left, right: contains(left, right),
    LogicalAndExpression: lambda _, left, right: is_true(left) and is_true(right),
    LogicalOrExpression: lambda _, left, right: is_true(left) or is_true(right),
    LogicalNotExpression: lambda _, value: not is_true(value),
    RangeLiteral: _range,
}
_WORDS = {Nil: Word.NIL, Empty: Word.EMPTY, Blank: Word.BLANK}


def computed(expression: Expression) -> Expression:
    """Return an expression whose operators, ranges and words are liquidjs's. Raises TemplateError for its filters."""
    kind = type(expression)
    if kind in _COMPUTED:
        operands = [computed(operand) for operand in expression.children()]
        return Computed(expression.token, _COMPUTED[kind], operands)
    if kind in _WORDS:
        return Literal(expression.token, _WORDS[kind])
    if isinstance(expression, Path) and isinstance(expression.path[0], Base):
        return _based(expression, expression.path[0])
    if isinstance(expression, FilteredExpression):
        expression.left = computed(expression.left)
        for applied in expression.filters or ():
            _check(applied)
            for argument in applied.args:
                argument.value = computed(argument.value)
        if expression.filters and isinstance(expression.left, StringLiteral):
            FILTERS[expression.filters[0].name].check_value(expression.left.value)
    return expression


def _based(path: Path, base: Base) -> Expression:
    """Return an expression for the members of a value that is written out, as in `'abc'.size`."""
    value = computed(parse_primitive(_ANY_ENVIRONMENT, TokenStream(iter(base.tokens))))
    keys = [key if isinstance(key, Path) else Literal(path.token, key) for key in path.path[1:]]
    return Computed(path.token, _member, [value, *keys])


def _check(applied: Filter) -> None:
    if applied.name not in FILTERS:
        raise TemplateError(refusal(applied.name))
    named = [argument.name if isinstance(argument, KeywordArgument) else None for argument in applied.args]
    FILTERS[applied.name].check(named)


def condition(expression: Expression) -> Expression:
    """Return an expression that is True or False."""
    return Computed(expression.token, lambda _, value: is_true(value), [computed(expression)])


def written(expression: Expression) -> Expression:
    """Return an expression whose value is the text that an output writes."""
    return Written(expression.token, _text, [computed(expression)])


def written_in_turn(expression: Expression) -> Expression:
    """Return an expression whose value is the text that `cycle` writes: nothing for 0 and false."""
    return Computed(
        expression.token,
        lambda budget, value: _text(budget, value) if value or isinstance(value, list | dict) else "",
        [computed(expression)],
    )


def cycle_key(token: Token, group: Expression | None, count: int) -> Expression:
    """Return an expression for what `cycle` counts by: the group, and the number of values."""
    if group is None:
        return Literal(token, f"{count}")
    return Computed(token, lambda _, name: f"{count} {to_string(plain(name))}", [computed(group)])


def filtered_value(env: Environment, tokens: TokenStream) -> FilteredExpression:
    """Read a value with operators, which python-liquid has in conditions only, and with filters."""
    left = BooleanExpression.parse(env, tokens, inline=True).expression
    filters = Filter.parse(env, tokens, delim=(TOKEN_PIPE,))
    tokens.eat(TOKEN_EOF)
    return FilteredExpression(left.token, left, filters)


def paths_in(expression: Expression) -> Iterator[Path]:
    """Yield every path that an expression may read, those within others included."""
    stack = [expression]
    while stack:
        item = stack.pop()
        if isinstance(item, Path):
            yield item
        stack += item.children()

"""The tags that a Liquid template may use, their nodes, and what they share while a template is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

from liquid import RenderContext
from liquid.ast import BlockNode, Node
from liquid.builtin.expressions import Identifier
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.exceptions import LiquidSyntaxError
from liquid.parser import get_parser
from liquid.tag import Tag
from liquid.token import TOKEN_EXPRESSION, TOKEN_ILLEGAL, TOKEN_OUTPUT, TOKEN_TAG, Token

from ...javascript.values import to_string
from ...missing import MISSING
from .expression import Constant, ExpressionReader, FilteredValue, Operand, Variable, evaluated
from .values import Budget, TemplateError, is_true, own_member, stringify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

    from liquid import BoundTemplate
    from liquid.expression import Expression
    from liquid.stream import TokenStream

T = TypeVar("T")

DISABLED_TAGS = ("case", "for", "include", "layout", "render", "tablerow")
"""Tags that Segment has turned off."""


class JavaScriptContext(RenderContext):
    """What a template sees: the payload, its own variables and counters, and how much it may still handle."""

    __slots__ = ("budget", "payload")

    def __init__(self, template: BoundTemplate, payload: Any) -> None:
        super().__init__(template)
        self.payload = payload
        self.budget = Budget()

    def variable(self, name: Any) -> Any:
        """Look a name up: what was assigned, then counters, then the payload."""
        key = to_string(name)
        if key in self.locals:
            return self.locals[key]
        if key in self.counters:
            return self.counters[key]
        value = own_member(self.payload, key)
        # What nothing has, Segment's engine reads from an empty object, whose size is 0.
        return 0 if key == "size" and value is MISSING else value

    def count(self, name: str) -> float:
        """Read a counter, which begins at the payload's number of that name, or else at 0."""
        value = self.counters.get(name, own_member(self.payload, name))
        return value if isinstance(value, int | float) and not isinstance(value, bool) else 0


class ValueNode(Node):
    """`{{ value }}` or `{% echo value %}`."""

    __slots__ = ("value",)

    def __init__(self, token: Token, value: FilteredValue) -> None:
        super().__init__(token)
        self.value = value

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write the value."""
        return _write(self.value.evaluate(context), context, buffer)

    def expressions(self) -> Iterable[Expression]:
        """Give the value."""
        return [self.value]


def _write(value: Any, context: RenderContext, buffer: TextIO) -> int:
    budget = _scope(context).budget
    budget.weigh(value)
    text = stringify(value, budget)
    budget.use(len(text))
    return buffer.write(text)


def _scope(context: RenderContext) -> JavaScriptContext:
    return context  # type: ignore[return-value]  # our templates are rendered in no other context


class ConditionNode(Node):
    """`if` and `unless`: the first branch whose condition holds is rendered."""

    __slots__ = ("branches", "default", "is_negated")

    def __init__(
        self,
        token: Token,
        branches: list[tuple[FilteredValue, BlockNode]],
        default: BlockNode | None,
        *,
        is_negated: bool,
    ) -> None:
        super().__init__(token)
        self.branches = branches
        self.default = default
        self.is_negated = is_negated

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Render one branch, or none."""
        for index, (condition, block) in enumerate(self.branches):
            if is_true(condition.evaluate(context)) is not (self.is_negated and index == 0):
                return block.render(context, buffer)
        return self.default.render(context, buffer) if self.default is not None else 0

    def children(self, static_context: RenderContext, *, include_partials: bool = True) -> Iterable[Node]:
        """Give the branches."""
        del static_context, include_partials
        return [*(block for _, block in self.branches), *([self.default] if self.default is not None else [])]

    def expressions(self) -> Iterable[Expression]:
        """Give the conditions."""
        return [condition for condition, _ in self.branches]


class CounterNode(Node):
    """`increment` writes a counter and then raises it; `decrement` lowers it first."""

    __slots__ = ("name", "step")

    def __init__(self, token: Token, name: str, step: int) -> None:
        super().__init__(token)
        self.name = name
        self.step = step

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Count, and write the number."""
        scope = _scope(context)
        before = scope.count(self.name)
        scope.counters[self.name] = before + self.step  # type: ignore[assignment]  # a payload's number may be a fraction
        return _write(before if self.step > 0 else before + self.step, context, buffer)


class CycleNode(Node):
    """`cycle` writes its values in turn."""

    __slots__ = ("group", "values")

    def __init__(self, token: Token, group: Operand | None, values: list[Operand]) -> None:
        super().__init__(token)
        self.group = group
        self.values = values

    @property
    def operands(self) -> list[Operand]:
        """The values, and the name of the group where it has one."""
        return [*self.values, *([self.group] if self.group is not None else [])]

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write the next value."""
        scope = _scope(context)
        group = to_string(evaluated(self.group, scope)) if self.group is not None else None
        index = context.cycle((group, len(self.values)), len(self.values))
        value = evaluated(self.values[index], scope)
        return _write(value, context, buffer) if value or isinstance(value, list | dict) else 0


class _ExpressionTag(Tag):
    """A tag whose expression is read in our way; TemplateError becomes python-liquid's error, with its position."""

    block = False

    def reader(self, stream: TokenStream) -> ExpressionReader:
        """Give a reader of the tag's expression, on which the stream stands."""
        current = stream.current
        return ExpressionReader(current.value if current.kind == TOKEN_EXPRESSION else "", current)

    def value(self, stream: TokenStream, token: Token) -> FilteredValue:
        """Read the tag's expression as a value with filters."""
        return _reading(token, self.reader(stream).filtered_value)


def _reading(token: Token, read: Callable[[], T]) -> T:
    try:
        return read()
    except TemplateError as failure:
        raise LiquidSyntaxError(str(failure), token=token) from None


class OutputTag(_ExpressionTag):
    """`{{ … }}`."""

    name = TOKEN_OUTPUT

    def parse(self, stream: TokenStream) -> Node:
        """Read the value."""
        token = stream.eat(TOKEN_OUTPUT)
        return ValueNode(token, self.value(stream, token))


class EchoTag(_ExpressionTag):
    """`{% echo … %}`; it may be empty."""

    name = "echo"

    def parse(self, stream: TokenStream) -> Node:
        """Read the value."""
        token = stream.eat(TOKEN_TAG)
        if stream.current.kind != TOKEN_EXPRESSION:
            _give_back(stream)
            return BlockNode(token, [])
        return ValueNode(token, self.value(stream, token))


def _give_back(stream: TokenStream) -> None:
    """Stand on the tag again, since the parser steps over what a tag stops at."""
    stream.pos -= 1


class AssignTag(_ExpressionTag):
    """`{% assign name = … %}`."""

    name = "assign"

    def parse(self, stream: TokenStream) -> Node:
        """Read the name and the value."""
        token = stream.eat(TOKEN_TAG)
        reader = self.reader(stream)
        name = reader.word()
        if not name or not reader.skip("="):
            raise LiquidSyntaxError("expected a name and a value, as in {% assign total = 3 %}", token=token)
        return AssignNode(token, name=Identifier(name, token=token), expression=_reading(token, reader.filtered_value))


class CounterTag(_ExpressionTag):
    """`{% increment name %}` and `{% decrement name %}`."""

    step: ClassVar[int]

    def parse(self, stream: TokenStream) -> Node:
        """Read the name."""
        token = stream.eat(TOKEN_TAG)
        has_name = stream.current.kind == TOKEN_EXPRESSION
        name = self.reader(stream).word()
        if not has_name:
            _give_back(stream)
        return CounterNode(token, name, self.step)


class IncrementTag(CounterTag):
    """`{% increment name %}`."""

    name = "increment"
    step = 1


class DecrementTag(CounterTag):
    """`{% decrement name %}`."""

    name = "decrement"
    step = -1


class CycleTag(_ExpressionTag):
    """`{% cycle "a", "b" %}` and `{% cycle group: "a", "b" %}`."""

    name = "cycle"

    def parse(self, stream: TokenStream) -> Node:
        """Read the group and the values."""
        token = stream.eat(TOKEN_TAG)
        reader = self.reader(stream)
        return _reading(token, lambda: self._read(reader, token))

    def _read(self, reader: ExpressionReader, token: Token) -> Node:
        first = reader.operand()
        is_group = first is not None and reader.skip(":")
        values = [] if first is None or is_group else [first]
        while not reader.at_end():
            value = reader.operand()
            if value is not None:
                values.append(value)
            reader.skip_to(",")
        if not values:
            raise TemplateError('expected values to take in turn, as in {% cycle "a", "b" %}')
        return CycleNode(token, first if is_group else None, values)


class _BlockTag(_ExpressionTag):
    """A tag with content up to its end."""

    block = True

    def content(self, stream: TokenStream, *ends: str) -> BlockNode:
        """Read nodes up to one of some tags."""
        return get_parser(self.env).parse_block(stream, ends)

    def expect_end(self, stream: TokenStream, token: Token) -> None:
        """Raise LiquidSyntaxError unless the stream stands on the end of this tag."""
        if not stream.current.is_tag(self.end):
            raise LiquidSyntaxError(f"the tag {self.name} has no {self.end}", token=token)


class CaptureTag(_BlockTag):
    """`{% capture name %}…{% endcapture %}`."""

    name = "capture"
    end = "endcapture"

    def parse(self, stream: TokenStream) -> Node:
        """Read the name, which may stand in quotes, and the content."""
        token = stream.eat(TOKEN_TAG)
        operand = _reading(token, self.reader(stream).operand)
        name = operand
        while isinstance(name, Variable):
            name = name.members[0] if name.base is None else name.base
        if not isinstance(name, Constant) or stream.current.kind != TOKEN_EXPRESSION:
            raise LiquidSyntaxError("expected a name, as in {% capture greeting %}", token=token)
        next(stream)
        block = self.content(stream, self.end)
        self.expect_end(stream, token)
        return CaptureNode(token, Identifier(to_string(name.value), token=token), block)


class BlockTag(_BlockTag):
    """`{% block name %}…{% endblock %}`, which without layouts is its content."""

    name = "block"
    end = "endblock"

    def parse(self, stream: TokenStream) -> Node:
        """Read the content."""
        token = stream.eat(TOKEN_TAG)
        if stream.current.kind == TOKEN_EXPRESSION:
            next(stream)
        block = self.content(stream, self.end)
        self.expect_end(stream, token)
        return block


class IfTag(_BlockTag):
    """`{% if … %}…{% elsif … %}…{% else %}…{% endif %}`."""

    name = "if"
    end = "endif"
    is_negated: ClassVar[bool] = False

    def parse(self, stream: TokenStream) -> Node:
        """Read the branches."""
        token = stream.eat(TOKEN_TAG)
        branches: list[tuple[FilteredValue, BlockNode]] = []
        default: BlockNode | None = None
        opening = token
        while True:
            has_expression = stream.current.kind == TOKEN_EXPRESSION
            is_else = opening.is_tag("else")
            value = None if is_else else self.value(stream, opening)
            if has_expression:
                if is_else and not self.is_negated:
                    raise LiquidSyntaxError("else takes no condition; did you mean elsif?", token=opening)
                next(stream)
            block = self.content(stream, self.end, "elsif", "else")
            if value is not None and default is None:
                branches.append((value, block))
            elif value is None and default is None:
                default = block
            if stream.current.is_tag(self.end):
                return ConditionNode(token, branches, default, is_negated=self.is_negated)
            if not stream.current.is_tag("elsif") and not stream.current.is_tag("else"):
                raise LiquidSyntaxError(f"the tag {self.name} has no {self.end}", token=token)
            if default is not None and not self.is_negated:
                raise LiquidSyntaxError("nothing but the end comes after else", token=stream.current)
            opening = next(stream)


class UnlessTag(IfTag):
    """`{% unless … %}…{% else %}…{% endunless %}`."""

    name = "unless"
    end = "endunless"
    is_negated = True


class RefusedTag(Tag):
    """Any tag that is not allowed, or that nobody knows."""

    name = TOKEN_ILLEGAL
    block = False

    def parse(self, stream: TokenStream) -> NoReturn:
        """Refuse it."""
        token = stream.current
        if token.value in DISABLED_TAGS:
            message = f'the tag "{token.value}" is disabled in mappings'
        elif token.value in {"break", "continue"}:
            message = f'the tag "{token.value}" belongs in a loop, and loops are disabled in mappings'
        else:
            message = f'there is no tag "{token.value[:60]}" here'
        raise LiquidSyntaxError(message, token=token)

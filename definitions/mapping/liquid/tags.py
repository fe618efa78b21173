"""The tags that a Liquid template may use: python-liquid's own, with the strictness and the values of liquidjs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from liquid.ast import ConditionalBlockNode, Node
from liquid.builtin.content import Literal
from liquid.builtin.expressions import parse_identifier, parse_name
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.assign_tag import AssignNode, AssignTag
from liquid.builtin.tags.capture_tag import CaptureNode, CaptureTag
from liquid.builtin.tags.comment_tag import CommentTag
from liquid.builtin.tags.cycle_tag import CycleNode, CycleTag
from liquid.builtin.tags.decrement_tag import DecrementTag
from liquid.builtin.tags.echo_tag import EchoTag
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.increment_tag import IncrementTag
from liquid.builtin.tags.inline_comment_tag import InlineCommentTag
from liquid.builtin.tags.liquid_tag import LiquidNode, LiquidTag
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.exceptions import LiquidSyntaxError
from liquid.extra.tags.extends_tag import BlockTag
from liquid.parser import get_parser
from liquid.tag import Tag
from liquid.token import TOKEN_ASSIGN, TOKEN_EXPRESSION, TOKEN_ILLEGAL, TOKEN_OUTPUT, TOKEN_STRING, TOKEN_TAG

from .expression import computed, condition, cycle_key, filtered_value, written, written_in_turn
from .tokens import TagStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liquid.stream import TokenStream
    from liquid.token import Token

_DISABLED = frozenset({"case", "for", "include", "layout", "render", "tablerow"})
"""Tags that Segment has turned off."""


class _OutputTag(Output):
    """`{{ … }}`, where liquidjs has operators too."""

    def parse(self, stream: TokenStream) -> OutputNode:
        token = stream.eat(TOKEN_OUTPUT)
        return self.node_class(token, filtered_value(self.env, stream.into_inner(tag=token, eat=False)))


class _EchoTag(EchoTag):
    """`{% echo … %}`, where liquidjs has operators too."""

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        return self.node_class(token, filtered_value(self.env, stream.into_inner(tag=token, eat=False)))


class _AssignTag(AssignTag):
    """`{% assign name = … %}`, where liquidjs has operators too."""

    def parse(self, stream: TokenStream) -> AssignNode:
        token = stream.eat(TOKEN_TAG)
        tokens = stream.into_inner(tag=token, eat=False)
        name = parse_identifier(self.env, tokens)
        tokens.eat(TOKEN_ASSIGN)
        return self.node_class(token, name=name, expression=filtered_value(self.env, tokens))


class _CaptureTag(CaptureTag):
    """`{% capture name %}`, where liquidjs lets the name be in quotes."""

    def parse(self, stream: TokenStream) -> CaptureNode:
        token = stream.eat(TOKEN_TAG)
        tokens = stream.into_inner(tag=token)
        read_name = parse_name if tokens.current.kind == TOKEN_STRING else parse_identifier
        name = read_name(self.env, tokens)
        tokens.expect_eos()
        block = get_parser(self.env).parse_block(stream, (self.end,))
        stream.expect(TOKEN_TAG, value=self.end)
        return self.node_class(token, name, block)


class _ConditionTag(Tag):
    """`if` and `unless`, where liquidjs has filters too. What python-liquid would drop is an error."""

    node_class: type[IfNode | UnlessNode]

    def parse(self, stream: TokenStream) -> Node:
        tag = stream.current
        parse_block = get_parser(self.env).parse_block
        branches: list[ConditionalBlockNode] = []
        while not branches or stream.current.is_tag("elsif"):
            opening = next(stream)
            condition = filtered_value(self.env, stream.into_inner(tag=opening))
            block = parse_block(stream, (self.end, "elsif", "else"))
            branches.append(ConditionalBlockNode(opening, condition, block))
        default = None
        if stream.current.is_tag("else"):
            next(stream)
            if stream.current.kind == TOKEN_EXPRESSION:
                raise LiquidSyntaxError("else takes no condition; did you mean 'elsif'?", token=stream.current)
            default = parse_block(stream, (self.end, "elsif", "else"))
        stream.expect(TOKEN_TAG, value=self.end)
        first, *others = branches
        return self.node_class(tag, first.expression, first.block, others, default)


class _IfTag(_ConditionTag):
    name = "if"
    end = "endif"
    node_class = IfNode


class _UnlessTag(_ConditionTag):
    name = "unless"
    end = "endunless"
    node_class = UnlessNode


class _LiquidTag(LiquidTag):
    """`{% liquid … %}`, a tag on every line, whose expressions are read in our way."""

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        lines = stream.expect(TOKEN_EXPRESSION)
        inner = TagStream(self._tokens(lines), block_depth_carry=stream.block_depth)
        return LiquidNode(token, lines, get_parser(self.env).parse_block(inner, end=()))

    def _tokens(self, lines: Token) -> Iterator[Token]:
        start = lines.start_index
        for line in lines.value.split("\n"):
            if line.strip():
                # With spaces, so a hyphen at either end of a line is not taken for white space control.
                for token in self.env.tokenizer()(f"{{% {line} %}}"):
                    place = start + token.start_index - len("{% ")
                    yield token._replace(start_index=place, source=lines.source)
            start += len(line) + 1


class _RefusedTag(Tag):
    """Any tag that is not allowed, or that nobody knows."""

    name = TOKEN_ILLEGAL
    block = False

    def parse(self, stream: TokenStream) -> NoReturn:
        token = stream.current
        if token.value in _DISABLED:
            message = f'the tag "{token.value}" is disabled in mappings'
        elif token.value in {"break", "continue"}:
            message = f'the tag "{token.value}" belongs in a loop, and loops are disabled in mappings'
        else:
            message = f'there is no tag "{token.value[:60]}" here'
        raise LiquidSyntaxError(message, token=token)


TAGS: tuple[type[Tag], ...] = (
    BlockTag, CommentTag, CycleTag, DecrementTag, IncrementTag, InlineCommentTag, Literal,
    _AssignTag, _CaptureTag, _EchoTag, _IfTag, _LiquidTag, _OutputTag, _RefusedTag, _UnlessTag,
)  # fmt: skip


def compute(node: Node) -> None:
    """Make the expressions of a node compute as liquidjs does. Raises TemplateError for their filters."""
    if isinstance(node, OutputNode):
        node.expression = written(node.expression)
    elif isinstance(node, AssignNode):
        node.expression = computed(node.expression)
    elif isinstance(node, IfNode | UnlessNode):
        node.condition = condition(node.condition)
    elif isinstance(node, ConditionalBlockNode):
        node.expression = condition(node.expression)
    elif isinstance(node, CycleNode):
        node.group = cycle_key(node.token, node.group, len(node.args))
        node.args = [written_in_turn(value) for value in node.args]

"""@liquid: templates on python-liquid, with the language, the limits and the answers of Segment's engine.

Segment runs liquidjs. The text, blocks and tags of a template are read by python-liquid; values,
operators and filters are our own (`liquid_expression`), because liquidjs differs there. What Segment
passes over in silence, an unknown filter, is refused, and so is what gives another answer each time.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from io import StringIO
from typing import TYPE_CHECKING, Any

from liquid import Environment
from liquid.builtin.content import Literal
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.comment_tag import CommentTag
from liquid.builtin.tags.inline_comment_tag import InlineCommentTag
from liquid.builtin.tags.liquid_tag import LiquidTag
from liquid.exceptions import LiquidError
from liquid.lex import _tokenize_template, compile_liquid_rules

from ..failure import fail
from .expression import Constant, FilteredValue, variables_in
from .tags import (
    AssignTag,
    BlockTag,
    CaptureTag,
    CounterNode,
    CycleNode,
    CycleTag,
    DecrementTag,
    EchoTag,
    IfTag,
    IncrementTag,
    JavaScriptContext,
    OutputTag,
    RefusedTag,
    UnlessTag,
)
from .values import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from liquid import BoundTemplate
    from liquid.ast import Node
    from liquid.token import Token

    from ..paths import Keys
    from .expression import Variable

_TAGS = (
    AssignTag, BlockTag, CaptureTag, CommentTag, Literal, CycleTag, DecrementTag, EchoTag, IfTag, IncrementTag,
    InlineCommentTag, LiquidTag, OutputTag, RefusedTag, UnlessTag,
)  # fmt: skip


_OUTPUT = r"(?:(?!-?\}\})[\s\S])*"
_OUTPUT_WITH_QUOTES = r"""(?>"(?>\\.|[^"\\])*"|'(?>\\.|[^'\\])*'|(?!-?\}\})[\s\S])*"""


class _Environment(Environment):
    suppress_blank_control_flow_blocks = False
    block_nesting_limit = 64

    def tokenizer(self) -> Callable[[str], Iterator[Token]]:
        """As python-liquid's own, but that the text of an output may hold `}}`, as with liquidjs."""
        rules = compile_liquid_rules().pattern.replace(_OUTPUT, _OUTPUT_WITH_QUOTES)
        return partial(_tokenize_template, rules=re.compile(rules, re.DOTALL))

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        del extra
        for tag in _TAGS:
            self.add_tag(tag)


_ENVIRONMENT = _Environment()


class LiquidTemplate:
    """A template, ready to render."""

    def __init__(self, template: BoundTemplate) -> None:
        self._template = template

    def render(self, payload: Any, place: str) -> str:
        """Render the template against a payload. Raises MappingError."""
        buffer = StringIO()
        try:
            self._template.render_with_context(JavaScriptContext(self._template, payload), buffer)
        except TemplateError as failure:
            fail(place, str(failure))
        except LiquidError as error:
            fail(place, _described(error))
        return buffer.getvalue()

    @property
    def paths(self) -> list[Keys]:
        """The paths of the payload that the template can read; one without keys means that it can read anything."""
        found: list[Keys] = []
        assigned: set[str] = set()
        for node, is_certain in _nodes(self._template):
            names = [node.name] if isinstance(node, CounterNode) else []
            keys = [(name,) for name in names] + [_keys(variable) for variable in _variables(node)]
            found += [path for path in keys if not path or path[0] not in assigned]
            if is_certain and isinstance(node, AssignNode):
                assigned.add(str(node.name))
        return found


def _nodes(template: BoundTemplate) -> Iterator[tuple[Node, bool]]:
    """Give every node in order, and whether it is rendered whatever the payload is."""
    context = JavaScriptContext(template, {})
    stack = [(node, True) for node in reversed(template.nodes)]
    while stack:
        node, is_certain = stack.pop()
        yield node, is_certain
        stack += [(child, False) for child in reversed([*node.children(context)])]


def _variables(node: Node) -> Iterator[Variable]:
    """Give the variables that a node itself looks up in what is in scope."""
    operands = node.operands if isinstance(node, CycleNode) else ()
    within = [variables_in(operands)]
    within += [item.variables() for item in node.expressions() if isinstance(item, FilteredValue)]
    return (variable for variables in within for variable in variables if variable.base is None)


def _keys(variable: Variable) -> Keys:
    keys: list[str] = []
    for member in variable.members:
        if not isinstance(member, Constant) or not isinstance(member.value, str):
            break
        keys.append(member.value)
    return tuple(keys)


@lru_cache(maxsize=256)
def compile_liquid(text: str) -> LiquidTemplate:
    """Read a template, which is known to be sound."""
    return LiquidTemplate(_ENVIRONMENT.from_string(text))


def liquid_problem(text: str) -> str | None:
    """Tell what is wrong with a template, with the line; None when nothing is."""
    try:
        compile_liquid(text)
    except LiquidError as error:
        return _described(error)
    return None


def _described(error: LiquidError) -> str:
    message = str(error.message)
    token = error.token
    if token is None or token.start_index < 0 or not token.source:
        return message
    before = token.source[: token.start_index]
    line = before.count("\n") + 1
    return f"{message} (line {line}, column {len(before) - before.rfind(chr(10))})"

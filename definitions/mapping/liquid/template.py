"""@liquid: templates on python-liquid, with the language, the limits and the answers of Segment's engine.

Segment runs liquidjs. python-liquid reads a template and renders it; the tokens of expressions, operators,
values and filters are our own, because liquidjs differs there. What Segment passes over in silence, such as
an unknown filter, is refused, and so is what gives another answer each time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from io import StringIO
from itertools import chain, islice, product, takewhile
from typing import TYPE_CHECKING, Any

from liquid import BoundTemplate, Environment
from liquid.ast import BlockNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.decrement_tag import DecrementNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.increment_tag import IncrementNode
from liquid.builtin.tags.liquid_tag import LiquidNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.exceptions import LiquidError, LiquidSyntaxError
from liquid.parser import get_parser
from liquid.token import TOKEN_EXPRESSION

from ..failure import fail
from .context import JavaScriptContext
from .expression import paths_in
from .tags import TAGS, compute
from .tokens import TagStream
from .values import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from liquid.ast import Node
    from liquid.builtin.expressions import Path
    from liquid.token import Token

    from ..paths import Keys


_MOST_BRANCHES = 64
_QUOTED = r"""(?>"(?>\\.|[^"\\])*"|'(?>\\.|[^'\\])*')"""
# Raw text and tags are matched to pass over the quotes in them, which liquidjs does not heed.
_MARKUP = re.compile(
    r"\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}"
    r"|\{%.*?%\}"
    rf"|(?P<output>\{{\{{(?>{_QUOTED}|(?!\}}\}}).)*\}}\}})",
    re.DOTALL,
)


class _Environment(Environment):
    suppress_blank_control_flow_blocks = False
    block_nesting_limit = 64
    logical_not_operator = True
    logical_parentheses = True  # around what `not` negates; a template cannot write them

    def tokenizer(self) -> Callable[[str], Iterator[Token]]:
        """Return a tokenizer to which, as to liquidjs, `}}` within quotes does not end an output."""
        tokenize = super().tokenizer()

        def tokens(text: str) -> Iterator[Token]:
            for token in tokenize(_MARKUP.sub(_without_braces, text)):
                start = token.start_index
                is_expression = token.kind == TOKEN_EXPRESSION
                yield token._replace(value=text[start : start + len(token.value)]) if is_expression else token

        return tokens

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Register our tags; the context knows the filters."""
        del extra
        for tag in TAGS:
            self.add_tag(tag)


def _without_braces(markup: re.Match[str]) -> str:
    """Put another character for each brace within the quotes of an output, so python-liquid finds its end."""
    if markup["output"] is None:
        return markup[0]
    return re.sub(_QUOTED, lambda quoted: quoted[0].replace("}", "_"), markup[0], flags=re.DOTALL)


_ENVIRONMENT = _Environment()


class LiquidTemplate:
    """A template, ready to render."""

    def __init__(self, template: BoundTemplate) -> None:
        self._template = template

    def render(self, payload: Any, place: str, *, is_identifier: bool = False) -> str:
        """Render the template against a payload; of an identifier, every output must be one. Raises MappingError."""
        buffer = StringIO()
        try:
            context = JavaScriptContext(self._template, payload, is_identifier=is_identifier)
            self._template.render_with_context(context, buffer)
        except TemplateError as failure:
            fail(place, str(failure))
        except LiquidError as error:
            fail(place, _described(error))
        return buffer.getvalue()

    def branches(self) -> Iterator[LiquidTemplate]:
        """Yield what is left of the template for each way in which its conditions may come out, the first few dozen."""
        for nodes in islice(_decided(self._template.nodes), _MOST_BRANCHES):
            yield LiquidTemplate(BoundTemplate(_ENVIRONMENT, nodes))

    @property
    def paths(self) -> list[Keys]:
        """The paths of the payload that the template can read; one without keys means that it can read anything."""
        found: list[Keys] = []
        assigned: set[str] = set()
        for node, is_certain in _nodes(self._template):
            keys: list[Keys] = [(str(node.name),)] if isinstance(node, DecrementNode | IncrementNode) else []
            keys += [_keys(path) for expression in node.expressions() for path in paths_in(expression)]
            found += [path for path in keys if not path or path[0] not in assigned]
            if is_certain and isinstance(node, AssignNode):
                assigned.add(str(node.name))
        return found


def _decided(nodes: Sequence[Node]) -> Iterator[list[Node]]:
    """Yield nodes with one of the branches in the place of each condition, in every combination."""
    for chosen in product(*[list(islice(_choices(node), _MOST_BRANCHES)) for node in nodes]):
        yield [*chain.from_iterable(chosen)]


def _choices(node: Node) -> Iterator[list[Node]]:
    if isinstance(node, LiquidNode):
        yield from _decided(node.block.nodes)
    elif isinstance(node, CaptureNode):
        for nodes in _decided(node.block.nodes):
            yield [CaptureNode(node.token, node.name, BlockNode(node.token, nodes))]
    elif isinstance(node, IfNode | UnlessNode):
        blocks = [node.consequence, *(branch.block for branch in node.alternatives)]
        for block in blocks:
            yield from _decided(block.nodes)
        yield from _decided(node.default.nodes if node.default is not None else [])
    else:
        yield [node]


def _nodes(template: BoundTemplate) -> Iterator[tuple[Node, bool]]:
    """Yield every node in order, and whether it is rendered whatever the payload is."""
    context = JavaScriptContext(template, {})
    stack = [(node, True) for node in reversed(template.nodes)]
    while stack:
        node, is_certain = stack.pop()
        yield node, is_certain
        stack += [(child, False) for child in reversed([*node.children(context)])]


def _keys(path: Path) -> Keys:
    return tuple(takewhile(lambda key: isinstance(key, str), path.path))  # type: ignore[arg-type]  # text alone is left


@lru_cache(maxsize=256)
def compile_liquid(text: str) -> LiquidTemplate:
    """Read a template. Raises LiquidError."""
    nodes = get_parser(_ENVIRONMENT).parse(TagStream(_ENVIRONMENT.tokenizer()(text)))
    template = BoundTemplate(_ENVIRONMENT, nodes)
    for node, _ in _nodes(template):
        try:
            compute(node)
        except TemplateError as failure:
            raise LiquidSyntaxError(str(failure), token=node.token) from None
    return LiquidTemplate(template)


def liquid_problem(text: str) -> str | None:
    """Return what is wrong with a template, with the line; None if nothing is."""
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

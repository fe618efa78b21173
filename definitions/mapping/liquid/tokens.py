"""The tokens of Liquid expressions, as Segment's engine (liquidjs) finds them in the text of a tag or an output.

python-liquid parses and evaluates them. Its own tokens differ: it knows no escapes in texts and more keywords.
What liquidjs would pass over in silence, or python-liquid would group otherwise, is refused.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from liquid import TokenStream
from liquid.exceptions import LiquidSyntaxError
from liquid.token import (
    TOKEN_AND,
    TOKEN_BLANK,
    TOKEN_CONTAINS,
    TOKEN_DOT,
    TOKEN_EMPTY,
    TOKEN_EOF,
    TOKEN_EQ,
    TOKEN_EXPRESSION,
    TOKEN_FLOAT,
    TOKEN_GE,
    TOKEN_GT,
    TOKEN_IDENTINDEX,
    TOKEN_IDENTSTRING,
    TOKEN_INTEGER,
    TOKEN_LBRACKET,
    TOKEN_LE,
    TOKEN_LPAREN,
    TOKEN_LT,
    TOKEN_NE,
    TOKEN_NOT,
    TOKEN_OR,
    TOKEN_PIPE,
    TOKEN_RANGE_LITERAL,
    TOKEN_RBRACKET,
    TOKEN_RPAREN,
    TOKEN_STRING,
    TOKEN_TAG,
    TOKEN_WORD,
    Token,
    operators,
)

from ...javascript.values import string_to_number, to_string

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BLANK = (
    "\t\n\v\f\r \u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_WORD = rf"(?:[A-Za-z0-9_?-]|(?![{_BLANK}\u201c\u201d])[^\x00-\x7f])"
_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_TOKEN = re.compile(
    rf"(?P<gap>[{_BLANK}]+(?=\[|\.(?!\.)))"
    rf"|(?P<space>[{_BLANK}]+)"
    rf"|(?P<{TOKEN_STRING}>{_STRING})"
    rf"|(?P<{TOKEN_IDENTSTRING}>\[[{_BLANK}]*(?:{_STRING})[{_BLANK}]*\])"
    rf"|(?P<{TOKEN_IDENTINDEX}>\[[{_BLANK}]*[+-]?[0-9]+[{_BLANK}]*\])"
    rf"|(?P<constant>\[[{_BLANK}]*(?:true|false|nil|null|empty|blank|[+-]?[0-9]+\.[0-9]*)[{_BLANK}]*\])"
    rf"|(?P<{TOKEN_FLOAT}>[+-]?[0-9]+\.(?!\.)[0-9]*(?!{_WORD}))"
    rf"|(?P<{TOKEN_INTEGER}>[+-]?[0-9]+(?!{_WORD}))"
    rf"|(?P<{TOKEN_WORD}>{_WORD}+)"
    r"|(?P<sign>[=!<>]=|\.\.|[<>=|:,.()\[\]])",
    re.DOTALL,
)
_MEMBER = re.compile(rf"[{_BLANK}]*(?P<{TOKEN_WORD}>{_WORD}+)")
_LITERALS = frozenset({"true", "false", "nil", "null", "empty", "blank"})
_COMPARISONS = frozenset({TOKEN_EQ, TOKEN_NE, TOKEN_LT, TOKEN_LE, TOKEN_GT, TOKEN_GE, TOKEN_CONTAINS})
_KEYWORDS = _LITERALS | {TOKEN_AND, TOKEN_OR, TOKEN_NOT, TOKEN_CONTAINS}
_FIRST_OF_VALUE = _LITERALS | {TOKEN_STRING, TOKEN_INTEGER, TOKEN_FLOAT, TOKEN_WORD, TOKEN_RANGE_LITERAL}
_LAST_OF_VALUE = (
    _LITERALS
    | {TOKEN_STRING, TOKEN_INTEGER, TOKEN_FLOAT, TOKEN_WORD, TOKEN_IDENTSTRING, TOKEN_IDENTINDEX}
    | {TOKEN_RBRACKET, TOKEN_RPAREN}
)
_MEMBERS = frozenset({TOKEN_DOT, TOKEN_IDENTSTRING, TOKEN_IDENTINDEX, TOKEN_LBRACKET})
_WITH_MEMBERS = _LITERALS | {TOKEN_STRING, TOKEN_INTEGER, TOKEN_FLOAT, TOKEN_RPAREN}
_CONSTANT_KEYS = {"nil": "null", "empty": "", "blank": ""}
_EMPTY_EXPRESSIONS = {"decrement": '[""]', "echo": '""', "increment": '[""]'}
"""What liquidjs reads in a tag without an expression."""
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{0,4})|([0-7]{1,3})|(.))", re.DOTALL)
# python-liquid reads and evaluates what is nested by recursion.
_MAX_NESTED = 40
_MAX_OPERATORS = 100
_MAX_SHOWN = 30


class Base(str):
    """A value in the place of a path's name, where python-liquid reads names only."""

    __slots__ = ("tokens",)

    tokens: list[Token]


class ExpressionStream(TokenStream):
    """The tokens of one expression."""

    def __init__(self, expression: Token) -> None:
        super().__init__(iter(_with_bases(_grouped(_tokens(expression)))))
        if self.tokens and self.tokens[-1].kind == TOKEN_PIPE:
            self.tokens.pop()  # liquidjs allows | without a filter at the end
        end = expression.start_index + len(expression.value)
        # With a place, so an error about the end has one.
        self.eof = Token(TOKEN_EOF, TOKEN_EOF, end, expression.source)


class TagStream(TokenStream):
    """The tokens of a template, whose expressions are read in our way."""

    def __init__(self, tokens: Iterator[Token], block_depth_carry: int = 0) -> None:
        super().__init__(_with_expressions(tokens), block_depth_carry)

    def into_inner(self, *, tag: Token | None = None, eat: bool = True) -> TokenStream:
        """Return the tokens of the expression that comes next. Raises LiquidSyntaxError when there is none."""
        token = self.current
        if token.kind != TOKEN_EXPRESSION:
            raise LiquidSyntaxError("missing expression", token=tag or token)
        if eat:
            next(self)
        return ExpressionStream(token)


def property_path(text: str) -> list[str | int]:
    """Return the keys of a path that a filter takes, such as `"price.amount"`. Raises LiquidSyntaxError."""
    keys = {TOKEN_WORD: str, TOKEN_IDENTSTRING: str, TOKEN_IDENTINDEX: int}
    # Behind a dot, digits and words such as `true` are keys like any other.
    path = text if not text or text.startswith("[") else f".{text}"
    tokens = _tokens(Token(TOKEN_EXPRESSION, path, 0, path))
    return [keys[token.kind](token.value) for token in tokens if token.kind in keys]


def _tokens(expression: Token) -> Iterator[Token]:
    """Find the tokens. Raises LiquidSyntaxError."""
    text, at, previous = expression.value, 0, ""
    while at < len(text):
        match = (_MEMBER if previous == TOKEN_DOT else _TOKEN).match(text, at)
        if match is None:
            raise _error(_unreadable(text[at]), expression, at)
        kind, value = str(match.lastgroup), match[str(match.lastgroup)]
        start, at = match.start(kind), match.end()
        if kind == TOKEN_WORD and previous != TOKEN_DOT and value in _KEYWORDS:
            kind = value
        elif kind == "sign":
            # liquidjs has ranges in parentheses, and nothing else.
            kind = TOKEN_RANGE_LITERAL if value == "(" else operators.get(value, "")
        elif kind == TOKEN_STRING:
            value = _ESCAPE.sub(_unescaped, value[1:-1])
        elif kind == "constant":
            kind, value = TOKEN_IDENTSTRING, _constant_key(value[1:-1].strip(_BLANK))
        elif kind in {TOKEN_IDENTSTRING, TOKEN_IDENTINDEX}:
            value = value[1:-1].strip(_BLANK)
            value = _ESCAPE.sub(_unescaped, value[1:-1]) if kind == TOKEN_IDENTSTRING else value
        # Segment drops the second of two values in a row, and the rest of a path after a space.
        if previous in _LAST_OF_VALUE and (kind in _FIRST_OF_VALUE or kind == "gap"):
            raise _error("expected an operator, a comma or |", expression, at if kind == "gap" else start)
        if kind not in {"space", "gap"}:
            previous = kind
            yield Token(kind, value, expression.start_index + start, expression.source)


def _grouped(tokens: Iterable[Token]) -> Iterator[Token]:
    """Put `not` and what it negates in parentheses, or else python-liquid negates all that comes after `not`.

    Raises LiquidSyntaxError for comparisons of comparisons, which it groups otherwise, and beyond the limits.
    """
    nested = operations = negations = 0
    compared = is_filtered = False
    previous = ""
    for token in tokens:
        kind = token.kind
        nested += kind in {TOKEN_LBRACKET, TOKEN_NOT, TOKEN_RANGE_LITERAL}
        operations += kind in {TOKEN_AND, TOKEN_OR}
        if nested > _MAX_NESTED or operations > _MAX_OPERATORS:
            limits = f"{_MAX_NESTED} brackets and {_MAX_OPERATORS} operators"
            raise LiquidSyntaxError(f"an expression has at most {limits}", token=token)
        if kind in {TOKEN_AND, TOKEN_OR, TOKEN_PIPE}:
            yield from [token._replace(kind=TOKEN_RPAREN, value=")")] * negations
            negations, compared, is_filtered = 0, False, is_filtered or kind == TOKEN_PIPE
        elif kind in _COMPARISONS:
            if compared:
                raise LiquidSyntaxError("compare two values at a time, and join comparisons with and", token=token)
            compared = True
        elif kind == TOKEN_NOT:
            if previous in _COMPARISONS:
                raise LiquidSyntaxError("write not before the comparison", token=token)
            negations += 1
            yield token._replace(kind=TOKEN_LPAREN, value="(")
        previous = kind
        yield token
    if negations:
        yield from [token._replace(kind=TOKEN_RPAREN, value=")")] * negations


def _with_bases(tokens: Iterable[Token]) -> list[Token]:
    """Put what python-liquid does not read in a Base: values with members, and words that a filter is given."""
    result: list[Token] = []
    opened: list[int] = []
    start, is_filtered = 0, False
    for token in tokens:
        if token.kind in _MEMBERS and result and result[-1].kind in _WITH_MEMBERS:
            _replace_by_base(result, start)
        start = opened.pop() if token.kind == TOKEN_RPAREN and opened else len(result)
        if token.kind in {TOKEN_LPAREN, TOKEN_RANGE_LITERAL}:
            opened.append(len(result))
        is_filtered = is_filtered or token.kind == TOKEN_PIPE
        result.append(token)
        if is_filtered and token.kind in {TOKEN_BLANK, TOKEN_EMPTY}:
            _replace_by_base(result, start)
    return result


def _replace_by_base(tokens: list[Token], start: int) -> None:
    # Within brackets python-liquid reads paths that begin with a name, and a Base is not one to the context.
    if start and tokens[start - 1].kind == TOKEN_LBRACKET:
        return
    base = Base(tokens[start].value)
    base.tokens = tokens[start:]
    tokens[start:] = [tokens[start]._replace(kind=TOKEN_WORD, value=base)]


def _with_expressions(tokens: Iterable[Token]) -> Iterator[Token]:
    """Give an expression to each tag that may be without one."""
    for token, following in pairwise([*tokens, TokenStream.eof]):
        yield token
        if token.kind == TOKEN_TAG and token.value in _EMPTY_EXPRESSIONS and following.kind != TOKEN_EXPRESSION:
            yield token._replace(kind=TOKEN_EXPRESSION, value=_EMPTY_EXPRESSIONS[token.value])


def _constant_key(text: str) -> str:
    """Return the key that a constant in brackets names, as in `sizes[1.5]`."""
    if text in _LITERALS:
        return _CONSTANT_KEYS.get(text, text)
    return to_string(string_to_number(text))


def _error(message: str, expression: Token, at: int) -> LiquidSyntaxError:
    rest = expression.value[at : at + _MAX_SHOWN]
    place = Token(TOKEN_EXPRESSION, rest, expression.start_index + at, expression.source)
    return LiquidSyntaxError(f'{message} at "{rest}"', token=place)


def _unreadable(char: str) -> str:
    return r"a text has no closing quote (in a tag, write %} as \u0025})" if char in "'\"" else "expected a value"


def _unescaped(match: re.Match[str]) -> str:
    if match[1] is not None:
        return chr(int(match[1] or "0", 16))
    if match[2] is not None:
        return chr(int(match[2], 8))
    return _ESCAPES.get(match[3], match[3])

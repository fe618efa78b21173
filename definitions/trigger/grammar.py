"""The grammar of triggers, read without recursion, so no nesting can exhaust the stack.

    trigger    = level
    level      = condition { [ "and" | "or" ] condition }      one of the two for a whole level; none means "and";
                                                               so does AND, and OR beside an or means it too
    condition  = "(" level ")"
               | subject operator value
               | [ "!" ] ( "contains" | "match" ) "(" subject "," value ")"
    subject    = "type" | "event" | "name" | "userId" | ( "properties" | "traits" | "context" ) { "." word }
    operator   = "=" | "!=" | "<" | "<=" | ">" | ">="
    value      = text | number | "null" | "true" | "false" | word { "." word }

Source: the answers of Segment's parser (`@segment/destination-subscriptions`), recorded in the conformance vectors.
What Segment would misread is refused here, with the reason and the rewrite.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import TriggerError
from ..javascript.values import type_name
from .condition_reader import ConditionReader
from .conditions import joined
from .fault import fault
from .lexer import Lexer
from .rewrites import groupings, negated

if TYPE_CHECKING:
    from .conditions import Connective, Node
    from .lexer import Token

MAX_LENGTH = 250_000
"""How many characters a trigger may have."""
MAX_DEPTH = 100
"""How deep parentheses may be nested."""

_EXAMPLE = 'Write for instance type = "track", or type = "track" and event = "Order Completed".'


@dataclass(slots=True)
class _Level:
    """What has been read between two parentheses, or at the top."""

    opening: Token | None = None
    negation: Token | None = None
    parts: list[Node] = field(default_factory=list)
    connectives: list[tuple[Connective, Token]] = field(default_factory=list)


def parse(source: str, *, is_published: bool = False) -> Node:
    """Read a trigger. Raises TriggerError, whose `position` is the spot."""
    if not isinstance(source, str):
        raise TriggerError(f"a trigger is a text, got {type_name(source)}. {_EXAMPLE}", source="", position=0)
    if len(source) > MAX_LENGTH:
        raise fault(source, MAX_LENGTH, f"a trigger may have at most {MAX_LENGTH} characters; this has {len(source)}")
    return _Parser(source, is_published=is_published).parse()


class _Parser:
    def __init__(self, source: str, *, is_published: bool) -> None:
        self._lexer = Lexer(source, is_published=is_published)
        self._reader = ConditionReader(self._lexer, is_published=is_published)
        self._levels = [_Level()]
        self._is_published = is_published

    def parse(self) -> Node:
        while True:
            self._read_condition()
            while self._lexer.current.kind == ")":
                self._close()
            if self._lexer.current.kind == "end":
                return self._end()
            self._read_connective()

    def _fault(self, token: Token, problem: str, advice: str = "") -> TriggerError:
        return fault(self._lexer.source, token.position, problem, advice)

    def _read_condition(self) -> None:
        while True:
            token = self._lexer.current
            if token.kind in {"end", ")"} or token.is_connective:
                raise self._missing_condition(token)
            negation = self._lexer.advance() if token.kind == "!" else None
            if self._lexer.current.kind != "(":
                self._levels[-1].parts.append(self._reader.read(negation))
                return
            if len(self._levels) > MAX_DEPTH:
                raise self._fault(token, f"parentheses may be nested {MAX_DEPTH} deep at most")
            self._levels.append(_Level(self._lexer.advance(), negation))

    def _read_connective(self) -> None:
        token = self._lexer.current
        if token.is_connective or _is_in_capitals(token):
            self._lexer.advance()
            self._levels[-1].connectives.append(("or" if token.text.lower() == "or" else "and", token))
        elif token.kind in {"(", "!"} or self._reader.can_begin(token):
            self._levels[-1].connectives.append(("and", token))
        elif token.kind == "," and self._is_published:
            # Segment passes over it, and takes `and` for a lack of words.
            self._levels[-1].connectives.append(("and", self._lexer.advance()))
        else:
            advice = ""
            if token.kind == "word" and (word := str(token.value)) in {"and", "or"}:
                advice = f"Write {word}, in small letters and with a space after it."
            elif token.kind == "word":
                advice = "A text of several words needs double quotes around it."
            elif token.kind == ",":
                advice = "Replace the comma with `and`, or with `or` if one of the two is enough."
            raise self._fault(token, f"expected `and`, `or` or the end, found {token}", advice)

    def _close(self) -> None:
        level = self._levels.pop()
        if level.opening is None:
            raise self._fault(
                self._lexer.current, "this parenthesis closes nothing", "Leave it out, or open one before."
            )
        self._lexer.advance()
        node = self._joined(level)
        if level.negation is not None:
            raise self._fault(
                level.negation, "`!` before a parenthesis is refused, because Segment ignores it", negated(node)
            )
        self._levels[-1].parts.append(node)

    def _end(self) -> Node:
        level = self._levels[-1]
        if level.opening is not None:
            raise self._fault(level.opening, "this parenthesis is never closed", "Write the ) that belongs to it.")
        return self._joined(level)

    def _joined(self, level: _Level) -> Node:
        """Join what a level holds. Raises TriggerError when it mixes `and` with `or`."""
        words = [word for word, _ in level.connectives]
        if len(set(words)) > 1:
            position = next(token.position for word, token in level.connectives if word != words[0])
            problem = (
                "`and` and `or` are mixed without parentheses; "
                "this is refused, because Segment would use the last one for all"
            )
            raise fault(self._lexer.source, position, problem, groupings(level.parts, words))
        if words and words[0] == "or" and all(_is_in_capitals(token) for _, token in level.connectives):
            problem = "Segment ignores `OR` in capitals, and would use `and` here"
            raise self._fault(level.connectives[0][1], problem, "Write or, in small letters.")
        return joined(words[0] if words else "and", level.parts)

    def _missing_condition(self, token: Token) -> TriggerError:
        level = self._levels[-1]
        if level.connectives:
            word = level.connectives[-1][0]
            return self._fault(token, f"a condition is missing after `{word}`, found {token}", _EXAMPLE)
        if token.is_connective:
            return self._fault(token, f"a condition is missing before {token}", _EXAMPLE)
        if level.opening is None:
            if token.kind == "end":
                return self._fault(token, "a trigger cannot be empty", _EXAMPLE)
            return self._fault(token, "this parenthesis closes nothing", _EXAMPLE)
        if token.kind == "end":
            return self._fault(level.opening, "this parenthesis is never closed", "Write the ) that belongs to it.")
        return self._fault(token, "there is nothing between these parentheses", _EXAMPLE)


def _is_in_capitals(token: Token) -> bool:
    """Return whether a word is `AND`, `Or` or the like. Segment passes over it, and takes `and` for a lack of words."""
    return token.kind == "word" and token.text.lower() in {"and", "or"} and token.text not in {"and", "or"}

"""Reads one condition: a comparison, or one of the two functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..javascript.values import to_string
from ..nearest import nearest
from ..text import printable, shortened
from .comparison import WITHOUT_NULL, comparison
from .conditions import (
    FUNCTIONS,
    OBJECT_SUBJECTS,
    SUBJECTS,
    TEXT_SUBJECTS,
    Condition,
    Operator,
    Subject,
    path_segments,
    value_text,
    word_text,
)
from .fault import fault
from .lexer import MAX_TEXT

if TYPE_CHECKING:
    from ..errors import TriggerError
    from .comparison import WrittenValue
    from .lexer import Lexer, Token

_VALUES = "Write a text in double quotes, a number, true, false or null."
_SIGNS = "Write one of = != < <= > >=, with spaces around it."
_WORDS_FOR_OPERATORS = {
    "is": "Write = for that.",
    "in": 'Write one comparison for each value: (event = "A" or event = "B").',
    "contains": 'Write contains(event, "Order").',
    "match": 'Write match(event, "Order*").',
}
_NAME = r"""(?:\\.|[^\s=!<>(),"'\\])++"""
_SPACED_PATH = re.compile(rf"(?:properties|traits|context)\.(?P<path>{_NAME}(?:[ \t]++{_NAME})++)[ \t]*+(?=[=<>,)]|!=)")
_ESCAPED_OR_SPACE = re.compile(r"(?:\\.|[^\s\\])+")
_AROUND_DOT = re.compile(r"[ \t]*(?<!\\)\.[ \t]*")
_UNESCAPED_DOT = re.compile(r"(?<!\\)\.")
_ESCAPE = re.compile(r"\\(.)")
_NOT_IN_A_NAME = frozenset({"and", "or", "is", "in", "contains", "match", "not"})
_TWO = 2
_WORDS_FOR_VALUES = {
    "true": "true",
    "false": "false",
    **dict.fromkeys(("null", "none", "nil", "undefined"), "null"),
}
"""Words that other languages have for the values of FQL, in small letters."""


class ConditionReader:
    """Reads conditions from a lexer, which it leaves at the token behind each.

    In a published definition (`is_published`) null is compared as a text where Segment does that, and an operator that
    Segment reads as two is read so.
    """

    def __init__(self, lexer: Lexer, *, is_published: bool) -> None:
        self._lexer = lexer
        self._is_published = is_published

    def can_begin(self, token: Token) -> bool:
        """Return whether a condition can begin with a token."""
        word = str(token.value)
        root = word.partition(".")[0]
        return token.kind == "word" and (word in FUNCTIONS or root in TEXT_SUBJECTS or root in OBJECT_SUBJECTS)

    def read(self, negation: Token | None) -> Condition:
        """Read a condition; `negation` is the `!` before it. Raises TriggerError."""
        token = self._lexer.current
        if token.kind != "word":
            advice = f"A condition begins with what it asks about: {SUBJECTS}, or with contains( or match(."
            raise self._fault(token, f"expected a condition, found {token}", advice)
        if token.value in FUNCTIONS:
            return self._function(is_negated=negation is not None)
        if negation is None:
            return self._comparison()
        if self._lexer.source.startswith("(", token.end):
            raise self._unknown_function(token)
        problem = "`!` can negate contains and match only; Segment ignores this one"
        raise self._fault(negation, problem, "Compare with != instead.")

    def _fault(self, token: Token, problem: str, advice: str = "") -> TriggerError:
        return fault(self._lexer.source, token.position, problem, advice)

    def _comparison(self) -> Condition:
        subject = self._subject()
        sign = self._lexer.current
        if sign.kind not in {"operator", "split operator"}:
            advice = _WORDS_FOR_OPERATORS.get(str(sign.value), _SIGNS)
            raise self._fault(sign, f"expected an operator after the subject, found {sign}", advice)
        self._lexer.advance()
        token = self._lexer.current
        value = self._value(f"after `{sign.text}`")
        if value is None and subject.root in WITHOUT_NULL and not self._is_published:
            problem = f'{subject.root} is never null in FQL: Segment compares it with the text "null"'
            raise self._fault(token, problem, _instead_of_null(subject, sign.text))
        if value == token.text and token.kind == "word" and not self._is_published:
            self._check_word(token)
        if sign.kind == "split operator":
            if not self._is_published or self.can_begin(token):
                raise self._split_operator(subject, sign, token)
            # Segment passes over the value, unless it is a condition for itself. This one never holds.
            return comparison(subject, sign.text[0], "=")
        return comparison(subject, sign.text, value)

    def _split_operator(self, subject: Subject, sign: Token, value: Token) -> TriggerError:
        if sign.text == "==":
            return self._fault(sign, "`==` is not an operator", "Write = for that.")
        misread = f"Segment reads `{sign.text[0]}` and the text `=` here, which never holds"
        rewrite = shortened(f"{subject} {sign.text} {value.text}")
        return self._fault(sign, f"`{sign.text}` needs a space after it: {misread}", f"Write {rewrite}.")

    def _check_word(self, token: Token) -> None:
        """Raise TriggerError for a word of another language: Segment compares with it as a text."""
        word = token.text
        meant = _WORDS_FOR_VALUES.get(word.lower())
        if meant is not None and word != meant:
            problem = f"`{word}` without quotes is a text to Segment"
            raise self._fault(token, problem, f'Write {meant}, or "{word}" in quotes for the text.')

    def _function(self, *, is_negated: bool) -> Condition:
        name = self._lexer.advance()
        self._expect("(", f"`{name.value}` is a function", f'Write {name.value}(event, "…").')
        place = self._lexer.current
        if place.kind != "word":
            raise self._fault(place, f"{name.value} needs a subject first, found {place}", f"Write one of {SUBJECTS}.")
        subject = self._subject()
        if subject.root == "type":
            advice = 'Compare with = instead: type = "track" or type = "page".'
            raise self._fault(place, f"{name.value} cannot ask about type", advice)
        self._expect(",", f"{name.value} needs two arguments, a subject and a text", "Write a comma and the text.")
        token = self._lexer.current
        value = self._value(f"as the second argument of {name.value}")
        if name.value == "contains":
            operator, text = Operator.CONTAINS, to_string(value)
        else:
            operator, text = self._pattern(subject, token)
        self._expect(")", f"{name.value} takes two arguments", "Close the parenthesis after them.")
        return Condition(subject, Operator(f"not_{operator.value}") if is_negated else operator, text)

    def _pattern(self, subject: Subject, token: Token) -> tuple[Operator, str]:
        """Read the pattern of match. Raises TriggerError unless it holds exactly one `*`, at an end of some text."""
        pattern = str(token.value)
        if token.kind != "text":
            raise self._fault(token, f"the pattern of match is a text in quotes, found {token}", 'Write "Order*".')
        text = pattern.strip("*")
        if text and "*" not in text and len(pattern) == len(text) + 1:
            return (Operator.STARTS_WITH if pattern.endswith("*") else Operator.ENDS_WITH), text
        problem = "a pattern of match must hold exactly one *, at its beginning or at its end"
        raise self._fault(token, problem, _instead_of_match(subject, pattern))

    def _subject(self) -> Subject:
        self._check_spaces(self._lexer.current)
        token = self._lexer.advance()
        path = self._dotted(token)
        root, dot, rest = path.partition(".")
        if root in OBJECT_SUBJECTS:
            if segments := path_segments(rest):
                return Subject(root, segments)
            advice = f"Write {root}.plan, for instance; alone, Segment takes it for {root}.{root}."
            raise self._fault(token, f"`{root}` needs the name of a value in it", advice)
        if root in TEXT_SUBJECTS:
            if not dot:
                return Subject(root)
            raise self._fault(token, f"`{root}` is a text and has nothing in it", f"Write {root} alone.")
        raise self._unknown(token, printable(shortened(path)), root)

    def _check_spaces(self, token: Token) -> None:
        """Raise TriggerError for a name with spaces that are not escaped: only the first word would be read."""
        match = _SPACED_PATH.match(self._lexer.source, token.position)
        if match is None or token.value not in OBJECT_SUBJECTS:
            return
        path = _AROUND_DOT.sub(".", match["path"])
        words = _ESCAPED_OR_SPACE.findall(path)
        if len(words) < _TWO or any(word.lower() in _NOT_IN_A_NAME for word in words[1:]):
            return
        names = [_ESCAPE.sub(r"\1", name.strip()) for name in _UNESCAPED_DOT.split(path)]
        advice = f"Write {'.'.join((str(token.value), *map(word_text, names)))}."
        position = match.start("path") + len(words[0])
        raise fault(self._lexer.source, position, "a space in a name needs a backslash before it", advice)

    def _unknown(self, token: Token, path: str, root: str) -> TriggerError:
        if path.lower() == "not":
            advice = "Write != in the comparison itself, or !contains( and !match(."
            return self._fault(token, "there is no `not`", advice)
        if self._lexer.current.kind == "(":
            if root in {"and", "or"}:
                return self._fault(token, f"`{root}` must be followed by a space", "Put a space there.")
            return self._unknown_function(token)
        problem = (
            f"`{path}` is not a value that a trigger can ask about{nearest(root, TEXT_SUBJECTS + OBJECT_SUBJECTS)}"
        )
        return self._fault(token, problem, f"It can ask about {SUBJECTS}.")

    def _unknown_function(self, token: Token) -> TriggerError:
        advice = 'There are two: contains(event, "Order") and match(event, "Order*").'
        hint = nearest(str(token.value), FUNCTIONS)
        return self._fault(token, f"there is no function {token} in triggers{hint}", advice)

    def _dotted(self, first: Token) -> str:
        words = [str(first.value)]
        length = len(words[0])
        while self._lexer.current.kind == ".":
            words.append(self._lexer.path_segment())
            length += 1 + len(words[-1])
            if length >= MAX_TEXT:
                raise self._fault(first, f"words and dots together may have fewer than {MAX_TEXT} characters")
        return ".".join(words)

    def _value(self, place: str) -> WrittenValue:
        token = self._lexer.current
        if token.kind in {"text", "number"}:
            return self._lexer.advance().value
        if token.kind == "word":
            self._lexer.advance()
            word = self._dotted(token)
            if self._lexer.current.kind == "(" and self._lexer.current.position == token.end:
                raise self._unknown_function(token)
            return {"true": True, "false": False, "null": None}.get(word, word)
        if token.kind == "keyword" and not token.is_connective:
            self._lexer.advance()
            return None
        advice = "Write a digit before the dot, as in 0.5." if token.kind == "." else _VALUES
        raise self._fault(token, f"expected a value {place}, found {token}", advice)

    def _expect(self, kind: str, reason: str, advice: str) -> None:
        if self._lexer.current.kind != kind:
            token = self._lexer.current
            raise self._fault(token, f"{reason}: expected `{kind}`, found {token}", advice)
        self._lexer.advance()


def _instead_of_null(subject: Subject, sign: str) -> str:
    if subject.root == "type":
        return 'Every event has a type: leave this out, or write type = "track", for instance.'
    if sign == "!=":
        return 'For any event name, write contains(event, ""); for the text, event != "null".'
    return 'Only track events have a name: write type != "track", for instance; for the text, event = "null".'


def _instead_of_match(subject: Subject, pattern: str) -> str:
    name = shortened(str(subject))
    text = pattern.strip("*")
    if not text:
        return f'For any text at all, write contains({name}, "").'
    shown = value_text(shortened(text))
    if pattern.startswith("*") and pattern.endswith("*") and "*" not in text:
        return f"For a part of the text, write contains({name}, {shown})."
    first, star, last = pattern.partition("*")
    if first and last and "*" not in last:
        return f"Write match({name}, {value_text(shortened(f'{first}*'))}) and match({name}, {value_text(f'*{last}')})."
    if not star:
        return (
            f"For the whole text, write {name} = {shown}; for a part of it, contains({name}, {shown}); "
            f"for its beginning, match({name}, {value_text(shortened(text) + '*')})."
        )
    return f'Write a condition for each part, as in contains({name}, "a") and match({name}, "b*").'

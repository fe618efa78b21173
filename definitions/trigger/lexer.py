"""FQL's words, signs, texts and numbers, as Segment's lexer cuts them (`@segment/fql-ts`).

Where Segment's lexer fails, ours does; what it adds is the reason. Its odd corners:

- A keyword is one only before a space, `,`, `]`, `)` or the end: `and(` is a word.
- Texts have no escapes; words do: a backslash makes any character part of the word.
- A word ends before a space, `.`, `,`, `(`, `)`, `]`, `=` or `!`, and before nothing else: `total>5` fails.
- `!=` needs a space after it. `<=` without one is read as `<` and the text `=`.
- A number has no exponent.

One thing is otherwise: a carriage return is a space here. Segment fails on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NoReturn

from ..text import character_name, printable, shortened
from .conditions import KEYWORDS
from .fault import fault

MAX_TEXT = 100_000
"""How many characters a text or a word may have, as at Segment."""
MAX_DIGITS = 300
"""How many digits a number may have: so each is finite, and can be written out without an exponent."""

Kind = Literal["word", "keyword", "text", "number", "operator", "split operator", "!", "(", ")", ",", ".", "]", "end"]

_BLANKS = " \t\n\r"
_SPACE = re.compile(rf"[{_BLANKS}]*")
_WORD = re.compile(r"(?:[A-Za-z_]|\\.)(?:[A-Za-z0-9_-]|\\.)*", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NUMBER_LIKE = re.compile(r"[+-]?[0-9.]*")
_NUMBER = re.compile(r"[+-]?(?P<whole>[0-9]+)(?:\.(?P<fraction>[0-9]+))?|[+-]\.(?P<bare_fraction>[0-9]+)")
_UNESCAPED_NAME = re.compile(r"[0-9-][A-Za-z0-9_-]*")
_TERMINATORS = frozenset((*_BLANKS, ",", "]", ")", ""))
_AFTER_WORD = _TERMINATORS | frozenset(".(=!")
_SIGNS: dict[str, Kind] = {"(": "(", ")": ")", ",": ",", ".": ".", "]": "]"}

_WRONG_OPERATORS = {"==": "=", "=>": ">=", "=<": "<=", "<>": "!="}

_STRAIGHT_QUOTES = 'Write straight quotes, as in type = "track".'
_PLAIN_SPACE = "Write a plain space or a line feed there."
_PUT_A_SPACE = "<>\"'"
_HINTS = {
    **dict.fromkeys("\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb`", _STRAIGHT_QUOTES),
    **dict.fromkeys("\v\f\u00a0\u2009\u200b\u202f\u3000\ufeff", _PLAIN_SPACE),
    "&": "Conditions are joined by the word and.",
    "|": "Conditions are joined by the word or.",
    ":": "To compare with a text, write =.",
    ";": "A trigger has no end mark: leave it out.",
    "#": "A trigger cannot hold comments: leave it out.",
    "/": "A trigger cannot hold comments: leave it out.",
    "*": 'Write * only in the pattern of match, as in match(event, "Order*").',
    "$": "Write the path alone, as in properties.plan.",
    "{": "A trigger has no variables: write the value itself.",
    "[": 'For one of several values, write (event = "A" or event = "B"); '
    "for a place in a list, its number after a backslash: properties.items.\\0.",
    "\\": "A backslash makes the next character part of a word, and there is none.",
    **dict.fromkeys(_PUT_A_SPACE, "Put a space before it."),
}


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a trigger; `value` is what it stands for: unescaped, unquoted, or a number."""

    kind: Kind
    text: str
    position: int
    value: str | int | float = ""

    @property
    def end(self) -> int:
        """The offset just behind the token."""
        return self.position + len(self.text)

    @property
    def is_connective(self) -> bool:
        """Return whether this is the word `and` or `or`, not a text and not an escaped word."""
        return self.kind == "keyword" and self.text != "null"

    def __str__(self) -> str:
        """Name the token in a sentence."""
        return "the end" if self.kind == "end" else f"`{printable(shortened(self.text, 40))}`"


class Lexer:
    """Holds the token that comes next in `current`. Raises TriggerError where Segment's lexer fails.

    In a published definition (`is_published`) `==` is read as Segment does: as `=` and another `=`.
    """

    def __init__(self, source: str, *, is_published: bool = False) -> None:
        self.source = source
        self._is_published = is_published
        self._position = 0
        self.current = self._next()

    def advance(self) -> Token:
        """Return the current token and move on to the next; behind the end there is only the end."""
        token = self.current
        self.current = self._next()
        return token

    def path_segment(self) -> str:
        """Return the name behind the current dot, and move on. Raises TriggerError, also for a name not escaped."""
        start = self._skip_space()
        if name := _UNESCAPED_NAME.match(self.source, start):
            self._refuse_name(start, name[0], "a name in a path begins with a letter or _")
        token = self._next()
        if token.kind == "keyword":
            self._refuse_name(start, token.text, f"`{token.text}` is a word of the language")
        if token.kind != "word":
            raise fault(self.source, token.position, f"expected a name after the dot, found {token}")
        self.current = self._next()
        return str(token.value)

    def _next(self) -> Token:
        start = self._skip_space()
        character = self._at(start)
        if not character:
            return Token("end", "", len(self.source.rstrip(_BLANKS)))
        if word := _WORD.match(self.source, start):
            token = self._word(word[0], start)
        elif character in "\"'":
            token = self._text(start)
        elif character in "+-0123456789":
            token = self._number(start)
        elif character in "=!<>":
            token = self._operator(start)
        elif character in _SIGNS:
            token = Token(_SIGNS[character], character, start)
        else:
            self._refuse_character(start)
        self._position = token.end
        return token

    def _at(self, position: int) -> str:
        return self.source[position : position + 1]

    def _skip_space(self) -> int:
        if space := _SPACE.match(self.source, self._position):
            self._position = space.end()
        return self._position

    def _word(self, text: str, start: int) -> Token:
        end = start + len(text)
        if text in KEYWORDS and self._at(end) in _TERMINATORS:
            return Token("keyword", text, start, text)
        if self._at(end) not in _AFTER_WORD:
            self._refuse_character(end)
        word = _ESCAPE.sub(r"\1", text)
        if len(word) >= MAX_TEXT:
            raise fault(
                self.source, start, f"a word may have fewer than {MAX_TEXT} characters; this one has {len(word)}"
            )
        return Token("word", text, start, word)

    def _text(self, start: int) -> Token:
        quote = self.source[start]
        end = self.source.find(quote, start + 1) + 1
        if not end:
            raise fault(self.source, start, f"this text has no end: expected a closing {quote}")
        text = self.source[start:end]
        if len(text) - 2 >= MAX_TEXT:
            raise fault(
                self.source, start, f"a text may have fewer than {MAX_TEXT} characters; this one has {len(text) - 2}"
            )
        if self._at(end) not in _TERMINATORS:
            if self._at(end) in _HINTS and self._at(end) not in _PUT_A_SPACE:
                self._refuse_character(end)
            other = "single" if quote == '"' else "double"
            raise fault(
                self.source,
                end,
                "the text ended just before, and only a space, a comma or ) may follow",
                f"Put a space there; or, if {quote} is part of the text, put {other} quotes around it.",
            )
        return Token("text", text, start, text[1:-1])

    def _number(self, start: int) -> Token:
        text = match[0] if (match := _NUMBER_LIKE.match(self.source, start)) else ""
        number = _NUMBER.fullmatch(text)
        end = start + len(text)
        if number is None or self._at(end) not in _TERMINATORS:
            advice = "Write plain digits, as in 100000 or -0.5"
            if number is not None and self._at(end) in "eE":
                raise fault(self.source, end, "a number here has no exponent", f"{advice}.")
            raise fault(self.source, start, "this is not a number", f"{advice}; put a text in quotes.")
        whole = (number["whole"] or "").lstrip("0")
        fraction = (number["fraction"] or number["bare_fraction"] or "").rstrip("0")
        if len(whole) + len(fraction) > MAX_DIGITS:
            raise fault(self.source, start, f"a number may have at most {MAX_DIGITS} digits")
        return Token("number", text, start, _plain_number(text.startswith("-"), whole, fraction))

    def _operator(self, start: int) -> Token:
        character = self.source[start]
        following = self._at(start + 1)
        is_double = following == "=" and self._at(start + 2) in _TERMINATORS
        if character == following == "=" and self._is_published:
            return Token("split operator", "==", start)
        if right := _WRONG_OPERATORS.get(character + following):
            raise fault(self.source, start, f"`{character}{following}` is not an operator", f"Write {right} for that.")
        if character == "=":
            return Token("operator", "=", start)
        if character in "<>":
            if following == "=" and not is_double:
                return Token("split operator", f"{character}=", start)
            return Token("operator", f"{character}=" if is_double else character, start)
        if is_double:
            return Token("operator", "!=", start)
        if following == "=":
            raise fault(self.source, start + 2, "`!=` must be followed by a space", "Put a space there.")
        if following == "(" or (following.isascii() and following.isalpha()):
            return Token("!", "!", start)
        raise fault(
            self.source,
            start,
            "`!` is allowed only in != and directly before contains( or match(",
            'Write type != "track", or !contains(event, "Test").',
        )

    def _refuse_character(self, position: int) -> NoReturn:
        character = self.source[position]
        hint = _HINTS.get(character, "")
        if not hint and character.isalnum():
            hint = f"Only a to z and 0 to 9 are plain; before another letter write a backslash: \\{character}"
        raise fault(self.source, position, f"{character_name(character)} is not allowed here", hint)

    def _refuse_name(self, start: int, name: str, reason: str) -> NoReturn:
        escaped = printable(shortened(f"\\{name}", 40))
        raise fault(self.source, start, reason, f"Put a backslash before it: .{escaped}")


def _plain_number(is_negative: bool, whole: str, fraction: str) -> float:
    sign = "-" if is_negative else ""
    if not fraction:
        return int(f"{sign}{whole or '0'}")
    number = float(f"{sign}{whole or '0'}.{fraction}")
    return int(number) if number.is_integer() else number

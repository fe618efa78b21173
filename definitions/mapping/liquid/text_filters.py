"""Liquid filters on text."""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import re
import unicodedata
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...javascript.values import (
    WHITESPACE,
    is_truthy,
    paired,
    to_number,
    trim,
    trim_end,
    trim_start,
    utf16_length,
    utf16_slice,
    utf16_units,
)
from ...missing import MISSING
from ..limits import MAX_LIQUID_MEMORY
from .values import Budget, TemplateError, Word, plain, stringify

if TYPE_CHECKING:
    from collections.abc import Callable

_SPACES = re.compile(f"[{WHITESPACE}]+")
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"}
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+|%")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_CJK = "\u4e00-\u9fff\uf900-\ufaff\u3400-\u4dbf\u3040-\u309f\u30a0-\u30ff\uac00-\ud7af"
_CJK_WORD = re.compile(f"[{_CJK}]")
_OTHER_WORD = re.compile(f"[^{_CJK}{WHITESPACE}]+")
_BYTES_OF_PIECE = 64
_MOST_PIECES = MAX_LIQUID_MEMORY // _BYTES_OF_PIECE + 1
_STEPS_OF_TAG = 3
_BLOCKS = (("<script", "</script>"), ("<style", "</style>"), ("<!--", "-->"), ("<", ">"))
_ACCENTS = str.maketrans(
    {
        **dict.fromkeys("àáâãäå", "a"), "æ": "ae", "ç": "c", **dict.fromkeys("èéêë", "e"), **dict.fromkeys("ìíîï", "i"),
        "ð": "d", "ñ": "n", **dict.fromkeys("òóôõöø", "o"), **dict.fromkeys("ùúûü", "u"), **dict.fromkeys("ýÿ", "y"),
        "ß": "ss", "œ": "oe", "þ": "th", "ẞ": "SS", "Œ": "OE", "Þ": "TH",
    }
)  # fmt: skip


def _text(budget: Budget, value: Any) -> str:
    text = stringify(value, budget)
    budget.use(len(text))
    return text


def _append(budget: Budget, value: Any, other: Any = MISSING) -> str:
    return _text(budget, value) + _text(budget, other)


def _prepend(budget: Budget, value: Any, other: Any = MISSING) -> str:
    return _text(budget, other) + _text(budget, value)


def _downcase(budget: Budget, value: Any) -> str:
    return _text(budget, value).lower()


def _upcase(budget: Budget, value: Any) -> str:
    return _text(budget, value).upper()


def _capitalize(budget: Budget, value: Any) -> str:
    text = _text(budget, value)
    return text[:1].upper() + text[1:].lower()


def _strip(budget: Budget, value: Any, signs: Any = MISSING) -> str:
    text = _text(budget, value)
    if not _names_signs(signs):
        return trim(text)
    stripped = _text(budget, signs)
    return _without_start(_without_end(text, stripped), stripped)


def _lstrip(budget: Budget, value: Any, signs: Any = MISSING) -> str:
    text = _text(budget, value)
    return _without_start(text, _text(budget, signs)) if _names_signs(signs) else trim_start(text)


def _rstrip(budget: Budget, value: Any, signs: Any = MISSING) -> str:
    text = _text(budget, value)
    return _without_end(text, _text(budget, signs)) if _names_signs(signs) else trim_end(text)


def _without_start(text: str, signs: str) -> str:
    """Return a text without signs at its start.

    `str.lstrip` looks through all signs for each character, which may take hours.
    """
    stripped = set(signs)
    start = next((at for at, sign in enumerate(text) if sign not in stripped), len(text))
    return text[start:]


def _without_end(text: str, signs: str) -> str:
    """Return a text without signs at its end."""
    return _without_start(text[::-1], signs)[::-1]


def _names_signs(signs: Any) -> bool:
    """Return whether something is to be stripped in place of white space; the words of the language name nothing."""
    return isinstance(signs, Word) or is_truthy(signs)


def _strip_newlines(budget: Budget, value: Any) -> str:
    return _text(budget, value).replace("\r\n", "").replace("\n", "")


def _strip_html(budget: Budget, value: Any) -> str:
    text = _text(budget, value)
    budget.take_steps(text.count("<") * _STEPS_OF_TAG)
    blocks = dict(_BLOCKS)
    pieces = []
    done = 0
    while (start := text.find("<", done)) >= 0:
        pieces.append(text[done:start])
        done = start
        for opening, closing in list(blocks.items()):
            if not text.startswith(opening, start):
                continue
            end = text.find(closing, start + len(opening))
            if end >= 0:
                done = end + len(closing)
                break
            del blocks[opening]
        if done == start:
            break
    return "".join(pieces) + text[done:]


def _normalize_whitespace(budget: Budget, value: Any) -> str:
    return _SPACES.sub(" ", _text(budget, value))


def _split(budget: Budget, value: Any, separator: Any = MISSING) -> list[str]:
    text, between = _text(budget, value), stringify(separator, budget)
    budget.use((text.count(between) + 1) * _BYTES_OF_PIECE)
    pieces = text.split(between) if between else utf16_units(text)
    while pieces and not pieces[-1]:
        pieces.pop()
    return pieces


def _remove(budget: Budget, value: Any, part: Any = MISSING) -> str:
    return _replace(budget, value, part, "")


def _remove_first(budget: Budget, value: Any, part: Any = MISSING) -> str:
    return _replace_first(budget, value, part, "")


def _remove_last(budget: Budget, value: Any, part: Any = MISSING) -> str:
    return _replace_last(budget, value, part, "")


def _replace(budget: Budget, value: Any, part: Any = MISSING, by: Any = MISSING) -> str:
    text, pattern, replacement = (stringify(item, budget) for item in (value, part, by))
    count = text.count(pattern) if pattern else max(len(text) - 1, 0)
    budget.use(len(text) + count * len(replacement))
    budget.take_steps(0 if pattern else len(text))
    return text.replace(pattern, replacement) if pattern else paired(replacement.join(utf16_units(text)))


def _replace_first(budget: Budget, value: Any, part: Any = MISSING, by: Any = MISSING) -> str:
    return _text(budget, value).replace(stringify(part, budget), _text(budget, by), 1)


def _replace_last(budget: Budget, value: Any, part: Any = MISSING, by: Any = MISSING) -> str:
    text, pattern = _text(budget, value), stringify(part, budget)
    # Found from behind: looking backwards for a long pattern, as `rpartition` does, may take hours.
    behind = text[::-1].find(pattern[::-1])
    end = len(text) - behind
    return text if behind < 0 else f"{text[: end - len(pattern)]}{_text(budget, by)}{text[end:]}"


def _truncate(budget: Budget, value: Any, length: Any = MISSING, end: Any = MISSING) -> Any:
    text = _text(budget, value)
    ending = "..." if end is MISSING else _text(budget, end)
    most = 50 if length is MISSING else to_number(plain(length))
    if utf16_length(text) <= most:
        return value
    kept = most - utf16_length(ending)
    return (utf16_slice(text, 0, int(kept)) if kept > 0 else "") + ending


def _truncatewords(budget: Budget, value: Any, count: Any = MISSING, end: Any = MISSING) -> str:
    text = _text(budget, value)
    ending = "..." if end is MISSING else _text(budget, end)
    most = 15 if count is MISSING else to_number(plain(count))
    most = 1 if most <= 0 else most
    words = _words(budget, text)
    kept = words if most >= len(words) else words[: 0 if math.isnan(most) else int(most)]
    return " ".join(kept) + (ending if len(words) >= most else "")


def _number_of_words(budget: Budget, value: Any, mode: Any = MISSING) -> int:
    text = trim(_text(budget, value))
    if not text:
        return 0
    if mode == "cjk" or (mode == "auto" and _CJK_WORD.search(text)):
        budget.take_steps(len(text))
        return sum(1 for _ in _CJK_WORD.finditer(text)) + sum(1 for _ in _OTHER_WORD.finditer(text))
    return len(_words(budget, text))


def _words(budget: Budget, text: str) -> list[str]:
    budget.use(sum(1 for _ in islice(_SPACES.finditer(text), _MOST_PIECES)) * _BYTES_OF_PIECE)
    return _SPACES.split(text)


def _escape(budget: Budget, value: Any) -> str:
    text = _text(budget, value)
    for sign, entity in _ESCAPED.items():
        text = text.replace(sign, entity)
    return text


def _escape_once(budget: Budget, value: Any) -> str:
    text = _text(budget, value)
    # The ampersand comes last, so nothing is an entity only because of it.
    for sign, entity in reversed(_ESCAPED.items()):
        text = text.replace(entity, sign)
    return _escape(budget, text)


def _percent_encoded(budget: Budget, value: Any, *, safe: str) -> str:
    text = stringify(value, budget)
    budget.use(len(text) * 3)
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:
        raise TemplateError("text with half of a surrogate pair has no URL encoding") from None


def _url_encode(budget: Budget, value: Any) -> str:
    return _percent_encoded(budget, value, safe="!~*'()").replace("%20", "+")


def _cgi_escape(budget: Budget, value: Any) -> str:
    return _percent_encoded(budget, value, safe="~").replace("%20", "+")


def _uri_escape(budget: Budget, value: Any) -> str:
    return _percent_encoded(budget, value, safe=";/?:@&=+$,#!~*'()[]")


def _url_decode(budget: Budget, value: Any) -> str:
    def decoded(match: re.Match[str]) -> str:
        try:
            return bytes.fromhex(match[0].replace("%", "")).decode() if len(match[0]) > 1 else _malformed()
        except UnicodeDecodeError:
            return _malformed()

    text = _text(budget, value)
    budget.take_steps(text.count("%"))
    return _PERCENT.sub(decoded, text).replace("+", " ")


def _malformed() -> str:
    raise TemplateError("the text is not URL-encoded: a % in it does not begin a character")


def _slugify(budget: Budget, value: Any, mode: Any = MISSING, cased: Any = MISSING) -> str:
    text = _text(budget, value)
    style = "default" if mode is MISSING else plain(mode)
    if style == "latin":
        text = text.translate(_ACCENTS)
    keeps = _SLUG_KEEPS.get(style) if isinstance(style, str) else None
    if keeps is not None:
        budget.take_steps(len(text))
        slug = "".join(sign if keeps(sign) else " " for sign in text)
        dashed = re.sub(" +", "-", slug)
        text = dashed.removeprefix("-").removesuffix("-")
    return text if is_truthy(plain(cased)) else text.lower()


def _is_word_sign(sign: str) -> bool:
    category = unicodedata.category(sign)
    return category[0] in "ML" or category == "Nd"


_SLUG_KEEPS: dict[str, Callable[[str], bool]] = {
    "ascii": lambda sign: sign.isascii() and sign.isalnum(),
    "default": _is_word_sign,
    "latin": _is_word_sign,
    "pretty": lambda sign: sign in "._~!$&'()+,;=@" or _is_word_sign(sign),
    "raw": lambda sign: sign not in WHITESPACE,
}


def _utf8(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _base64_encode(budget: Budget, value: Any) -> str:
    return base64.b64encode(_utf8(_text(budget, value))).decode()


def _base64_decode(budget: Budget, value: Any) -> str:
    text = _text(budget, value).partition("=")[0].replace("-", "+").replace("_", "/")
    digits = _NOT_BASE64.sub("", text)
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("utf-8", "replace")


def _sha256(budget: Budget, value: Any) -> str:
    return hashlib.sha256(_utf8(_text(budget, value))).hexdigest()


def _hmac_sha256(budget: Budget, value: Any, key: Any = MISSING) -> str:
    return hmac.new(_utf8(_text(budget, key)), _utf8(_text(budget, value)), hashlib.sha256).hexdigest()


TEXT_FILTERS: dict[str, Callable[..., Any]] = {
    "append": _append,
    "base64_decode": _base64_decode,
    "base64_encode": _base64_encode,
    "capitalize": _capitalize,
    "cgi_escape": _cgi_escape,
    "downcase": _downcase,
    "escape": _escape,
    "escape_once": _escape_once,
    "hmac_sha256": _hmac_sha256,
    "lstrip": _lstrip,
    "normalize_whitespace": _normalize_whitespace,
    "number_of_words": _number_of_words,
    "prepend": _prepend,
    "remove": _remove,
    "remove_first": _remove_first,
    "remove_last": _remove_last,
    "replace": _replace,
    "replace_first": _replace_first,
    "replace_last": _replace_last,
    "rstrip": _rstrip,
    "sha256": _sha256,
    "slugify": _slugify,
    "split": _split,
    "strip": _strip,
    "strip_html": _strip_html,
    "strip_newlines": _strip_newlines,
    "truncate": _truncate,
    "truncatewords": _truncatewords,
    "upcase": _upcase,
    "uri_escape": _uri_escape,
    "url_decode": _url_decode,
    "url_encode": _url_encode,
    "xml_escape": _escape,
}

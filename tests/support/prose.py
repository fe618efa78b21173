"""The prose of the project: pages, messages, docstrings, comments and templates, without their code and quotes."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SCRIPT = re.compile(
    r"/\*(?P<block>.*?)\*/|(?P<lines>(?:(?<=\n)[ ]*//[^\n]*\n)+)|//[^\n]*"
    r"|\"(?P<text>(?:[^\"\\\n]|\\.)*)\"|`(?P<template>(?:[^`\\]|\\.)*)`",
    re.DOTALL,
)
_COMMENT_SIGN = re.compile(r"^[ ]*(?:\*|//)[ ]?", re.MULTILINE)
_TAG = re.compile(r"@\w+[ ]*(?:\{.*?\}(?=\s))?[ ]*(?:\[?[\w.]+\]?(?=\s))?", re.DOTALL)
_PART = re.compile(r"\$\{[^}]*\}")
LEFT_OUT = "…"
"""What replaces code and quotes."""

_FENCE = re.compile(r"^ *(?:`{3,}|~{3,})")
_CODE = re.compile(r"``.+?``|`[^`]+`", re.DOTALL)
_QUOTE = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”")
_HTML = re.compile(r"<!--.*?-->|</?[a-z][^<>]*>", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_ITEM = re.compile(r" *(?:[-*+]|\d+\.) ")
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.!?])[)\"]?\s+|:\s*$|;\s")
_FEWEST_SPACES = 2  # in a text of a program that is a sentence


@dataclass(frozen=True)
class Passage:
    """Text in one piece, such as a paragraph, a cell or a docstring. `line` is its first line."""

    file: str
    line: int
    text: str
    is_running_text: bool = False

    def place(self, position: int) -> str:
        """Return the file and the line of a position in the text."""
        return f"{self.file}:{self.line + self.text.count(chr(10), 0, position)}"

    def sentences(self) -> Iterator[tuple[int, str]]:
        """Yield each sentence with its position. A semicolon ends one, too."""
        start = 0
        for end in [*(match.end() for match in _SENTENCE_END.finditer(self.text)), len(self.text)]:
            sentence = self.text[start:end].strip()
            if sentence:
                yield start, sentence
            start = end


def page_passages(page: Path, name: str) -> Iterator[Passage]:
    """Yield the paragraphs, list items and table cells of a page in Markdown."""
    is_code = False
    gathered: list[str] = []
    first = 0
    text = _HTML.sub(_blank, page.read_text(encoding="utf-8"))
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        is_fence = bool(_FENCE.match(line))
        is_row = line.lstrip().startswith("|")
        ends = is_fence or is_code or is_row or not line.strip() or line.startswith("#") or _ITEM.match(line)
        if gathered and ends:
            yield Passage(name, first, _without_code("\n".join(gathered)), is_running_text=True)
            gathered = []
        is_code ^= is_fence
        if is_code or is_fence or not line.strip():
            continue
        if is_row:
            cells = _CELL_BORDER.split(line)[1:-1]
            yield from (Passage(name, number, _without_code(cell)) for cell in cells if cell.strip(" -:"))
        elif line.startswith("#"):
            yield Passage(name, number, _without_code(line.lstrip("# ")))
        else:
            first = first if gathered else number
            gathered.append(_ITEM.sub("", line, count=1))


def module_passages(module: Path, name: str) -> Iterator[Passage]:
    """Yield the docstrings, comments and messages of a module."""
    source = module.read_text(encoding="utf-8")
    tree = ast.parse(source)
    in_others: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            in_others |= {id(part) for part in ast.walk(node) if part is not node}
            texts = [part.value if isinstance(part, ast.Constant) else LEFT_OUT for part in node.values]
            yield from _message("".join(map(str, texts)), node.lineno, name)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            in_others.add(id(node.value))
            yield Passage(name, node.lineno, _without_code(node.value.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in in_others:
            yield from _message(node.value, node.lineno, name)
    yield from _comments(source, name)


def commented_passages(file: Path, name: str) -> Iterator[Passage]:
    """Yield the comments of a file in a language whose comments begin with #."""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        code, sign, comment = line.partition("#")
        if sign and not code.strip():
            yield Passage(name, number, _without_code(comment))


def script_passages(script: Path, name: str) -> Iterator[Passage]:
    """Yield the comments and messages of JavaScript. What is between the parts of a template is left out."""
    source = script.read_text(encoding="utf-8")
    for match in _SCRIPT.finditer(source):
        line = source.count("\n", 0, match.start()) + 1
        comment = match["block"] or match["lines"]
        if comment:
            # The types of parameters are code, and each tag begins a sentence of its own.
            text = _TAG.sub(lambda tag: f".{_blank(tag)} ", _COMMENT_SIGN.sub("", comment))
            yield Passage(name, line, _without_code(text), is_running_text=True)
        elif match["text"] or match["template"]:
            yield from _message(_PART.sub(LEFT_OUT, match["text"] or match["template"]), line, name)


def template_passages(template: Path, name: str) -> Iterator[Passage]:
    """Yield the lines of a template, without its tags."""
    text = _HTML.sub(_blank, _TEMPLATE.sub(_blank, template.read_text(encoding="utf-8")))
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield Passage(name, number, _without_code(line))


def _message(text: str, line: int, name: str) -> Iterator[Passage]:
    if text.count(" ") >= _FEWEST_SPACES:
        yield Passage(name, line, _CODE.sub(_left_out, text))


def _comments(source: str, name: str) -> Iterator[Passage]:
    """Yield the comments; lines that follow each other are one."""
    gathered: list[str] = []
    first = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        if gathered and line != first + len(gathered):
            yield Passage(name, first, _without_code("\n".join(gathered)))
            gathered = []
        first = first if gathered else line
        gathered.append(token.string.lstrip("# "))
    if gathered:
        yield Passage(name, first, _without_code("\n".join(gathered)))


def _without_code(text: str) -> str:
    return _LINK.sub(r"\1", _QUOTE.sub(_left_out, _CODE.sub(_left_out, text)))


def _left_out(match: re.Match[str]) -> str:
    """Replace what is left out, and keep its line breaks, so that places stay right."""
    return LEFT_OUT + "\n" * match[0].count("\n")


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")

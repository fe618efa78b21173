"""What is wrong with a text that is not TOML: the place, with a caret below it, and the remedy."""

from __future__ import annotations

import re

_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)")
_ASSIGNMENT = re.compile(r"""\s*(?:[\w."'-]|\s(?=\s*=))+?\s*[=:]\s*""")
_COMMENT = re.compile(r"\s#.*")
_DIRECTIVE = re.compile(r"@\w")
_STARTS_OF_VALUES = frozenset("\"'[{") | {""}
_BOOLEANS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
_SECRET = re.compile(r"key|secret|token|passw|credential", re.IGNORECASE)
_LONGEST_LINE = 200


def syntax_fault(message: str, text: str) -> str:
    """Return what is wrong with a text that is not TOML: the line with a caret below the fault, and the remedy."""
    if text.lstrip().startswith("{"):
        return "is JSON, and a configuration is TOML; see examples/kable.toml"
    place = _PLACE.search(message)
    if place is None:
        return f"is not valid TOML: {message}"
    number, column = int(place[1]), int(place[2])
    line = text.split("\n")[number - 1]
    said = _PLACE.sub("", message)
    told = f"is not valid TOML: {said[:1].lower()}{said[1:]} (line {number}, column {column})"
    told += _remedy(line, column, said)
    shown = _shown(line)
    if not shown:
        return told
    # A masked value is shorter or longer than what it hides.
    return f"{told}\n    {shown}\n    {' ' * (min(column, len(shown) + 1) - 1)}^"


def _remedy(line: str, column: int, said: str) -> str:
    """Return what to do, if that is known: most often, a text lacks its quotation marks."""
    assignment = _ASSIGNMENT.match(line) if len(line) <= _LONGEST_LINE else None
    if assignment is None:
        return ""
    name, value = assignment[0].strip(" \t=:"), _COMMENT.sub("", line[assignment.end() :]).strip()
    if assignment[0].rstrip().endswith(":"):
        return f"; write {name} = …"
    if said == "Cannot overwrite a value":
        return f"; {name} is there twice, so remove one of them"
    if said.startswith("Illegal character '\\n'"):
        return "; a quotation mark is missing at the end of the line"
    if _DIRECTIVE.match(line[column - 1 :]):
        return '; put the name of a directive in quotation marks, such as { "@path" = "$.userId" }'
    return _with_quotes(name, value, said)


def _with_quotes(name: str, value: str, said: str) -> str:
    """Return how to write a value that lacks its quotation marks, or has some within; empty if neither is the case."""
    if value.lower() in _BOOLEANS:
        return f"; write {name} = {_BOOLEANS[value.lower()]}"
    if value.startswith('"') and value.endswith('"'):
        value = value[1:-1]
    elif not said.startswith(("Invalid value", "Expected newline")) or value[:1] in _STARTS_OF_VALUES:
        return ""
    if "'" in value:
        return ""
    shown = "…" if _SECRET.search(name) else value
    quote = "'" if '"' in value else '"'
    return f"; put text in quotation marks: {name} = {quote}{shown}{quote}"


def _shown(line: str) -> str:
    """Return a line as it may be shown: without what may be a secret, and empty if nobody knows what it is."""
    shown = line.replace("\t", " ").rstrip()
    if len(shown) > _LONGEST_LINE:
        return ""
    if shown.lstrip().startswith("["):
        return shown
    assignment = _ASSIGNMENT.match(shown)
    if assignment is None:
        return ""
    return f"{assignment[0]}…" if _SECRET.search(assignment[0]) else shown

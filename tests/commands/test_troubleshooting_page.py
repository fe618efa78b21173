"""The messages on the page about troubleshooting are those of the program."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from documentation import ROOT, codes, sections

FOLDERS = ("definitions", "destination", "runner")
_LEAST = 8
"""Shorter parts of a message say nothing."""
NO_MESSAGES = {"deliver folder/*.ndjson", "kable-destination: command not found", "docs --check"}
"""What a shell says, or nobody."""


@cache
def texts() -> str:
    """Return every text of the program, one below the other."""
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return "\n".join(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


MESSAGES = sorted(
    {
        code
        for section in sections(ROOT / "docs" / "troubleshooting.md")
        for row in section.rows
        for code in codes(row[0])
        if len(code) > _LEAST and code not in NO_MESSAGES
    }
)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_one_that_the_program_prints(message: str) -> None:
    parts = [part.strip(" :;,.()") for part in message.split("…")]
    assert [part for part in parts if len(part) > _LEAST and part not in texts()] == []

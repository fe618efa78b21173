"""The layers of the project: what each folder may import, and what no file may be."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from source_tree import NAMESPACE, SourceTree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[1]

PUBLIC = ("definitions", "definitions.documentation", "definitions.testing")
"""The packages of the framework that others may import, and never a module inside them."""

LAYERS: dict[str, tuple[str, ...]] = {
    "definitions": (),
    "actions": ("definitions",),
    "destination": ("definitions", "actions"),
    "runner": PUBLIC,
}
"""What each layer may import of the others. The runner finds destinations by entry point only."""

FRAMEWORK = ("definitions", "actions", "destination")
"""The layers that do no I/O and read no clock."""

LIBRARIES = {"pydantic", "pydantic_core", "orjson", "msgspec", "liquid", "jinja2", "httpx"}
TESTING_LIBRARIES = {*LIBRARIES, "pytest", "syrupy"}
HTTPX = {"Request", "Response", "Headers", "URL", "ByteStream", "InvalidURL"}
"""Requests and responses, and what they are made of; nothing of httpx that sends."""

IO = {
    *("_socket", "asyncio", "concurrent", "fcntl", "fileinput", "ftplib", "glob", "http", "imaplib", "mmap"),
    *("multiprocessing", "os", "pathlib", "poplib", "sched", "select", "selectors", "shelve", "shutil", "signal"),
    *("smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib"),
    *("wsgiref", "xmlrpc"),
}
IO_OF_TESTING = IO - {"os", "pathlib"}
"""The kit for authors writes snapshots."""
PURE = {"urllib.parse"}
CLOCKS = {"now", "today", "utcnow", "uuid1", "uuid4"}

RUNNER: dict[str, tuple[str, ...]] = {
    "__main__": ("commands.app",),
    "audience": ("delivery", "near_files", "queues.contract", "sources.blocks", "sources.contract", "sources.formats"),
    "billing": ("sources",),
    "commands": (
        *("audience", "billing", "configuration", "delivery", "doctor", "event_loop", "intent", "new", "observability"),
        *("outbox", "pages", "planners", "queues.contract", "sandbox", "service", "session", "snapshotting", "sources"),
        *("transports.environment", "version"),
    ),
    "configuration": ("near_files",),
    "delivery": ("queues.contract", "queues.recent_ids", "sources.contract", "transports.contract"),
    "doctor": ("configuration", "delivery.clock", "intent", "outbox", "queues", "transports", "version"),
    "event_loop": (),
    "intent": ("configuration", "delivery.clock", "delivery.delivery", "outbox", "queues.contract"),
    "near_files": (),
    "new": ("configuration",),
    "observability": ("delivery.notices",),
    "outbox": ("configuration", "delivery.clock", "delivery.limits_record", "queues"),
    "pages": ("configuration", "service"),
    "planners": (*("configuration", "delivery", "queues", "sources.contract", "sources.plain_lines"),),
    "queues": ("delivery.clock", "sources.contract"),
    "sandbox": (),
    "service": (
        *("billing", "configuration", "delivery", "observability", "outbox", "queues.contract", "secrets", "session"),
        *("snapshotting", "sources.contract", "sources.envelopes", "sources.text_source", "transports.contract"),
        "version",
    ),
    "secrets": (),
    "session": (
        *("configuration", "delivery", "intent", "observability", "outbox", "planners", "queues", "sources"),
        "transports",
    ),
    "snapshotting": ("billing", "configuration", "sources"),
    "sources": ("configuration.kafka_options", "near_files"),
    "transports": (),
    "version": (),
}
"""What each part of the runner may import of the others.

Nothing imports `commands`, and only `commands` and `service` import `session`.
"""

COMMANDS = (
    *("bill", "check", "config_schema", "dead_letters", "deliver", "destinations", "docs", "doctor", "init", "new"),
    *("preview", "sandbox", "serve", "snapshot", "status", "work"),
)
"""Commands do not import each other; `app` collects them."""

MOST_LINES = 400
SUFFIXES = {".py", ".j2", ".js", ".mjs", ".css"}
EMPTY_NAMES = {"base", "common", "helpers", "manager", "misc", "utils"}
FOLDERS = (*LAYERS, "page", "tests", "examples", "benchmarks")


def broken_rules(root: Path) -> Iterator[str]:
    """Yield every import and call that breaks a rule."""
    tree = SourceTree(root, tuple(LAYERS))
    yield from _between_layers(tree)
    yield from _within_the_runner(tree)
    yield from _libraries(tree)
    yield from _impure_calls(tree)
    for group in tree.cycles():
        yield f"import each other: {', '.join(group)}"


def _between_layers(tree: SourceTree) -> Iterator[str]:
    for found in tree.inner_imports:
        layer, target_layer = _first(found.source), _first(found.target)
        if layer != target_layer and found.target not in LAYERS[layer]:
            yield f"{found.place}: {layer} may not import {found.target}"


def _within_the_runner(tree: SourceTree) -> Iterator[str]:
    for found in tree.inner_imports:
        if _first(found.source) != "runner" or _first(found.target) != "runner":
            continue
        source, target = found.source.removeprefix("runner."), found.target.removeprefix("runner.")
        part = _first(source)
        if part not in RUNNER:
            yield f"{found.place}: no rule says what runner/{part} is"
        elif part != _first(target) and not _is_within(target, RUNNER[part]):
            yield f"{found.place}: runner.{part} may not import {found.target}"
        elif source != "commands.app" and _is_within(target, [f"commands.{name}" for name in COMMANDS]):
            yield f"{found.place}: a command may not import another"


def _libraries(tree: SourceTree) -> Iterator[str]:
    for found in tree.outer_imports:
        layer, library = _first(found.source), _first(found.target)
        if layer not in FRAMEWORK:
            continue
        is_testing = _is_within(found.source, ["definitions.testing"])
        if library not in (TESTING_LIBRARIES if is_testing else LIBRARIES) | sys.stdlib_module_names:
            yield f"{found.place}: {layer} may not import {library}"
        if library in (IO_OF_TESTING if is_testing else IO) and found.target not in PURE:
            yield f"{found.place}: {found.target} does I/O or waits"


def _impure_calls(tree: SourceTree) -> Iterator[str]:
    for name, syntax in tree.syntax.items():
        if _first(name) not in FRAMEWORK:
            continue
        for node in ast.walk(syntax):
            if isinstance(node, ast.Attribute) and _is_httpx(node) and node.attr not in HTTPX:
                yield f"{tree.place(name, node)}: httpx.{node.attr} is no part of a request or a response"
            if isinstance(node, ast.ImportFrom) and node.module == "httpx":
                yield from (f"{tree.place(name, node)}: import httpx, and use httpx.Request" for _ in node.names[:1])
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
                yield f"{tree.place(name, node)}: {node.func.attr} reads a clock"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
                yield f"{tree.place(name, node)}: open does I/O"


def _is_httpx(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "httpx"


def _first(name: str) -> str:
    return name.partition(".")[0]


def _is_within(name: str, packages: Iterable[str]) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def _files(suffixes: set[str]) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and "node_modules" not in path.parts:
                yield path


def test_every_import_keeps_to_the_layers() -> None:
    assert list(broken_rules(ROOT)) == []


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in _files(SUFFIXES)}
    assert [f"{path}: {lines} lines" for path, lines in lengths.items() if lines > MOST_LINES] == []


def test_every_name_says_what_is_in_it() -> None:
    names = {part for path in _files(SUFFIXES) for part in path.relative_to(ROOT).with_suffix("").parts}
    assert names & EMPTY_NAMES == set()


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("definitions/x.py", "from ..actions import track", "definitions may not import actions"),
        ("definitions/x.py", f"import {NAMESPACE}runner", "definitions may not import runner"),
        ("actions/x.py", "from ..definitions.y import Y", "actions may not import definitions.y"),
        ("actions/x.py", "def f():\n    from ..runner import version", "actions may not import runner"),
        ("runner/new/x.py", "from ...definitions import x", "runner may not import definitions.x"),
        ("runner/new/x.py", "from ...actions import track", "runner may not import actions"),
        ("runner/new/x.py", "from ..session import Session", "runner.new may not import runner.session"),
        ("runner/session.py", "from .commands import app", "runner.session may not import runner.commands"),
        ("runner/delivery/x.py", "from ..queues.sqlite import Outbox", "delivery may not import runner.queues"),
        ("runner/observability/x.py", "from ..delivery.lane import Lane", "may not import runner.delivery.lane"),
        ("runner/commands/status.py", "from .check import check", "a command may not import another"),
        ("runner/odds/x.py", "from ..version import version", "no rule says what runner/odds is"),
        ("definitions/x.py", "import aiohttp", "definitions may not import aiohttp"),
        ("definitions/x.py", "import pytest", "definitions may not import pytest"),
        ("actions/x.py", "import rich", "actions may not import rich"),
        ("definitions/x.py", "import os", "os does I/O"),
        ("definitions/x.py", "from urllib.request import urlopen", "urllib.request does I/O"),
        ("destination/x.py", "def f():\n    import time", "time does I/O or waits"),
        ("definitions/x.py", "import httpx\nhttpx.Client()", "httpx.Client is no part"),
        ("definitions/x.py", "from httpx import Client", "import httpx, and use"),
        ("definitions/x.py", "import datetime\ndatetime.datetime.now()", "now reads a clock"),
        ("definitions/x.py", "open('x')", "open does I/O"),
        (
            "definitions/x.py",
            "if TYPE_CHECKING:\n    from .y import Y",
            "import each other: definitions.x, definitions.y",
        ),
    ],
)
def test_what_breaks_a_rule_is_found(tmp_path: Path, file: str, text: str, told: str) -> None:
    good = {
        "definitions/__init__.py": "from .z import y",
        "definitions/z.py": "from urllib.parse import quote\nimport httpx\ny = httpx.Request",
        "definitions/x.py": "",
        "definitions/y.py": "def f():\n    from .x import X",
        "definitions/testing/__init__.py": "import os, pytest",
        "actions/__init__.py": "from ..definitions import y",
        "runner/version.py": "",
        "runner/session.py": "from .queues.sqlite import Outbox",
        "runner/commands/app.py": "from .check import check",
        "runner/commands/check.py": "from ..session import Session\nimport sqlite3",
        "runner/delivery/lane.py": "from ..queues.contract import Queue",
        "runner/queues/contract.py": "from ...definitions import documentation",
        "runner/queues/sqlite/__init__.py": "import sqlite3",
    }
    for path, source in {**good, "definitions/documentation/__init__.py": "", file: text}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source, encoding="utf-8")
    assert [rule for rule in broken_rules(tmp_path) if told in rule] != []
    (tmp_path / file).write_text(good.get(file, ""), encoding="utf-8")
    assert list(broken_rules(tmp_path)) == []

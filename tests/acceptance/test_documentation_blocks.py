"""Every block of the documentation does what it says: it is run, in order, in one folder a page, beside a real sandbox.

`tests/support/documentation.py` tells how an author says what is expected of a block.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

import documented_commands
from command_line import API_KEY, CLIENT_ID, without_settings
from documentation import ROOT, SHELLS, Block, blocks, pages
from environments import layered_environment, packages_of
from kable_destination.definitions import compile_trigger
from kable_destination.runner.configuration.configuration import Configuration
from kable_destination.runner.sandbox import running_sandbox
from kable_destination.runner.sources.tables.columns import read_columns
from segment_events import ndjson, track

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from closing import Closing
    from fork_server import ForkServer

SHOWN = {"text", "http", "diff", "js"}
"""What is there to be read, and is nothing that runs."""

MISTAKES = "docs/mistakes.md"
"""Its JSON and triggers are wrong on purpose, and `test_mistakes.py` runs each."""

COLUMNS = {"event", "csv"}
"""The tables of a file of columns."""

PYPROJECT = {"build-system", "project", "tool"}
_MOST_SHOWN = 4_000
EXAMPLE_URL = "http://127.0.0.1:8787"
ALL_BLOCKS = [block for page in pages() for block in blocks(page)]


class Workspace:
    """The folder of a page, with what a reader has at hand, and the environment in which its blocks run."""

    def __init__(self, folder: Path, base_url: str, server: ForkServer) -> None:
        self.folder = folder / "page"
        commands = layered_environment(folder / "environment")
        forked = server.command(str(packages_of(commands)))
        stand_ins = documented_commands.install(folder, commands, forked)
        shutil.copytree(ROOT / "examples", self.folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("event.json", "kable.toml"):
            shutil.copy(ROOT / "examples" / name, self.folder)
        (self.folder / "events.ndjson").write_bytes(ndjson(*(track(number) for number in range(3))))
        path = os.pathsep.join((*map(str, stand_ins), str(commands), os.environ["PATH"]))
        credentials = {"KABLE_API_KEY": API_KEY, "KABLE_CLIENT_ID": CLIENT_ID, "KABLE_BASE_URL": base_url}
        terminal = {"COLUMNS": "120", "NO_COLOR": "1"}
        # An isolated build would have the same backend, after a download. Pip takes "false" for --no-build-isolation.
        pip = {"PIP_NO_BUILD_ISOLATION": "false"}
        self.environment = {**without_settings(), **credentials, **terminal, **pip, "PATH": path}
        self._for_the_reader = {"sk_test.…": API_KEY, "kci_…": CLIENT_ID, EXAMPLE_URL: base_url}
        self._base_url = base_url
        self._failures: dict[Block, Exception | None] = {}

    def run(self, page: list[Block], block: Block) -> None:
        """Run a block, and before it those that stand above it and were not run yet."""
        for each in page[: page.index(block) + 1]:
            if each not in self._failures:
                self._failures[each] = self._failure(each)
        failure = self._failures[block]
        if failure is not None:
            raise failure

    def _failure(self, block: Block) -> Exception | None:
        try:
            if block.file:
                self._write(block)
            else:
                self._run(block)
        except Exception as error:  # noqa: BLE001 - whatever it is, the block's own test tells it
            return error
        return None

    def _write(self, block: Block) -> None:
        path = (self.folder / block.file).resolve()
        assert path.is_relative_to(self.folder.resolve()), f"{block}: it would be written beside the page's folder"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        if path.suffix == ".py":
            compile(block.text, block.file, "exec")
        elif path.suffix == ".json":
            json.loads(block.text)
        elif path.suffix == ".toml":
            self._load_toml(block, path)

    def _run(self, block: Block) -> None:
        if block.language == "python":
            self._execute(block, ["python", "-c", block.text], _printed(block.text) or block.output)
        elif block.language in SHELLS:
            self._execute(block, [SHELLS[block.language], "-e", "-c", self._for_a_shell(block)], block.output)
        elif block.language == "toml":
            path = self.folder / "block.toml"
            path.write_text(block.text, encoding="utf-8")
            self._load_toml(block, path)
        elif block.language == "console":
            self._check_usage(block)
        elif block.language in {"json", "fql"}:
            if block.page != MISTAKES:
                (json.loads if block.language == "json" else compile_trigger)(block.text)
        else:
            assert block.language in SHOWN, f"{block}: nobody knows how to run this language"

    def _load_toml(self, block: Block, path: Path) -> None:
        if set(tomllib.loads(block.text)) == COLUMNS:
            read_columns(path)
            return
        if set(tomllib.loads(block.text)) <= PYPROJECT:
            return
        Configuration(path, environment=self.environment).set_up()

    def _check_usage(self, block: Block) -> None:
        """Compare usages (`$ kable-destination COMMAND [OPTIONS]`) with those that the program prints."""
        for line in block.text.splitlines():
            usage = line.removeprefix("$ kable-destination ")
            assert usage != line, f"{block}: a block of this language has usages, each after a $"
            command = re.split(r"[\[{]|\b[A-Z]", usage)[0].split()
            helped = self._process(["python", "-m", "kable_destination.runner", *command, "--help"])
            printed = " ".join(helped.stdout.partition("\n\n")[0].split())
            assert printed == f"Usage: python -m kable_destination.runner {usage}", f"{block} prints\n{printed}"

    def _for_a_shell(self, block: Block) -> str:
        script = block.text
        for shown, real in self._for_the_reader.items():
            script = script.replace(shown, real)
        code = re.sub(r"(^|\s)#.*", "", script)
        assert "…" not in code, f"{block}: something is left out, and nobody knows what to put there"
        return script

    def _execute(self, block: Block, command: list[str], expected: str | None) -> None:
        if block.before:
            self._process(["sh", "-c", block.before])
        done = self._process(command)
        assert done.returncode == block.exit_code, f"{block}: exit code {done.returncode}\n{done.stdout[-_MOST_SHOWN:]}"
        if expected is not None:
            printed = done.stdout.replace(self._base_url, EXAMPLE_URL)
            assert re.fullmatch(_pattern(expected), printed.strip("\n")), f"{block} prints\n{printed[-_MOST_SHOWN:]}"

    def _process(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )


def _printed(code: str) -> str | None:
    """Give what the comments below a print say that it prints."""
    lines = code.splitlines()
    told = []
    for at, line in enumerate(lines):
        above = next((lines[over] for over in range(at - 1, -1, -1) if not lines[over].startswith("# ")), "")
        if line.startswith("# ") and above.lstrip().startswith("print("):
            told.append(line.removeprefix("# "))
    return "\n".join(told) or None


def _pattern(expected: str) -> str:
    """Make a pattern of an output in which `…` stands for anything."""
    return "\n".join(
        "(?s:.*)" if line.strip() == "…" else _line_pattern(line) for line in expected.strip("\n").split("\n")
    )


def _line_pattern(line: str) -> str:
    return ".*".join(map(re.escape, line.split("…")))


class Workspaces:
    """A workspace for each page, made when its first block is run."""

    def __init__(self, stack: ExitStack, closing: Closing, server: ForkServer, root: Path) -> None:
        self._stack = stack
        self._closing = closing
        self._server = server
        self._root = root
        self._by_page: dict[str, Workspace] = {}

    def of(self, page: str) -> Workspace:
        """Give the workspace of a page."""
        if page not in self._by_page:
            running = running_sandbox(client_id=CLIENT_ID, api_key=API_KEY)
            sandbox = self._stack.enter_context(self._closing.later(running))
            folder = self._root / page.replace("/", "-")
            self._by_page[page] = Workspace(folder, sandbox.base_url, self._server)
        return self._by_page[page]


@pytest.fixture(scope="module")
def workspaces(
    closing: Closing, fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspaces]:
    """The workspaces of all pages."""
    with ExitStack() as stack:
        yield Workspaces(stack, closing, fork_server, tmp_path_factory.mktemp("pages"))


@pytest.mark.parametrize("block", ALL_BLOCKS, ids=str)
def test_a_block_does_what_it_says(block: Block, workspaces: Workspaces) -> None:
    page = [each for each in ALL_BLOCKS if each.page == block.page]
    workspaces.of(block.page).run(page, block)


def test_the_blocks_of_all_pages_are_found() -> None:
    """A fence that the reader of blocks does not see would be left out."""
    for page in pages():
        fences = re.findall(r"^ *(?:```|~~~)", page.read_text(encoding="utf-8"), re.MULTILINE)
        name = str(page.relative_to(ROOT))
        assert len(fences) == 2 * len([block for block in ALL_BLOCKS if block.page == name]), name
    assert {"README.md", "docs/delivery.md", MISTAKES} <= {block.page for block in ALL_BLOCKS}


def run_page(text: str, folder: Path, workspaces: Workspaces) -> None:
    """Run all blocks of a page of a test's own."""
    (folder / "page.md").write_text(text, encoding="utf-8")
    page = blocks(folder / "page.md", folder)
    for block in page:
        workspaces.of(folder.name).run(page, block)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```python\nprint(1)\n# 2\n```\n", r"prints\s+1"),
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", r"prints\s+1"),
        ("```python\nraise SystemExit(4)\n```\n", "exit code 4"),
        ("```sh\nfalse\ntrue\n```\n", "exit code 1"),
        ("```sh\nmake nothing-of-this-name\n```\n", "nothing-of-this-name"),
        ("```sh\npip install 'kable-destination[nothing]'\n```\n", "has no extra nothing"),
        ("```sh\npip install something-else\n```\n", "only kable-destination and paths are known"),
        ("```sh\nkable-destination sandbox --nothing\n```\n", "ended without saying where it listens"),
        ("```sh\nkable-destination deliver …\n```\n", "something is left out"),
        ("<!-- run: exits with 1 -->\n```sh\ntrue\n```\n", "exit code 0"),
        ("```toml\n[settings]\nnothing = 1\n```\n", "there is no such setting"),
        ("```json\n{,}\n```\n", "property name"),
        ("```fql\ntype ==\n```\n", "Write = for that"),
        ("```console\n$ kable-destination status FILE\n```\n", r"status \[OPTIONS\]"),
        ("```console\nls\n```\n", "each after a"),
        ("```ruby\n1\n```\n", "nobody knows how to run this language"),
        ("```\nno language\n```\n", "nobody knows how to run this language"),
        ("<!-- file: ../outside -->\n```text\nx\n```\n", "beside the page's folder"),
    ],
)
def test_a_block_that_does_something_else_is_noticed(
    text: str, told: str, tmp_path: Path, workspaces: Workspaces
) -> None:
    with pytest.raises(Exception, match=told):
        run_page(text, tmp_path, workspaces)


@pytest.mark.parametrize(
    "text",
    [
        "<!-- run: sometimes -->\n```sh\ntrue\n```\n",
        "<!-- run: exits with 1 -->\n\nSome words.\n\n```sh\nfalse\n```\n",
        "```sh\ntrue\n",
    ],
)
def test_what_cannot_be_understood_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"page\.md:\d+"):
        blocks(tmp_path / "page.md", tmp_path)


def test_the_blocks_of_a_page_share_a_folder_and_what_an_author_says_is_obeyed(
    tmp_path: Path, workspaces: Workspaces
) -> None:
    text = (
        "<!-- file: src/words.py -->\n```python\nWORDS = 'hello'\n```\n"
        "<!-- run: after echo first > note; exits with 3 -->\n```sh\ncat note src/words.py\nexit 3\n```\n"
        "\n```text\nfirst\nWORDS = …\n```\n"
        "```python\nimport sys\nsys.path.insert(0, 'src')\nimport words\n\nfor word in ['a', words.WORDS]:\n"
        "    print(word)\n# a\n# hello\n```\n"
        "```sh\nkable-destination sandbox --port 8787\npip install .\nmake demo\n```\n"
    )
    run_page(text, tmp_path, workspaces)


def test_a_plugin_that_a_page_writes_is_installed_for_that_page(tmp_path: Path, workspaces: Workspaces) -> None:
    text = (
        '<!-- file: toy/pyproject.toml -->\n```toml\n[project]\nname = "toy"\nversion = "1"\n'
        '[project.entry-points.destination_actions]\ntoy = "toy:toy"\n```\n'
        "<!-- file: toy/toy.py -->\n```python\nfrom kable_destination.definitions import DestinationDefinition\n\n"
        'toy = DestinationDefinition(name="Toy", slug="toy", actions={})\n```\n'
        "```sh\npip install -e ./toy\nkable-destination check --destination toy\n```\n"
    )
    run_page(text, tmp_path, workspaces)

"""A destination that `new` writes is complete: it installs, passes its own tests, is found and is documented."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from documentation import blocks
from environments import ROOT, empty_environment, install, install_editable, install_wheel, layered_environment
from kable_destination.definitions import SetupError
from kable_destination.runner.new import PluginNames
from scripted_server import scripted_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_line import CommandLine
    from environments import MadeOnce

HOSTILE = '""" \\ \' {{ 1/0 }} {% x %} <script> | `$(id)` #{x} %s é'
PLACES = ("docs", "snapshots", "src", "tests")


class Plugin:
    """A plugin that was written, and the environment that it is installed into."""

    def __init__(self, folder: Path, commands: Path) -> None:
        self.folder = folder
        self.commands = commands

    def __call__(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment in the folder of the plugin."""
        path = f"{self.commands}{os.pathsep}{os.environ['PATH']}"
        kept = {key: os.environ[key] for key in ("HOME", "LANG", "TMPDIR") if key in os.environ}
        return subprocess.run(
            [self.commands / command[0] if (self.commands / command[0]).exists() else command[0], *command[1:]],
            cwd=self.folder,
            env={**kept, "PATH": path, "COLUMNS": "120", "NO_COLOR": "1", **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture(scope="module")
def plugin(wheel: Path, made_once: MadeOnce) -> Plugin:
    """Write a plugin by the installed wheel, in an environment that has nothing else, and install it there."""

    def make(folder: Path) -> None:
        commands = empty_environment(folder / "environment")
        install_wheel(commands, wheel, "testing")
        written = Plugin(folder, commands)("kable-destination", "new", "acme-billing")
        assert written.returncode == 0, written.stderr
        install_editable(commands, folder / "acme-billing-destination", folder / "editable")

    folder = made_once("new", make)
    return Plugin(folder / "acme-billing-destination", folder / "environment" / "bin")


def test_it_passes_its_own_suite_without_an_edit(plugin: Plugin) -> None:
    """The limit is the one that an author is promised."""
    before = written_files(plugin.folder)
    begun = time.monotonic()
    done = plugin("python", "-m", "pytest")
    assert done.returncode == 0, done.stdout
    assert time.monotonic() - begun < 30
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout
    assert written_files(plugin.folder) == before


def test_the_runner_finds_it_and_checks_it(plugin: Plugin) -> None:
    done = plugin("kable-destination", "check", "--destination", "acme-billing", ACME_BILLING_API_KEY="k3y-of-nobody")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Acme Billing: settings are valid; subscriptions: Track events" in done.stdout


def test_it_is_delivered_to(plugin: Plugin, tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_bytes(ndjson(track(1), track(2), track(3)))
    common = ("kable-destination", "deliver", str(events), "--destination", "acme-billing")
    dry = plugin(*common, "--dry-run", ACME_BILLING_API_KEY="k3y-of-nobody")
    assert dry.returncode == 0, dry.stderr
    assert "POST https://api.acme-billing.example/v1/events/batch" in dry.stdout
    assert "k3y-of-nobody" not in dry.stdout
    outbox = ("--outbox", str(tmp_path / "outbox.sqlite"))
    with scripted_server(lambda _: (200, {}, b"{}")) as server:
        done = plugin(*common, *outbox, "--base-url", server.base_url, ACME_BILLING_API_KEY="k3y-of-nobody")
    assert done.returncode == 0, done.stderr
    (request,) = server.requests
    assert request[2]["Authorization"] == "Bearer k3y-of-nobody"
    assert [event["id"] for event in json.loads(request[3])["events"]] == [track(at)["messageId"] for at in (1, 2, 3)]


def test_its_docs_are_those_of_its_definition(plugin: Plugin) -> None:
    assert "\n# Acme Billing\n" in (plugin.folder / "docs" / "acme-billing.md").read_text(encoding="utf-8")
    done = plugin("kable-destination", "docs", "--destination", "acme-billing", "--check", "-o", "docs")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", [*PLACES, "actions", "destination"])
def test_nobody_gets_a_top_level_module_of_it(plugin: Plugin, tmp_path: Path, name: str) -> None:
    done = Plugin(tmp_path, plugin.commands)("python", "-c", f"import {name}")
    assert f"No module named '{name}'" in done.stderr


@pytest.fixture
def type_checked(plugin: Plugin, tmp_path: Path) -> tuple[Plugin, str]:
    """The plugin, installed as the guide says, and the runner of the page about runners."""
    page = blocks(ROOT / "docs" / "runner.md")
    runner = tmp_path / "runner.py"
    (text,) = [block.text for block in page if block.file == runner.name]
    runner.write_text(text, encoding="utf-8")
    return plugin, str(runner)


def test_the_plugin_and_the_runner_of_the_docs_pass_mypy_strict(
    type_checked: tuple[Plugin, str], tmp_path: Path
) -> None:
    plugin, runner = type_checked
    options = ("--strict", "--python-executable", str(plugin.commands / "python"), "--cache-dir", str(tmp_path))
    done = plugin(sys.executable, "-m", "mypy", *options, ".", runner)
    assert done.returncode == 0, done.stdout


def test_the_plugin_and_the_runner_of_the_docs_pass_pyright_strict(type_checked: tuple[Plugin, str]) -> None:
    """The plugin's own settings say strict. basedpyright is pyright with its Node, in a wheel."""
    plugin, runner = type_checked
    checker = Path(sys.executable).parent / "basedpyright"
    if not checker.exists():
        pytest.skip("basedpyright is not installed: pip install -e '.[dev]'")
    done = plugin(str(checker), "--pythonpath", str(plugin.commands / "python"), ".", runner)
    assert done.returncode == 0, done.stdout
    assert "0 errors, 0 warnings" in done.stdout


@pytest.fixture(scope="module")
def two(made_once: MadeOnce) -> dict[str, Plugin]:
    """Two plugins in one environment, one of them with a title that is meant to break out of its place."""
    titles = {"acme": "Acme", "meter-9": HOSTILE}

    def make(folder: Path) -> None:
        commands = layered_environment(folder / "environment")
        for name, title in titles.items():
            written = Plugin(folder, commands)("kable-destination", "new", name, "--title", title)
            assert written.returncode == 0, written.stderr
        projects = [folder / f"{name}-destination" for name in titles]
        install(commands, "--no-deps", "--no-build-isolation", *projects)

    folder = made_once("two", make)
    return {name: Plugin(folder / f"{name}-destination", folder / "environment" / "bin") for name in titles}


def test_two_of_them_live_side_by_side(two: dict[str, Plugin]) -> None:
    for name, plugin in two.items():
        done = plugin("python", "-m", "pytest")
        assert done.returncode == 0, done.stdout
        key = f"{name.upper().replace('-', '_')}_API_KEY"
        checked = plugin("kable-destination", "check", "--destination", name, **{key: "k3y-of-nobody"})
        assert checked.returncode == 0, checked.stderr
    unknown = two["acme"]("kable-destination", "check", "--destination", "nobody")
    assert "acme, kable, meter-9" in unknown.stderr


def test_a_title_is_text_wherever_it_stands(two: dict[str, Plugin]) -> None:
    plugin = two["meter-9"]
    text = f"from meter_9_destination.destination import meter_9; assert meter_9.name == {HOSTILE!r}"
    assert plugin("python", "-c", text).stderr == ""
    project = tomllib.loads((plugin.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["description"] == f"Segment events in, {HOSTILE} events out."
    heading = (plugin.folder / "README.md").read_text(encoding="utf-8").splitlines()[0]
    assert re.sub(r"\\(.)", r"\1", heading) == f"# {HOSTILE} destination"
    assert not re.search(r"(?<!\\)[<`|{]", heading)


def test_what_is_written_is_formatted_and_linted(two: dict[str, Plugin]) -> None:
    """A strict author finds nothing to mend. Names that only copyright notices or packages would need are left out."""
    for plugin in two.values():
        assert plugin("ruff", "format", "--check", ".").returncode == 0
        ignored = "D203,D213,COM812,CPY001,TID252,ANN401,INP001,S101"
        linted = plugin("ruff", "check", "--select", "ALL", "--ignore", ignored, ".")
        assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "should be small letters, digits and single hyphens"),
        ("Acme", "should be small letters"),
        ("acme_billing", "should be small letters"),
        ("9acme", "should be small letters"),
        ("acme--billing", "should be small letters"),
        ("acme-", "should be small letters"),
        ("acme\n", "should be small letters"),
        ("akmé", "should be small letters"),
        ("../acme", "should be small letters"),
        ("a" * 31, "30 characters at most"),
        ("class", "is a word of Python; choose another, such as class-events"),
        ("print", "is a word of Python"),
        ("track", "names something else in the code"),
        ("con", "is a device of Windows"),
        ("lpt1", "is a device of Windows"),
        ("acme-destination", 'say "acme"'),
        ("kable", 'a destination "kable" is installed already'),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_with_what_can(command_line: CommandLine, name: str, told: str) -> None:
    run = command_line("new", name)
    assert (run.code, run.out) == (2, "")
    assert told in run.err
    assert list(command_line.folder.iterdir()) == []


@pytest.mark.parametrize("title", ["", " Acme", "two\nlines", "bell\a", "\u202eevil", "x" * 61])
def test_a_title_that_is_not_a_line_of_text_is_refused(title: str) -> None:
    with pytest.raises(SetupError, match="one line of 1 to 60 characters"):
        PluginNames.derive("acme", title)


def test_no_name_means_two_things_in_the_code(command_line: CommandLine) -> None:
    """What stands beside the definition in a module, imported or defined, is refused as its name."""
    assert command_line("new", "acme").code == 0
    modules = [path for path in command_line.folder.rglob("*.py") if path.parent.name in {"destination", "tests"}]
    used = {name for path in modules for name in bound_names(path)} - {"acme"}
    assert {"track", "extend_request"} <= used
    for name in used:
        with pytest.raises(SetupError):
            PluginNames.derive(name.replace("_", "-"))


def test_nothing_is_overwritten(command_line: CommandLine) -> None:
    target = command_line.folder / "mine"
    target.mkdir()
    (target / "kept.txt").write_text("kept", encoding="utf-8")
    run = command_line("new", "acme", "mine")
    assert (run.code, run.out) == (2, "")
    assert "mine: is not empty, and nothing is overwritten" in run.err
    assert [path.name for path in target.iterdir()] == ["kept.txt"]
    (command_line.folder / "file").write_text("kept", encoding="utf-8")
    run = command_line("new", "acme", "file")
    assert (run.code, "file: cannot be written" in run.err) == (2, True)


def test_it_says_what_to_do_next_and_writes_only_there(command_line: CommandLine) -> None:
    (command_line.folder / "an empty one").mkdir()
    run = command_line("new", "acme", "an empty one")
    assert (run.code, run.err) == (0, "")
    assert run.out.splitlines()[2:] == [
        "  cd 'an empty one'",
        "  pip install --editable '.[test]'",
        "  make test",
    ]
    assert [path.name for path in command_line.folder.iterdir()] == ["an empty one"]
    written = written_files(command_line.folder / "an empty one")
    assert {path.split("/")[0] for path in written if "/" in path} == set(PLACES)
    assert {path for path in written if "/" not in path} == {"Makefile", "README.md", "pyproject.toml", ".gitignore"}


def test_the_guide_lists_what_is_written(command_line: CommandLine) -> None:
    guide = (ROOT / "docs" / "writing-a-destination.md").read_text(encoding="utf-8")
    listed = re.findall(r"^[├└]── (\S+)", guide, re.MULTILINE)
    assert command_line("new", "acme").code == 0
    folder = command_line.folder / "acme-destination"
    assert [name for name in listed if not (folder / name).exists()] == []
    visible = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert visible == {name.split("/")[0] for name in listed}


def written_files(folder: Path) -> dict[str, str]:
    """What a plugin consists of, without what tools leave behind."""
    left_behind = re.compile(r"build/|.*\.egg-info/|.*__pycache__/|\.\w+_cache/")
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_text(encoding="utf-8") for name, path in paths.items() if not left_behind.match(name)}


def bound_names(path: Path) -> Iterator[str]:
    """The names that a module imports, or defines beside its tests, as far as a destination could have them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names if alias.name.islower())
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("test_"):
            yield node.name

"""The wheel stands alone, and the public names are the promised ones."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from command_line import API_KEY, CLIENT_ID
from environments import empty_environment, install_wheel
from kable_destination import definitions
from segment_events import ndjson, track

if TYPE_CHECKING:
    from environments import MadeOnce
    from kable_destination.runner.sandbox import RunningSandbox

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def environment(wheel: Path, made_once: MadeOnce) -> Path:
    """Install the wheel into an environment that has nothing else."""
    folder = made_once("wheel alone", lambda folder: install_wheel(empty_environment(folder), wheel))
    return folder / "bin"


def run(environment: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the environment, far from the tree."""
    variables = {"PATH": os.environ["PATH"], "KABLE_API_KEY": API_KEY, "KABLE_CLIENT_ID": CLIENT_ID}
    return subprocess.run(
        [str(environment / command[0]), *command[1:]],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_installed_command_helps_and_delivers(environment: Path, tmp_path: Path, sandbox: RunningSandbox) -> None:
    helped = run(environment, tmp_path, "kable-destination", "--help")
    assert helped.returncode == 0, helped.stderr
    for command in ("deliver", "preview", "check", "new", "sandbox"):
        assert command in helped.stdout
    (tmp_path / "events.ndjson").write_bytes(ndjson(track(1), track(2)))
    delivered = run(
        environment, tmp_path, "kable-destination", "deliver", "events.ndjson", "--base-url", sandbox.base_url
    )
    assert delivered.returncode == 0, delivered.stderr
    assert len(sandbox.ledger.events) == 2


@pytest.mark.parametrize(("option", "extra"), [("--metrics-port=0", "metrics"), ("--traces", "traces")])
def test_a_missing_extra_is_named(environment: Path, tmp_path: Path, option: str, extra: str) -> None:
    (tmp_path / "events.ndjson").write_bytes(ndjson(track(1)))
    refused = run(environment, tmp_path, "kable-destination", "deliver", "events.ndjson", option)
    assert refused.returncode == 2
    name = option.partition("=")[0]
    expected = f"error: {name}: needs the extra `{extra}`: pip install 'kable-destination[{extra}]'\n"
    assert refused.stderr == expected


def test_the_wheel_has_the_templates_of_the_docs(environment: Path, tmp_path: Path) -> None:
    made = run(environment, tmp_path, "kable-destination", "docs", "--format", "html", "-o", "pages")
    assert (made.returncode, made.stderr) == (0, "")
    assert "<h1>Kable</h1>" in (tmp_path / "pages" / "kable.html").read_text(encoding="utf-8")
    printed = run(environment, tmp_path, "kable-destination", "docs")
    assert printed.stdout == (ROOT / "docs" / "kable.md").read_text(encoding="utf-8")


def test_the_wheel_has_the_page_as_it_was_built(wheel: Path) -> None:
    built = {path.name: path.read_bytes() for path in (ROOT / "runner" / "service" / "page" / "static").iterdir()}
    folder = "kable_destination/runner/service/page/static"
    with ZipFile(wheel) as archive:
        assert {name: archive.read(f"{folder}/{name}") for name in built} == built


@pytest.mark.parametrize("name", ["actions", "definitions", "destination", "runner", "tests"])
def test_nobody_gets_a_top_level_module_of_ours(environment: Path, tmp_path: Path, name: str) -> None:
    done = run(environment, tmp_path, "python", "-c", f"import {name}")
    assert f"No module named '{name}'" in done.stderr


def test_the_public_imports_work(environment: Path, tmp_path: Path) -> None:
    text = (
        "from kable_destination.destination import kable; from importlib.metadata import entry_points;"
        "from kable_destination.definitions import Destination, compile_mapping, compile_trigger, compile_fields;"
        "(point,) = entry_points(group='destination_actions'); assert point.name == 'kable' and point.load() is kable"
    )
    assert run(environment, tmp_path, "python", "-c", text).stderr == ""


def test_a_new_destination_needs_the_test_kit_and_says_so(environment: Path, tmp_path: Path) -> None:
    done = run(environment, tmp_path, "kable-destination", "new", "acme")
    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (2, "", [])
    assert "pip install 'kable-destination[testing]'" in done.stderr


def test_the_kit_is_there_and_asks_for_what_it_needs(environment: Path, tmp_path: Path) -> None:
    """The wheel brings no pytest; the extra does."""
    done = run(environment, tmp_path, "python", "-c", "import kable_destination.definitions.testing")
    assert "needs pytest and syrupy: pip install 'kable-destination[testing]'" in done.stderr
    text = (
        "from importlib.metadata import entry_points, requires;"
        "(point,) = [p for p in entry_points(group='pytest11') if p.value.startswith('kable')];"
        "from importlib.util import find_spec; assert find_spec(point.value);"
        "assert sum('extra == \\'testing\\'' in r.replace('\"', '\\'') for r in requires('kable-destination')) == 2"
    )
    assert run(environment, tmp_path, "python", "-c", text).stderr == ""


def test_the_public_surface_is_what_all_says() -> None:
    assert sorted(definitions.__all__, key=str.casefold) == sorted(set(definitions.__all__), key=str.casefold)
    found = {name for name, value in vars(definitions).items() if not isinstance(value, ModuleType)}
    public = {name for name in found if not name.startswith("_")} - {"TYPE_CHECKING"}
    lazy = set(definitions.__all__) - public
    assert public <= set(definitions.__all__)
    assert lazy <= {"RequestBuilder"}, "it needs httpx, which a command that sends nothing does not import"
    assert all(hasattr(definitions, name) for name in lazy)

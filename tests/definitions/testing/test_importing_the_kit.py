"""The kit is imported when it is asked for, and says what it needs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from kable_destination.definitions import testing

if TYPE_CHECKING:
    from pathlib import Path

    from author_project import AuthorSuite

REMEDY = "pip install 'kable-destination[testing]'"


def test_the_public_names_are_sorted_and_there() -> None:
    assert testing.__all__ == sorted(testing.__all__, key=lambda name: (not name[0].isupper(), name))
    assert all(hasattr(testing, name) for name in testing.__all__)


def test_the_kit_is_not_imported_before_it_is_asked_for() -> None:
    """Pytest loads the plugin in every environment that has this package."""
    text = "import kable_destination.pytest_plugin, sys; print([n for n in sys.modules if n.startswith('kable_')])"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['kable_destination', 'kable_destination.pytest_plugin']"


def test_without_pytest_the_import_tells_the_remedy() -> None:
    text = (
        "import importlib.util as util; known = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'pytest' else known(name, *more)\n"
        "import kable_destination.definitions.testing"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert f"ImportError: kable_destination.definitions.testing needs pytest and syrupy: {REMEDY}" in done.stderr


def test_without_syrupy_the_snapshots_tell_the_remedy_and_all_else_works(project: Path, run_suite: AuthorSuite) -> None:
    done = run_suite(project, "-p", "no:syrupy")
    assert f"snapshots need syrupy: {REMEDY}" in done.stdout
    assert "5 errors" in done.stdout
    assert "failed" not in done.stdout


def test_a_snapshot_writes_matchers_by_their_names(tmp_path: Path, run_suite: AuthorSuite) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(
        "from kable_destination.definitions.testing import AnyUuid\n"
        "def test_it(readable_snapshot):\n"
        '    assert {"id": AnyUuid()} == readable_snapshot(name="it")\n',
        encoding="utf-8",
    )
    done = run_suite(tmp_path, "--snapshot-update", "-W", "error")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "snapshots" / "it.json").read_text(encoding="utf-8") == '{\n  "id": "AnyUuid()"\n}\n'

"""A plugin that cannot be imported is one sentence, which names the plugin's own file and line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from kable_destination.definitions import SetupError
from kable_destination.runner.configuration import plugins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULES = ("broken_destination", "broken_part", "broken_package")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on Python's path with the metadata of a plugin."""
    monkeypatch.syspath_prepend(str(tmp_path))
    write_entry(tmp_path, "broken_destination:broken")
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in MODULES]:
        del sys.modules[name]


def write_entry(site: Path, value: str) -> None:
    metadata = site / "broken-1.0.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[destination_actions]\nbroken = {value}\n", encoding="utf-8")


def sentence() -> str:
    with pytest.raises(SetupError) as caught:
        plugins.load("broken")
    (problem,) = caught.value.problems
    assert "\n" not in str(problem)
    return str(problem)


@pytest.mark.parametrize(
    ("code", "said", "line"),
    [
        ("raise SystemExit(3)\n", "SystemExit: 3 (file", 1),
        ("\nimport sys\nsys.exit('bye')\n", "SystemExit: bye (file", 3),
        ("assert False\n", "AssertionError (file", 1),
        (
            "class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError\n\nraise Odd\n",
            "imported: Odd (file",
            5,
        ),
        ("import json\n\njson.loads('{')\n", "JSONDecodeError: Expecting property name", 3),
        (
            "from kable_destination.definitions import Preset\n\nbroken = Preset(name=1)\n",
            "ValidationError: ",
            3,
        ),
        ("raise ValueError('\\x9b2J\\u202e\\ud800')\n", "ValueError: \\x9b2J\\u202e\\ud800", 1),
        ("def again():\n    again()\n\nagain()\n", "RecursionError: maximum recursion depth", 2),
    ],
)
def test_what_goes_wrong_is_shown_with_the_line_of_the_plugin(site: Path, code: str, said: str, line: int) -> None:
    (site / "broken_destination.py").write_text(code, encoding="utf-8")
    message = sentence()
    assert said in message
    assert message.endswith(f'(file "{site}/broken_destination.py", line {line})')


def test_an_error_in_another_file_of_the_plugin_is_found_there(site: Path) -> None:
    (site / "broken_destination.py").write_text("from broken_part import part\n", encoding="utf-8")
    (site / "broken_part.py").write_text("import json\n\n\npart = json.loads('')\n", encoding="utf-8")
    assert sentence().endswith(f'(file "{site}/broken_part.py", line 4)')
    for folder in ("broken_package", "broken_package/one", "broken_package/two"):
        (site / folder).mkdir()
        (site / folder / "__init__.py").touch()
    (site / "broken_package/one/__init__.py").write_text("from ..two import x\n", encoding="utf-8")
    (site / "broken_package/two/__init__.py").write_text("\nx = 1 / 0\n", encoding="utf-8")
    write_entry(site, "broken_package.one:broken")
    assert sentence().endswith(f'(file "{site}/broken_package/two/__init__.py", line 2)')


@pytest.mark.parametrize("value", ["!!!", "1broken mod", "broken:"])
def test_an_entry_point_that_names_nothing_is_refused(site: Path, value: str) -> None:
    write_entry(site, value)
    assert f'"broken" ({value})' in sentence()
    assert "NoneType" not in sentence()

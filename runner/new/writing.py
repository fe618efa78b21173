"""From templates to the folder of a plugin."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from ...definitions import DestinationDefinition, Problem, SetupError
from ...definitions.documentation import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .names import PluginNames

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$-])")


def write_plugin(names: PluginNames, folder: Path) -> None:
    """Write a plugin into a folder, which must be empty or absent. Raises SetupError."""
    _refuse_unless_empty(folder)
    with tempfile.TemporaryDirectory() as made:
        draft = Path(made) / names.distribution
        _render(names, draft)
        with _imported(names, draft) as definition:
            _write(draft / "docs" / f"{names.name}.md", render(definition, "markdown"))
            for name, text in _snapshots(definition):
                _write(draft / "snapshots" / f"{name}.json", text)
        _copy(draft, folder)


def _copy(draft: Path, folder: Path) -> None:
    """Copy all files; `folder` is made where it is not there. Raises SetupError."""
    for path in sorted(draft.rglob("*")):
        target = folder / path.relative_to(draft)
        if not path.is_file() or "__pycache__" in target.parts:
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        except (FileExistsError, NotADirectoryError):
            raise SetupError.of(
                [Problem(str(folder), "cannot be written: it is not a folder, or not within one")]
            ) from None
        except OSError as error:
            raise SetupError.of([Problem(str(target), f"cannot be written: {error.strerror}")]) from None


def python_text(text: str) -> str:
    """Write a text as a Python literal, with the quotes that the formatter would choose."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    escaped = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return f"{quote}{escaped}{quote}"


def toml_text(text: str) -> str:
    """Write a text as a TOML string, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def markdown_text(text: str) -> str:
    """Write a text so Markdown shows it as it is."""
    return _MARKDOWN.sub(r"\\\1", text)


def _refuse_unless_empty(folder: Path) -> None:
    try:
        is_free = not folder.exists() or not any(folder.iterdir())
    except OSError as error:
        raise SetupError.of([Problem(str(folder), f"cannot be written: {error.strerror}")]) from None
    if not is_free:
        raise SetupError.of([Problem(str(folder), "is not empty, and nothing is overwritten; name another folder")])


def _snapshots(definition: DestinationDefinition) -> Iterator[tuple[str, str]]:
    """Give the names of the snapshots that the suite of a destination compares with, and their texts."""
    try:
        from ...definitions.testing import destination_suite, readable_json  # noqa: PLC0415 - it comes with an extra
    except ImportError:
        advice = "needs the test kit for authors: pip install 'kable-destination[testing]'"
        raise SetupError.of([Problem("new", advice)]) from None
    for name, shown in destination_suite(definition).recordings():
        yield name, readable_json(shown)


def _render(names: PluginNames, folder: Path) -> None:
    environment = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=False,  # noqa: S701 - each text is escaped for the language of its file
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters.update(python=python_text, toml=toml_text, markdown=markdown_text)
    for path in environment.list_templates(extensions=["j2"]):
        text = environment.get_template(path).render(names=names, version=version("kable-destination"))
        target = path.removesuffix(".j2").replace("PACKAGE", names.package).replace("NAME", names.identifier)
        target = target.replace("dot-", ".")
        _write(folder / target, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@contextmanager
def _imported(names: PluginNames, folder: Path) -> Iterator[DestinationDefinition]:
    """Import the definition from a folder that is not installed."""
    package = ModuleType(names.package)
    package.__path__ = [str(folder / "src" / names.package)]
    sys.modules[names.package] = package
    try:
        yield getattr(import_module(f"{names.package}.destination"), names.identifier)
    finally:
        for module in [module for module in sys.modules if f"{module}.".startswith(f"{names.package}.")]:
            del sys.modules[module]

"""The command `docs`: pages made from the definitions and from the program itself, printed, written or compared."""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...definitions import Problem, SetupError
from ...definitions.documentation import render
from ..configuration import plugins
from ..configuration.configuration import DEFAULT_DESTINATION
from ..configuration.reference import command_line_reference, configuration_reference
from .exit_codes import FAILED, OK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import typer

    from ...definitions.documentation import Format

DEFAULT_FOLDER = Path("docs")
_SUFFIXES = {"markdown": "md", "html": "html", "json": "json"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pages are wanted: of which destination, in which format, or one reference alone."""

    destination: str | None
    page_format: Format
    reference: Literal["cli", "configuration"] | None


def docs(app: typer.Typer, wanted: Wanted, folder: Path | None, *, check: bool) -> int:
    """Print a page, write pages to a folder, or compare those that are there. Gives an exit code. Raises SetupError.

    In a folder, the references stand beside the Markdown page of our own destination.
    """
    pages = _pages(app, wanted)
    if check:
        stale = [_difference((folder or DEFAULT_FOLDER) / name, make()) for name, make in pages.items()]
        sys.stdout.write("".join(stale))
        return FAILED if any(stale) else OK
    if folder is None:
        sys.stdout.write(next(iter(pages.values()))())
        return OK
    for name, make in pages.items():
        _write(folder / name, make())
    return OK


def _pages(app: typer.Typer, wanted: Wanted) -> Mapping[str, Callable[[], str]]:
    """Give the names of the wanted files, and what makes each."""
    name = wanted.destination or DEFAULT_DESTINATION
    definition = plugins.load(name)
    short_name = plugins.short_name(name, definition)
    references: dict[str, Callable[[], str]] = {
        "cli": lambda: command_line_reference(app),
        "configuration": lambda: configuration_reference(definition, short_name),
    }
    if wanted.reference is not None:
        if wanted.page_format != "markdown":
            raise SetupError.of([Problem("--format", f"the {wanted.reference} reference is there as markdown only")])
        return {f"{wanted.reference}.md": references[wanted.reference]}
    file_name = f"{_file_name(short_name)}.{_SUFFIXES[wanted.page_format]}"
    pages: dict[str, Callable[[], str]] = {file_name: lambda: render(definition, wanted.page_format)}
    if name == DEFAULT_DESTINATION and wanted.page_format == "markdown":
        pages.update({f"{reference}.md": make for reference, make in references.items()})
    return pages


def _file_name(name: str) -> str:
    """Make a name that stays within its folder of a name that a manifest gives."""
    return re.sub(r"[^\w-]+", "-", name).strip("-") or "destination"


def _difference(path: Path, generated: str) -> str:
    """Tell what of a page is stale, as a unified diff; empty when nothing is."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            there = file.read()
    except FileNotFoundError:
        there = ""
    except NotADirectoryError:
        raise _no_folder(path.parent) from None
    except UnicodeDecodeError:
        raise SetupError.of(
            [Problem(str(path), "is not UTF-8, so it is no page; remove it, or name another folder")]
        ) from None
    except OSError as error:
        raise SetupError.of([Problem(str(path), f"cannot be read: {error.strerror}")]) from None
    lines = difflib.unified_diff(
        there.splitlines(keepends=True), generated.splitlines(keepends=True), str(path), "as it would be generated"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except (FileExistsError, NotADirectoryError):
        raise _no_folder(path.parent) from None
    except OSError as error:
        raise SetupError.of([Problem(str(path), f"cannot be written: {error.strerror}")]) from None


def _no_folder(path: Path) -> SetupError:
    return SetupError.of([Problem(str(path), "is not a folder, and pages are written into one; name another")])

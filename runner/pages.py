"""The generated pages: about a destination, and the references beside it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from ..definitions import Problem, SetupError, indented_json
from ..definitions.documentation import render
from .configuration import plugins
from .configuration.configuration import DEFAULT_DESTINATION
from .configuration.reference import configuration_reference
from .configuration.schema import configuration_schema
from .service.openapi import all_operations, openapi_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ..definitions.documentation import Format

_SUFFIXES = {"markdown": "md", "html": "html", "json": "json"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The pages that were asked for: their destination and format, or only one reference."""

    destination: str | None
    page_format: Format
    reference: Literal["cli", "configuration"] | None


def pages_of(
    wanted: Wanted, command_line_reference: Callable[[], str], output_schemas: Callable[[], Mapping[str, str]]
) -> Mapping[str, Callable[[], str]]:
    """Return a function per page, by the name of its file. Raises SetupError.

    The Markdown page of our own destination comes with the references, and with the schemas of the configuration and
    of what commands print as JSON.
    """
    name = wanted.destination or DEFAULT_DESTINATION
    definition = plugins.load(name)
    short_name = plugins.short_name(name, definition)
    references: dict[str, Callable[[], str]] = {
        "cli": command_line_reference,
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
        pages["schemas/configuration.schema.json"] = lambda: configuration_schema(definition, short_name)
        pages["openapi.json"] = lambda: indented_json(openapi_document(all_operations())) + "\n"
        pages.update({f"schemas/{schema}": partial(str, text) for schema, text in output_schemas().items()})
    return pages


def changes(path: Path, generated: str) -> str:
    """Return what is out of date in a page, as a unified diff, or an empty text. Raises SetupError."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            there = file.read()
    except FileNotFoundError:
        there = ""
    except NotADirectoryError:
        raise _no_folder(path.parent) from None
    except UnicodeDecodeError:
        message = "is not UTF-8, so it is not a page; remove it, or name another folder"
        raise SetupError.of([Problem(str(path), message)]) from None
    except OSError as error:
        raise SetupError.of([Problem(str(path), f"cannot be read: {error.strerror}")]) from None
    lines = difflib.unified_diff(
        there.splitlines(keepends=True), generated.splitlines(keepends=True), str(path), "as it would be generated"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def write_page(path: Path, text: str) -> None:
    """Write a page, and its folder if there is none. Raises SetupError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except (FileExistsError, NotADirectoryError):
        raise _no_folder(path.parent) from None
    except OSError as error:
        raise SetupError.of([Problem(str(path), f"cannot be written: {error.strerror}")]) from None


def _file_name(name: str) -> str:
    """Return a name that stays within its folder: a manifest may give any name."""
    return re.sub(r"[^\w-]+", "-", name).strip("-") or "destination"


def _no_folder(path: Path) -> SetupError:
    return SetupError.of([Problem(str(path), "is not a folder, and pages are written into one; name another")])

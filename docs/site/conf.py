"""How Sphinx makes the site; `build.py` beside it says of what."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pygments.lexers.special import TextLexer  # type: ignore[import-untyped]  # Pygments has no types

from kable_destination.definitions import AnswerError
from kable_destination.definitions.planning import plan

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from sphinx.application import Sphinx

project = "kable-destination"
release = version = version_of(project)
extensions = ["myst_parser", "sphinx.ext.autodoc"]
# Links to files of the project lead to their text; folders such as `definitions` are there for that, not as pages.
include_patterns = ["*.md", "docs/*.md", "docs/schemas/*.md", "examples/README.md", "benchmarks/README.md", "api/*.md"]
suppress_warnings = [
    "misc.highlighting_failure",  # examples leave parts out with …
    "myst.header",  # cli.md, made by typer, begins some sections one level too deep
]

html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}

myst_heading_anchors = 4
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "imported-members": True, "show-inheritance": True}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
# What stands between backticks in a docstring is code.
default_role = "code"

_OF_PYDANTIC = frozenset(dir(BaseModel))


def _skip(_app: Sphinx, _what: str, name: str, _value: Any, skip: bool, _options: Any) -> bool:
    """Leave out what every model of pydantic has."""
    return skip or name in _OF_PYDANTIC


def _model_signature(  # Sphinx passes the rest
    _app: Sphinx, _what: str, _name: str, value: Any, _options: Any, arguments: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Return the signature of a model in Python's names and in the annotations of the source.

    That of pydantic has the names of JSON, and each type written out.
    """
    if not (isinstance(value, type) and issubclass(value, BaseModel)):
        return arguments, returned
    annotations = {name: text for owner in reversed(value.__mro__) for name, text in _annotations(owner).items()}
    parts = [
        f"{name}: {annotations[name]}{'' if field.is_required() else ' = ' + _default(field)}"
        for name, field in value.model_fields.items()
        if name != "carried"  # of the reader of manifests
    ]
    return f"(*, {', '.join(parts)})", None


def _annotations(owner: type) -> dict[str, str]:
    found = vars(owner).get("__annotations__", {})
    return {
        name: note if isinstance(note, str) else getattr(note, "__name__", str(note)) for name, note in found.items()
    }


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    return "..." if isinstance(default, BaseModel | tuple) and default else repr(default)


def setup(app: Sphinx) -> None:
    """Add what Sphinx does not know."""
    app.add_lexer("fql", TextLexer)
    # msgspec evaluates the annotations of a Struct when it is asked for its signature.
    vars(plan).setdefault("AnswerError", AnswerError)
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-signature", _model_signature)

"""All that a plugin is called, derived from one name."""

from __future__ import annotations

import builtins
import keyword
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...definitions import Problem, SetupError
from ..configuration.environment import environment_name

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_LONGEST_NAME = 30
_LONGEST_TITLE = 60
_SUFFIX = "-destination"
_TAKEN_IN_THE_CODE = frozenset(
    {"annotations", "authenticate", "destination_suite", "event", "extend_request", "httpx", "run_action", "track"}
)
_DEVICES = frozenset(
    {"aux", "con", "nul", "prn", *(f"{kind}{number}" for kind in ("com", "lpt") for number in range(1, 10))}
)
"""What no file of Windows may be called, whatever its suffix."""


@dataclass(frozen=True, slots=True)
class PluginNames:
    """The names of a plugin: `name` is that of its entry point, `title` what people read.

    Raises SetupError, with what is allowed, when they are not safe to write into code and paths or are taken already.
    """

    name: str
    title: str

    @classmethod
    def derive(cls, name: str, title: str | None = None, *, taken: Container[str] = ()) -> PluginNames:
        """Check a name and derive the others from it; `taken` are the names of the destinations that are there."""
        problems = [*_name_problems(name, taken), *(_title_problems(title) if title is not None else ())]
        if problems:
            raise SetupError.of(problems)
        return cls(name, title if title is not None else " ".join(map(str.capitalize, name.split("-"))))

    @property
    def distribution(self) -> str:
        """The name under which it is published, and of its folder."""
        return f"{self.name}{_SUFFIX}"

    @property
    def package(self) -> str:
        """The package that is imported."""
        return _identifier(self.distribution)

    @property
    def identifier(self) -> str:
        """The variable that holds the definition, and the name of its module."""
        return _identifier(self.name)

    @property
    def slug(self) -> str:
        """The slug of the destination, as Segment writes it."""
        return f"actions-{self.name}"

    @property
    def api_key_variable(self) -> str:
        """The environment variable that holds the API key."""
        return environment_name(self.name, "apiKey")


def _identifier(name: str) -> str:
    return name.replace("-", "_")


def _name_problems(name: str, taken: Container[str]) -> Iterator[Problem]:
    place = "name"
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        allowed = "small letters, digits and single hyphens between them, beginning with a letter"
        yield Problem(place, f'"{name}" should be {allowed}, {_LONGEST_NAME} characters at most, such as acme-billing')
    elif name.endswith(_SUFFIX):
        yield Problem(place, f'say "{name.removesuffix(_SUFFIX)}": "{_SUFFIX}" is added to the name of the package')
    elif name in taken:
        yield Problem(place, f'a destination "{name}" is installed already; choose another name')
    elif keyword.iskeyword(name) or hasattr(builtins, _identifier(name)):
        yield Problem(place, f'"{name}" is a word of Python; choose another, such as {name}-events')
    elif name in _DEVICES:
        yield Problem(place, f'"{name}" is a device of Windows, where no file can have its name; choose another')
    elif _identifier(name) in _TAKEN_IN_THE_CODE:
        yield Problem(place, f'"{name}" names something else in the code of a plugin; choose another')


def _title_problems(title: str) -> Iterator[Problem]:
    if not title or title != title.strip() or len(title) > _LONGEST_TITLE or not title.isprintable():
        yield Problem("--title", f"should be one line of 1 to {_LONGEST_TITLE} characters, without spaces around it")

"""Where something is in a payload, as an expression of the source that validates it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..python_source import PythonSource
    from .findings import Place


class WrittenPlace(Protocol):
    """Where something is in a payload, as an expression."""

    @property
    def text(self) -> str:
        """The expression."""

    def below(self, key: str) -> WrittenPlace:
        """Return the place of a member."""


class StaticPlace:
    """A place that is known while the source is written."""

    def __init__(self, source: PythonSource, place: Place) -> None:
        self._source = source
        self._place = place
        self._text: str | None = None if place is not None else "None"

    @property
    def text(self) -> str:
        """The name of a constant."""
        if self._text is None:
            self._text = self._source.constant(self._place, "place")
        return self._text

    def below(self, key: str) -> StaticPlace:
        """Return the place of a member."""
        return StaticPlace(self._source, (self._place, key))


class PassedPlace:
    """A place that a function gets as an argument."""

    def __init__(self, source: PythonSource, text: str) -> None:
        self._source = source
        self._text = text

    @property
    def text(self) -> str:
        """The expression, as it was given."""
        return self._text

    def below(self, key: str) -> PassedPlace:
        """Return the place of a member."""
        return PassedPlace(self._source, f"({self._text}, {self._source.literal(key)})")

"""Where each part of a configuration comes from: a file, a variable, an account or an option."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...definitions import BASE_URL, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_OPTIONS = {"giveUpHours": "--give-up-after"}
"""Options of the command line that are not called as their key in the file."""


class Origins:
    """Where settings (`settings.apiKey`), delivery options (`delivery.wait`) and other keys come from.

    The file itself needs no mention in a problem, since its place is that of the file.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._by_place: dict[str, str] = {}

    def note(self, table: str, keys: Iterable[str], origin: Callable[[str], str]) -> None:
        """Note where some keys of a table come from."""
        for key in keys:
            self._by_place[f"{table}.{key}" if table else key] = origin(key)

    def note_file(self, table: str, keys: Iterable[str]) -> None:
        """Note that some keys of a table come from the file."""
        self.note(table, keys, lambda _: self._file)

    def of(self, place: str) -> str | None:
        """Return where the value at a place comes from; None if there is none."""
        return self._by_place.get(place)

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield every place with its origin."""
        yield from self._by_place.items()

    def placed(self, problem: Problem) -> Problem:
        """Return a problem whose place says where the value comes from, if that is not the file."""
        origin = self._by_place.get("delivery.baseUrl" if problem.place == BASE_URL else problem.place)
        if origin is None or (origin == self._file and problem.place != BASE_URL):
            return problem
        return Problem(f"{problem.place} ({origin})", problem.message)


def option_name(key: str) -> str:
    """Return the option of the command line for a key of the file: `batchSize` is `--batch-size`."""
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in key)
    return _OPTIONS.get(key, f"--{words}")

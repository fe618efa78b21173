"""Patterns of names, such as `logs/**/*.gz`: we expand them, so their number does not matter to the shell."""

from __future__ import annotations

import re

_MAGIC = re.compile(r"[*?\[]")
_ANY_FOLDERS = "**"
_HIDDEN = r"(?![._])"


def has_pattern(text: str) -> bool:
    """Return whether a text holds a sign of a pattern."""
    return _MAGIC.search(text) is not None


class Pattern:
    """A pattern: `*` and `?` match within a name, `[…]` one of some characters, and `**` any folders.

    They do not match what is hidden: names that begin with a period or an underscore. `root` is the folder above the
    first name that holds a sign, with a slash at its end; empty if there is none.
    """

    def __init__(self, text: str) -> None:
        names = text.split("/")
        first = next((number for number, name in enumerate(names) if has_pattern(name)), len(names) - 1)
        self.root = "".join(f"{name}/" for name in names[:first])
        self.literal = f"{self.root}{_MAGIC.split(names[first])[0]}"
        self._names = names[first:]
        self._levels = [re.compile(_of_name(name), re.DOTALL) for name in self._names]
        parts = [_of_folders(name, is_last=name is self._names[-1]) for name in self._names]
        self._whole = re.compile("".join(parts), re.DOTALL)

    def matches(self, path: str) -> bool:
        """Return whether a path, which begins with the root, matches."""
        return self._whole.fullmatch(path, len(self.root)) is not None

    def may_hold(self, folder: str) -> bool:
        """Return whether a folder, which begins with the root and ends with a slash, may hold what matches."""
        names = folder[len(self.root) : -1].split("/")
        for number, name in enumerate(names):
            if number >= len(self._names) - 1 and self._names[-1] != _ANY_FOLDERS:
                return False
            if self._names[number] == _ANY_FOLDERS:
                return True
            if self._levels[number].fullmatch(name) is None:
                return False
        return True


def _of_folders(name: str, *, is_last: bool) -> str:
    if name == _ANY_FOLDERS:
        folders = rf"(?:{_HIDDEN}[^/]+/)*"
        return rf"{folders}{_HIDDEN}[^/]+" if is_last else folders
    return _of_name(name) + ("" if is_last else "/")


def _of_name(name: str) -> str:
    """Return the expression for one name."""
    parts, at = [_HIDDEN if has_pattern(name[:1]) else ""], 0
    while at < len(name):
        sign, end = name[at], name.find("]", at + 2)
        if sign == "*":
            parts.append("[^/]*")
        elif sign == "?":
            parts.append("[^/]")
        elif sign == "[" and end > 0:
            chosen = name[at + 1 : end]
            inverted = "^/" if chosen[0] in "!^" else ""
            chosen = re.sub(r"([\\\[\]^&~|])", r"\\\1", chosen[1:] if inverted else chosen)
            parts.append(f"[{inverted}{chosen}]")
            at = end
        else:
            parts.append(re.escape(sign))
        at += 1
    return "".join(parts)

"""The modules of the project as their files say, and what they import, wherever in a file they do."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAMESPACE = "kable_destination."


@dataclass(frozen=True)
class Import:
    """An import of one module by another, with the place that a reader looks at."""

    place: str
    source: str
    target: str


@dataclass(frozen=True)
class SourceTree:
    """The layers of a project. Modules are named as in the tree: `runner.commands.app`."""

    root: Path
    layers: tuple[str, ...]

    @cached_property
    def files(self) -> dict[str, Path]:
        """The file of each module; a package is its `__init__.py`."""
        return {self._name(path): path for layer in self.layers for path in sorted((self.root / layer).rglob("*.py"))}

    @cached_property
    def syntax(self) -> dict[str, ast.Module]:
        """The parsed text of each module."""
        return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in self.files.items()}

    @cached_property
    def inner_imports(self) -> list[Import]:
        """The imports between modules of the tree: also those for types, and within functions."""
        return [found for found in self._imports if self._layer(found.target) in self.layers]

    @cached_property
    def outer_imports(self) -> list[Import]:
        """The imports of everything else."""
        return [found for found in self._imports if self._layer(found.target) not in self.layers]

    def place(self, name: str, node: ast.expr | ast.stmt) -> str:
        """Return the file and line of a node."""
        return f"{self.files[name].relative_to(self.root)}:{node.lineno}"

    def cycles(self) -> list[list[str]]:
        """Return the groups of modules that import each other, directly or by way of others."""
        reachable = {name: self._reachable(name) for name in self.files}
        groups = {
            tuple(sorted(other for other in reachable[name] if name in reachable[other]))
            for name in self.files
            if name in reachable[name]
        }
        return sorted(map(list, groups))

    @cached_property
    def _imports(self) -> list[Import]:
        return [
            Import(self.place(name, node), name, target)
            for name, tree in self.syntax.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for target in self._targets(name, node)
        ]

    @cached_property
    def _neighbours(self) -> dict[str, set[str]]:
        neighbours: dict[str, set[str]] = {name: set() for name in self.files}
        for found in self.inner_imports:
            neighbours[found.source].add(found.target)
        return neighbours

    def _reachable(self, start: str) -> set[str]:
        found: set[str] = set()
        ahead = list(self._neighbours[start])
        while ahead:
            name = ahead.pop()
            if name not in found:
                found.add(name)
                ahead += self._neighbours.get(name, ())
        return found

    def _name(self, path: Path) -> str:
        parts = path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _targets(self, name: str, node: ast.Import | ast.ImportFrom) -> set[str]:
        if isinstance(node, ast.Import):
            return {alias.name.removeprefix(NAMESPACE) for alias in node.names}
        package = self._absolute(name, node).removeprefix(NAMESPACE)
        return {self._owner(package, alias.name) for alias in node.names}

    def _absolute(self, name: str, node: ast.ImportFrom) -> str:
        parts = name.split(".")
        is_package = self.files[name].name == "__init__.py"
        above = parts[: len(parts) + is_package - node.level] if node.level else []
        return ".".join([*above, *([node.module] if node.module else [])])

    def _owner(self, package: str, name: str) -> str:
        """Return the module that `from package import name` imports: a submodule, unless the package binds the name."""
        submodule = f"{package}.{name}"
        return submodule if submodule in self.files and name not in self._bound(package) else package

    def _bound(self, package: str) -> set[str]:
        """Return what a package gives out under its own name; a submodule may be called the same."""
        if package not in self.files:
            return set()
        return {
            alias.asname or alias.name
            for node in self.syntax[package].body
            if isinstance(node, ast.ImportFrom) and (node.module or node.level != 1)
            for alias in node.names
        }

    @staticmethod
    def _layer(name: str) -> str:
        return name.partition(".")[0]

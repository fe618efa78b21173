"""What is installed: Python, packages, destinations, queue engines."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..configuration.plugins import described_plugins
from ..queues.opening import engine_names
from ..version import version as own_version
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGES = ("aiohttp", "httpx", "msgspec", "orjson", "pydantic", "python-liquid", "typer")
_EXTRAS = {"metrics": "prometheus_client", "traces": "opentelemetry", "testing": "syrupy"}


def installation() -> Iterator[Finding]:
    """Yield what is installed, and what of it cannot be used."""
    where = f"{platform.python_version()} at {sys.executable}, {platform.system()} {platform.machine()}"
    yield Finding("python", "ok", where)
    yield Finding("packages", "ok", ", ".join([own_version(), *(f"{name} {_version(name)}" for name in _PACKAGES)]))
    there = [extra for extra, module in _EXTRAS.items() if find_spec(module) is not None]
    yield Finding("extras", "ok", ", ".join(there) or "none")
    for plugin in described_plugins():
        package = "" if plugin.package is None else f" ({plugin.package} {plugin.package_version})"
        if plugin.fault is None:
            yield Finding("destination", "ok", f"{plugin.name}: {plugin.title}{package}")
        else:
            yield Finding("destination", "failed", f"{plugin.name}{package}: {plugin.fault}")
    yield Finding("queue engines", "ok", ", ".join(engine_names()))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "is not installed"

"""The version of the installed distribution."""

from __future__ import annotations

from importlib.metadata import version as distribution_version


def version() -> str:
    """Name the distribution and its version."""
    return f"kable-destination {distribution_version('kable-destination')}"

"""The configuration of a command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output import say
from .shown import shown

if TYPE_CHECKING:
    from ..configuration.configuration import Configuration


def configured(
    config: Path | None, *, destination: str | None = None, account: str | None = None, **delivery: Any
) -> Configuration:
    """Return the configuration from a file, the environment and the options of a command.

    Probable mistakes in it are printed as warnings. Raises SetupError.
    """
    from ..configuration.configuration import Configuration

    configuration = Configuration(
        config, environment=os.environ, destination=destination, account=account, delivery=delivery
    )
    for warning in configuration.warnings:
        say(f"warning: {warning}", error=True)
    if shown.verbose:
        _say_origins(configuration)
    return configuration


def _say_origins(configuration: Configuration) -> None:
    """Say where each setting comes from, and no value: it may be a secret."""
    if configuration.path is not None:
        say(f"configuration: {configuration.path.absolute()}", error=True)
    for place, origin in configuration.origins.items():
        say(f"{place}: from {origin}", error=True)
    say(f"outbox: {configuration.delivery.outbox or 'none'}", error=True)

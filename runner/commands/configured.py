"""The configuration of a command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output import say

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
    return configuration

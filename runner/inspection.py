"""Access to the outbox of a configuration for the commands that look into it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..definitions import Problem, Redactor, SetupError
from .queues.sqlite import Inspection, OutboxError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .configuration.configuration import Configuration


@contextmanager
def inspection(configuration: Configuration) -> Iterator[Inspection]:
    """Open the outbox of a configuration. Raises SetupError."""
    try:
        with Inspection(outbox_path(configuration)) as opened:
            yield opened
    except OutboxError as error:
        raise SetupError.of([Problem("outbox", str(error))]) from None


def outbox_path(configuration: Configuration) -> Path:
    """Return the path of the outbox. Raises SetupError if there is none."""
    path = configuration.delivery.outbox_path
    if path is None:
        raise SetupError.of([Problem("outbox", "is turned off; --outbox names a file")])
    return path


def redactor_of(configuration: Configuration) -> Redactor:
    """Return a redactor of the secrets in the settings, even if the settings are not valid."""
    try:
        return configuration.set_up().redactor
    except SetupError:
        return Redactor(value for value in configuration.settings.values() if isinstance(value, str))

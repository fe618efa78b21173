"""What `serve` and `work` share: their configuration, and what observes them."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from .output import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...definitions import Destination
    from ..configuration.service_configuration import ServiceConfiguration
    from ..delivery.notices import Kind, Observer
    from ..observability.options import ObserverOptions


_NEEDS_ATTENTION: tuple[Kind, ...] = (
    *("full", "gap", "halted", "halved", "lost", "parked", "room", "stopped", "unreachable"),
)


def service_configuration(
    config: Path | None, *, destination: str | None, service: dict[str, Any], **delivery: Any
) -> ServiceConfiguration:
    """Return the configuration of the service. Probable mistakes are printed as warnings. Raises SetupError.

    It has an outbox unless `outbox` is False, which says that the service keeps nothing itself.
    """
    from ...definitions import Problem, SetupError
    from ..configuration.service_configuration import read_service_configuration

    configuration = read_service_configuration(
        config, environment=os.environ, destination=destination, service=service, delivery=delivery
    )
    for warning in configuration.warnings:
        say(f"warning: {warning}", error=True)
    if not configuration.delivery.outbox and delivery.get("outbox") is not False:
        message = "is turned off, but a service must keep what it has confirmed; --outbox names a file"
        raise SetupError.of([Problem("outbox", message)])
    return configuration


def account_to_send_to(name: str | None, configuration: ServiceConfiguration) -> Destination:
    """Return the account of a name, or that of `[settings]`. Raises SetupError if nothing may be sent to it."""
    from ...definitions import Problem, SetupError, nearest, quoted
    from ..configuration.service_options import DEFAULT_ACCOUNT

    found = configuration.accounts.get(name or DEFAULT_ACCOUNT)
    if found is None:
        names = [*configuration.accounts]
        hint = (nearest(name, names) if name else "") or f"; there are {', '.join(names)}"
        message = f"there is no account {quoted(name)}{hint}" if name else f"name the account of the events{hint}"
        raise SetupError.of([Problem("--account", message)])
    if found.is_live and not configuration.delivery.live:
        message = f"{found.target} bills real customers, which is not allowed: {configuration.live_advice}"
        raise SetupError.of([Problem("--live", message)])
    return found


@contextlib.contextmanager
def service_observers(configuration: ServiceConfiguration, observing: ObserverOptions) -> Iterator[list[Observer]]:
    """Yield what observes the service: log, metrics and traces. Without a log, it logs what needs attention.

    Faults of the program are shown, too.
    """
    from dataclasses import replace

    from ...definitions import Redactor
    from ..delivery.notices import Only
    from ..observability.detached import DetachedWriter
    from ..observability.faults import shown_faults
    from ..observability.observers import open_observers
    from ..observability.options import LogFormat

    log_format, redactor = observing.log_format or LogFormat.CONSOLE, Redactor(configuration.secrets)
    logs_little = observing.log_format is None
    opened = open_observers(
        replace(observing, log_format=log_format),
        destination=configuration.destination_name,
        redactor=redactor,
        announce=lambda url: say(f"metrics: {url}", error=True),
    )
    with opened as observers, DetachedWriter() as writer, shown_faults(log_format, redactor, writer.write):
        if logs_little:
            # The log comes first. A line for each event would cost more than the event.
            shown: tuple[Kind, ...] = (
                "full",
                "gap",
                "halted",
                "halved",
                "lost",
                "parked",
                "room",
                "stopped",
                "unreachable",
            )
            observers[0] = Only(observers[0], *shown)
        yield observers

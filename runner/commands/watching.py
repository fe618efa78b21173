"""What shows a delivery while it runs: log, metrics, traces, progress, and warnings of what may take long."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from .output import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...definitions import Destination
    from ..configuration.configuration import Configuration
    from ..delivery.notices import Kind, Notice, Observer
    from ..delivery.run_report import RunReport
    from ..observability.options import ObserverOptions
    from .progress import Reading


_WARNINGS: tuple[Kind, ...] = ("full", "room", "parked", "halted", "gap", "unreachable")


@contextlib.contextmanager
def watching(
    configuration: Configuration,
    destination: Destination,
    observing: ObserverOptions,
    report: RunReport,
    reading: Reading,
) -> Iterator[list[Observer]]:
    """Yield the observers that the options ask for, the progress in a terminal, and the warnings without a log."""
    from ..delivery.notices import Only
    from ..observability.detached import DetachedWriter
    from ..observability.observers import open_observers
    from .progress import progress

    opened = open_observers(
        observing,
        destination=configuration.destination_name,
        redactor=destination.redactor,
        announce=_announce_metrics,
    )
    warnings = DetachedWriter()
    with opened as observers, progress(report, reading, destination) as bars, warnings:
        yield [
            *observers,
            *bars,
            *([] if observing.log_format else [Only(partial(_warn, warnings.write), *_WARNINGS)]),
        ]


def _announce_metrics(url: str) -> None:
    say(f"metrics: {url}", error=True)


def _warn(write: Callable[[str], None], notice: Notice) -> None:
    """Print at once what may take long. A log has these notices too, so it replaces the warnings."""
    if notice.kind == "full":
        message = f"the outbox accepts no more events: {notice.error}; waiting"
    elif notice.kind == "room":
        message = "the outbox takes more again"
    elif notice.kind == "halted":
        message = f"{notice.file} is not read: {notice.error}"
    elif notice.kind == "gap":
        message = f"{notice.file} continues where it can be read again: {notice.error}"
    elif notice.kind == "unreachable":
        message = f"{notice.file} does not answer: {notice.error}"
    else:
        asked = f"the server asks to be left alone for {notice.asked:,.0f} s"
        message = f"{asked}, which is not believed: {notice.events:,} events are parked for {notice.wait:,.0f} s"
    from ...definitions import visible

    write(f"warning: {visible(message)}")

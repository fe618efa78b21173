"""The progress of a delivery in a terminal: counts, bytes, rate, time left, and why nothing moves."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .shown import has_color, is_terminal, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ...definitions import Destination
    from ..delivery.notices import Notice, Observer
    from ..delivery.run_report import RunReport
    from ..sources.contract import Source

_QUIET_SECONDS = 3.0
"""After this time without progress, the reason is shown."""


_BAR_COLUMNS = 30
_SHORTEST = 0.001


@dataclass(frozen=True, slots=True)
class Reading:
    """The sources of a run, and their bytes as they are stored; None if one is a stream, of any length."""

    sources: Sequence[Source]
    total: int | None

    def done(self) -> int:
        """Return how many bytes were read."""
        return sum(getattr(source, "bytes_read", 0) for source in self.sources)


class Movement:
    """Whether anything moves, and if not, why: what the last notices say."""

    def __init__(self, host: str, now: Callable[[], float] = time.monotonic) -> None:
        self._host = host
        self._now = now
        self._moved_at = now()
        self._left = 0
        self._reason = ""
        self._until: float | None = None

    def observe(self, notice: Notice) -> None:
        """Note what a notice says."""
        kind, now = notice.kind, self._now()
        if kind == "accepted":
            self._left += notice.events
            self._moved_at = now
        elif kind == "delivered":
            self._left -= notice.events
            self._moved_at, self._reason, self._until = now, "", None
        elif kind == "dead":
            self._left -= notice.events if notice.reason in {"refused", "exhausted"} else 0
            self._moved_at = now
        elif kind in {"postponed", "parked"}:
            self._reason, self._until = notice.error, now + notice.wait
        elif kind == "slowed":
            self._reason = self._reason or "the server asks for a pause"
            self._until = max(self._until or 0.0, now + notice.wait)
        elif kind == "full":
            self._reason, self._until = f"the outbox accepts no more events: {notice.error}", None
        elif kind == "room":
            self._reason, self._until = "", None
        elif kind == "stopped":
            self._reason, self._until = notice.error, None

    def why_not(self) -> str:
        """Return why nothing moves; empty if something does."""
        now = self._now()
        idle = now - self._moved_at
        if self._reason:
            wait = "" if self._until is None or self._until <= now else f"; next attempt in {self._until - now:,.0f} s"
            return f"{self._reason}{wait}"
        if idle < _QUIET_SECONDS:
            return ""
        if self._left > 0:
            return f"waiting for an answer of {self._host} for {idle:,.0f} s"
        return f"waiting for more input for {idle:,.0f} s"


@contextlib.contextmanager
def progress(report: RunReport, reading: Reading, destination: Destination) -> Iterator[list[Observer]]:
    """Yield an observer that draws the progress, if a person sees standard error and wants it."""
    if shown.quiet or not is_terminal(sys.stderr):
        yield []
        return
    from rich.console import Console
    from rich.live import Live

    from ..observability.detached import DetachedTerminal

    movement = Movement(destination.host)
    # A terminal may be closed, or stopped with Ctrl-S, and delivery must continue.
    with DetachedTerminal() as terminal:
        console = Console(file=terminal.stream, force_terminal=True, no_color=not has_color(sys.stderr))
        drawn = _Drawn(report, reading, movement, destination)
        with Live(drawn, console=console, transient=True, refresh_per_second=8):
            yield [movement.observe]


class _Drawn:
    """What is drawn, as it is at the moment."""

    def __init__(self, report: RunReport, reading: Reading, movement: Movement, destination: Destination) -> None:
        self._report = report
        self._reading = reading
        self._movement = movement
        self._redactor = destination.redactor
        self._began_at = time.monotonic()
        self._read_at: float | None = None

    def __rich__(self) -> Any:
        """Return the lines."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        from ...definitions import visible

        report, total = self._report, self._reading.total or None
        seconds = time.monotonic() - self._began_at
        done = 0 if total is None else min(self._reading.done(), total)
        if total is not None and done == total and self._read_at is None:
            self._read_at = seconds
        row = Table.grid(padding=(0, 1))
        bar = ProgressBar(total, done, width=_BAR_COLUMNS, pulse=total is None)
        # Once all is read, the rate stays what it was.
        row.add_row(bar, Text(shown_reading(done, total, self._read_at or seconds) if total else f"{seconds:,.0f} s"))
        lines: list[Any] = [Text(f"{report.read:,} read, {report.sent:,} delivered, {report.dead:,} dead"), row]
        if why := self._movement.why_not():
            lines.append(Text(visible(self._redactor.text(why), keep_lines=False), style="yellow"))
        return Group(*lines)


def shown_reading(done: int, total: int, seconds: float) -> str:
    """Return how many bytes were read, how fast, and how long the rest takes at that rate."""
    rate = done / max(seconds, _SHORTEST)
    if done >= total:
        return f"{_size(total)} read, {_size(rate)}/s"
    left = f"{_span((total - done) / rate)} left" if rate else "time left unknown"
    return f"{_size(done)} of {_size(total)}, {_size(rate)}/s, {left}"


def _size(count: float) -> str:
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= limit:
            return f"{count / limit:,.1f} {unit}"
    return f"{count:,.0f} B"


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

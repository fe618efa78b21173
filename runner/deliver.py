"""The command `deliver`: from a configuration and inputs to an exit code."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..definitions import AnswerError, ConfigurationError, CredentialsError, Problem, SetupError
from .clock import SystemClock
from .dead_letters import DEFAULT_PATH, DeadLetters
from .delivery import Delivery, InterruptionError, Stop
from .dry_run import DryRun
from .exit_codes import CONFIGURATION, CREDENTIALS, FAILED, INTERRUPTED, OK
from .sending import Sender
from .sources import Source
from .tally import Tally
from .transport import HttpTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ..definitions import Destination
    from .configuration import Configuration, DeliveryOptions
    from .delivery import Sends


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one call of the command names: paths (`-` is standard input), and where to write."""

    files: list[str]
    dead_letters: Path | None = None
    report: Path | None = None
    dry_run: bool = False

    def sources(self) -> list[Source]:
        """Give the sources. Raises SetupError for paths that cannot be opened, all of them at once."""
        sources = [Source(path) for path in self.files]
        problems = []
        for source in sources:
            if not source.is_standard_input:
                try:
                    with Path(source.path).open("rb"):
                        pass
                except OSError as error:
                    problems.append(Problem(source.path, f"cannot be read: {error.strerror}"))
        if self.files.count("-") > 1:
            problems.append(Problem("-", "standard input can be read only once"))
        if problems:
            raise SetupError.of(problems)
        return sources


def deliver(configuration: Configuration, inputs: Inputs) -> int:
    """Run a delivery, tell how it went, and give the exit code. Raises SetupError."""
    destination = configuration.set_up()
    sources = inputs.sources()
    _check_writable(inputs.report)
    tally = Tally()
    out = Console(stderr=inputs.dry_run, markup=False, highlight=False, soft_wrap=True)
    with _letters(inputs, destination) as letters, _progress(tally, quiet=inputs.dry_run) as tick:
        stop = asyncio.run(
            _run(
                destination,
                configuration.delivery,
                sources,
                tally=tally,
                letters=letters,
                tick=tick,
                dry=inputs.dry_run,
            )
        )
    if stop is not None:
        Console(stderr=True, markup=False, highlight=False, soft_wrap=True).print(_why(stop, tally))
    if inputs.report is not None:
        inputs.report.write_bytes(orjson.dumps(tally.report(), option=orjson.OPT_INDENT_2) + b"\n")
    out.print(tally.summary())
    if letters is not None and letters.count:
        out.print(f"dead letters: {letters.path}")
    return _exit_code(stop, tally)


async def _run(
    destination: Destination,
    options: DeliveryOptions,
    sources: list[Source],
    *,
    tally: Tally,
    letters: DeadLetters | None,
    tick: Any,
    dry: bool,
) -> Stop | None:
    clock = SystemClock()
    async with _sender(destination, options, tally, clock, dry=dry) as sender:
        delivery = Delivery(
            destination,
            sender,
            tally=tally,
            clock=clock,
            letters=letters,
            batch_size=options.batch_size,
            concurrency=1 if dry else options.concurrency,
            progress=tick,
        )
        _stop_on_signals(delivery)
        return await delivery.run(sources)


@contextlib.asynccontextmanager
async def _sender(
    destination: Destination, options: DeliveryOptions, tally: Tally, clock: SystemClock, *, dry: bool
) -> AsyncIterator[Sends]:
    if dry:
        yield DryRun(sys.stdout.buffer, destination.redactor, tally)
        return
    async with transport(destination, options) as http:
        yield Sender(destination, http, attempts=options.attempts, clock=clock, tally=tally)


def transport(destination: Destination, options: DeliveryOptions) -> HttpTransport:
    """Make the transport of a run. Proxies of the environment are for the outside, never for this machine."""
    return HttpTransport(
        connections=options.concurrency,
        timeout=options.timeout,
        trust_environment=destination.request.url("/").scheme == "https",
    )


def _stop_on_signals(delivery: Delivery) -> None:
    def stop() -> None:
        delivery.stop(InterruptionError("interrupted"), drain_seconds=0)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not every platform and thread can; there Ctrl-C simply ends the program.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop)


def _letters(inputs: Inputs, destination: Destination) -> contextlib.AbstractContextManager[DeadLetters | None]:
    if inputs.dry_run and inputs.dead_letters is None:
        return contextlib.nullcontext()
    path = inputs.dead_letters or DEFAULT_PATH
    try:
        return DeadLetters(path, destination.redactor)
    except OSError as error:
        raise SetupError.of([Problem(str(path), f"cannot be written: {error.strerror}")]) from None


def _check_writable(report: Path | None) -> None:
    if report is None:
        return
    try:
        with report.open("ab"):
            pass
    except OSError as error:
        raise SetupError.of([Problem(str(report), f"cannot be written: {error.strerror}")]) from None


@contextlib.contextmanager
def _progress(tally: Tally, *, quiet: bool) -> Iterator[Any]:
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading", total=None)

        def tick() -> None:
            progress.update(
                task, description=f"{tally.read:,} read, {tally.delivered:,} delivered, {tally.dead:,} dead"
            )

        yield tick


def _why(stop: Stop, tally: Tally) -> str:
    """Tell in one line why a run ended early and how far it came."""
    where = ", ".join(f"{name} line {line:,}" for name, line in stop.first_unsent.items())
    reached = f"; the first event that was not sent is {where}" if where else ""
    partly = "" if stop.read_to_the_end else "; the input was not read to its end"
    return f"stopped: {stop.error}; {tally.unsent:,} events unsent{reached}{partly}"


def _exit_code(stop: Stop | None, tally: Tally) -> int:
    if stop is not None:
        codes: dict[type[AnswerError], int] = {
            CredentialsError: CREDENTIALS,
            ConfigurationError: CONFIGURATION,
            InterruptionError: INTERRUPTED,
        }
        return codes.get(type(stop.error), FAILED)
    return FAILED if tally.dead else OK

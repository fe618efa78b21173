"""The observers of a run: log, metrics, traces. Each library is imported only if its observer was asked for."""

from __future__ import annotations

import contextlib
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ...definitions import Problem, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...definitions import Redactor
    from ..delivery.notices import Observer
    from .options import ObserverOptions


@contextlib.contextmanager
def open_observers(
    options: ObserverOptions, *, destination: str, redactor: Redactor, announce: Callable[[str], None]
) -> Iterator[list[Observer]]:
    """Yield the observers that were asked for. Raises SetupError if one cannot work, such as for a missing extra.

    `destination` is the name that metrics and spans carry. `announce` is called with the URL of the metrics.
    """
    with contextlib.ExitStack() as stack:
        observers: list[Observer] = []
        if options.log_format is not None:
            from .detached import DetachedWriter  # noqa: PLC0415 - it starts a thread
            from .logs import log_observer  # noqa: PLC0415 - imported only if it is used

            writer = stack.enter_context(DetachedWriter())
            observers.append(log_observer(options.log_format, redactor, writer.write, colors=options.colors))
        if options.metrics_port is not None:
            observers.append(stack.enter_context(_metrics(options.metrics_port, destination, announce)))
        if options.traces:
            observers.append(_traces(destination, redactor))
        yield observers


@contextlib.contextmanager
def _metrics(port: int, destination: str, announce: Callable[[str], None]) -> Iterator[Observer]:
    _require("prometheus_client", extra="metrics", option="--metrics-port")
    from .metrics import serve_metrics  # noqa: PLC0415 - its library comes with an extra

    try:
        with serve_metrics(port, destination, announce) as observer:
            yield observer
    except OSError as error:
        raise SetupError.of([Problem("--metrics-port", f"cannot be used: {error.strerror or error}")]) from None


def _traces(destination: str, redactor: Redactor) -> Observer:
    _require("opentelemetry.trace", extra="traces", option="--traces")
    from .traces import current_provider, trace_observer  # noqa: PLC0415 - its library comes with an extra

    provider = current_provider()
    if provider is None:
        advice = (
            "OpenTelemetry is not configured, so spans would be lost. Run the command under opentelemetry-instrument: "
            "pip install opentelemetry-distro opentelemetry-exporter-otlp"
        )
        raise SetupError.of([Problem("--traces", advice)])
    return trace_observer(provider, destination, redactor)


def _require(module: str, *, extra: str, option: str) -> None:
    try:
        found = find_spec(module)
    except ModuleNotFoundError:
        # The package that should contain the module is missing.
        found = None
    if found is None:
        advice = f"needs the extra `{extra}`: pip install 'kable-destination[{extra}]'"
        raise SetupError.of([Problem(option, advice)])

"""The instruments that may be asked for: a log, metrics, traces. Each is a hook, and imported only when it is used."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ...definitions import Problem, SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...definitions import Redactor
    from ..delivery.notices import Hook


class LogFormat(StrEnum):
    """How a log is written."""

    CONSOLE = "console"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Watching:
    """What a run is watched with."""

    metrics_port: int | None = None
    log_format: LogFormat | None = None


@contextlib.contextmanager
def instruments(watching: Watching, redactor: Redactor) -> Iterator[list[Hook]]:
    """Give the hooks that were asked for, and those whose library is there. Raises SetupError."""
    with contextlib.ExitStack() as stack:
        hooks: list[Hook] = []
        if watching.log_format is not None:
            from .logs import log_hook  # noqa: PLC0415 - imported only when it is used

            hooks.append(log_hook(watching.log_format, redactor))
        if watching.metrics_port is not None:
            hooks.append(stack.enter_context(_metrics(watching.metrics_port)))
        if find_spec("opentelemetry") is not None and find_spec("opentelemetry.trace") is not None:
            from .traces import trace_hook  # noqa: PLC0415 - its library may not be there

            hooks.append(trace_hook())
        yield hooks


@contextlib.contextmanager
def _metrics(port: int) -> Iterator[Hook]:
    if find_spec("prometheus_client") is None:
        raise SetupError.of([Problem("--metrics-port", "needs a library: pip install 'kable-destination[metrics]'")])
    from .metrics import serve_metrics  # noqa: PLC0415 - its library may not be there

    try:
        with serve_metrics(port) as hook:
            yield hook
    except OSError as error:
        raise SetupError.of([Problem("--metrics-port", f"cannot be used: {error.strerror or error}")]) from None

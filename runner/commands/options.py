"""The options that several commands share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..observability.options import LogFormat, ObserverOptions
from .shown import has_color, shown

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file with settings, subscriptions and delivery options."),
]
DestinationOption = Annotated[
    str | None,
    typer.Option(
        "--destination", metavar="NAME", help="Installed destination, or path of a manifest (.json). [default: kable]"
    ),
]
AccountOption = Annotated[
    str | None,
    typer.Option("--account", metavar="NAME", help="Account to use, of those under [accounts] in the configuration."),
]
LiveOption = Annotated[
    bool, typer.Option("--live", help="Bill real customers: without it, nothing is sent to a live environment.")
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="Base URL to send to instead of the destination's own: https, or http on a loopback address.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON. Its schema is in docs/schemas, and its version in `version`.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask, also in a terminal.")]
OutboxOption = Annotated[
    str | None,
    typer.Option(
        "--outbox",
        metavar="FILE",
        help="File that keeps accepted events until they are sent. [default: outbox.sqlite]",
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="URL",
        help="Topic of Kafka with events: kafka://broker:9092/topic?group=NAME. Needs the extra `kafka`.",
    ),
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        min=1,
        metavar="COUNT",
        help="Maximum events per request. [default: the limit of the destination]",
    ),
]
ConcurrencyOption = Annotated[
    int | None,
    typer.Option("--concurrency", min=1, max=64, metavar="COUNT", help="Maximum requests in flight. [default: 16]"),
]
RateOption = Annotated[
    float | None,
    typer.Option("--rate", min=0.001, metavar="COUNT", help="Maximum requests per second. [default: no limit]"),
]
WaitOption = Annotated[
    float | None,
    typer.Option(
        "--wait",
        min=0,
        metavar="SECONDS",
        help="Seconds to wait when all unsent events are due later; they stay in the outbox. [default: 60]",
    ),
]
LogOption = Annotated[LogFormat | None, typer.Option("--log", help="Log to standard error, as text or as JSON.")]
MetricsPortOption = Annotated[
    int | None,
    typer.Option(
        "--metrics-port",
        metavar="PORT",
        min=0,
        max=65535,
        help="Serve Prometheus metrics on this loopback port; 0 picks a free one. Needs the extra `metrics`.",
    ),
]
TracesOption = Annotated[
    bool, typer.Option("--traces", help="Record an OpenTelemetry span per request. Needs the extra `traces`.")
]


def observer_options(
    log_format: LogFormat | None, *, metrics_port: int | None = None, traces: bool = False
) -> ObserverOptions:
    """Return what observes a run. --verbose logs as text unless another format is given."""
    if log_format is None and shown.verbose:
        log_format = LogFormat.CONSOLE
    return ObserverOptions(log_format, metrics_port, traces, colors=has_color(sys.stderr))

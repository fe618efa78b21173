"""The command `work`."""

from __future__ import annotations

import sys

import typer

from .exit_codes import OK, exits
from .options import (
    BaseUrlOption,
    ConfigOption,
    DestinationOption,
    JsonOption,
    LiveOption,
    LogOption,
    MetricsPortOption,
    OutboxOption,
    TracesOption,
    observer_options,
)


@exits
def work(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    base_url: BaseUrlOption = None,
    live: LiveOption = False,
    outbox: OutboxOption = None,
    metrics_port: MetricsPortOption = None,
    as_json: JsonOption = False,
    log_format: LogOption = None,
    traces: TracesOption = False,
) -> int:
    """Deliver what `serve` accepts.

    Start it beside `serve --accept-only`, with the same configuration and outbox. SIGTERM ends it cleanly.
    """
    from ..event_loop import run_in_loop
    from ..outbox import outbox_name
    from ..service.running import work as run
    from .json_output import print_line
    from .json_outputs.writing import WorkOutput
    from .serving import service_configuration, service_observers

    configuration = service_configuration(
        config, destination=destination, service={}, base_url=base_url, live=live or None, outbox=outbox
    )

    def announce() -> None:
        name = outbox_name(configuration.delivery)
        if as_json:
            print_line(WorkOutput(outbox=name))
        else:
            typer.echo(f"delivering what {name} holds")
        sys.stdout.flush()

    observing = observer_options(log_format, metrics_port=metrics_port, traces=traces)
    with service_observers(configuration, observing) as observers:
        run_in_loop(run(configuration, observers=observers, announce=announce))
    return OK

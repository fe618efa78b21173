"""The command `work`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .exit_codes import OK, exits
from .options import (
    AccountOption,
    BaseUrlOption,
    ConfigOption,
    DestinationOption,
    FromOption,
    JsonOption,
    LiveOption,
    LogOption,
    OutboxOption,
    TracesOption,
    observer_options,
)


@exits
def work(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    account: AccountOption = None,
    from_topic: FromOption = None,
    base_url: BaseUrlOption = None,
    live: LiveOption = False,
    outbox: OutboxOption = None,
    admin_port: Annotated[
        int | None,
        typer.Option(
            "--admin-port",
            min=0,
            max=65535,
            metavar="PORT",
            help="Port for metrics and health, at the address `adminHost`; 0 picks a free one. [default: none]",
        ),
    ] = None,
    as_json: JsonOption = False,
    log_format: LogOption = None,
    traces: TracesOption = False,
) -> int:
    """Deliver what `serve` accepts, or a topic of Kafka.

    Start it beside `serve --accept-only`, with the same configuration and outbox. Or let it read a topic with `--from`:
    any number of workers share the partitions. SIGTERM ends it cleanly.
    """
    from ...definitions import Problem, SetupError
    from ..event_loop import run_in_loop
    from ..outbox import outbox_name
    from ..service.running import work as run
    from .json_output import print_line
    from .json_outputs.writing import WorkOutput
    from .serving import service_configuration, service_observers
    from .topics import endless_topic, readers_of

    configuration = service_configuration(
        config, destination=destination, service={}, base_url=base_url, live=live or None, outbox=outbox
    )

    topic = None if from_topic is None else endless_topic(from_topic, configuration)
    readers = [] if topic is None else readers_of(topic, account, configuration)
    if account is not None and topic is None:
        raise SetupError.of([Problem("--account", "says whose the events of --from are, and there is no --from")])

    def announce(admin_url: str | None) -> None:
        name, source = outbox_name(configuration.delivery), None if topic is None else topic.address.name
        if as_json:
            print_line(WorkOutput(outbox=name, source=source, admin_url=admin_url))
        else:
            typer.echo(f"delivering {'' if source is None else f'the events of {source}, and '}what {name} holds")
            if admin_url is not None:
                typer.echo(f"metrics and health on {admin_url}")
        sys.stdout.flush()

    observing = observer_options(log_format, traces=traces)
    with service_observers(configuration, observing) as observers:
        working = run(configuration, observers=observers, announce=announce, sources=readers, admin_port=admin_port)
        run_in_loop(working)
    return OK

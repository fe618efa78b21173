"""The command `serve`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import OK, exits
from .options import (
    BaseUrlOption,
    ConfigOption,
    DestinationOption,
    JsonOption,
    LiveOption,
    LogOption,
    OutboxOption,
    TracesOption,
    observer_options,
)
from .output import say

if TYPE_CHECKING:
    from ..configuration.service_configuration import ServiceConfiguration
    from ..service.running import Running


@exits
def serve(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    base_url: BaseUrlOption = None,
    live: LiveOption = False,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen on. [default: 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, metavar="PORT", help="Port; 0 picks a free one. [default: 8080]"),
    ] = None,
    admin_port: Annotated[
        int | None,
        typer.Option(
            "--admin-port",
            min=0,
            max=65535,
            metavar="PORT",
            help="Port for metrics and health alone; 0 picks a free one. [default: they are on --port]",
        ),
    ] = None,
    actions_tester: Annotated[
        int | None,
        typer.Option(
            "--actions-tester",
            min=0,
            max=65535,
            metavar="PORT",
            help="Port for Segment's Actions Tester, on this machine only; 0 picks a free one. [default: none]",
        ),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", help="TLS certificate (PEM). Without it, HTTP.")
    ] = None,
    certificate_key: Annotated[
        Path | None, typer.Option("--certificate-key", metavar="FILE", help="Key of the certificate (PEM).")
    ] = None,
    accept_only: Annotated[
        bool, typer.Option("--accept-only", help="Only accept events; `work` delivers them in another process.")
    ] = False,
    to_topic: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="URL",
            help="Publish events to a topic (kafka://broker:9092/topic), for `work --from`, and keep no outbox. "
            "Needs the extra `kafka`.",
        ),
    ] = None,
    outbox: OutboxOption = None,
    as_json: JsonOption = False,
    log_format: LogOption = None,
    traces: TracesOption = False,
) -> int:
    """Accept events over HTTP, and deliver them.

    Segment and its SDKs send to it, SDKs with the write keys that the configuration names. An event is confirmed once
    it is on disk, and delivered from then on, also after a restart. SIGTERM ends it cleanly; SIGHUP reloads the
    configuration.
    """
    from ...definitions import Problem, SetupError
    from ..event_loop import run_in_loop
    from ..service.running import serve as run
    from .json_output import print_line
    from .json_outputs.writing import ServeOutput
    from .serving import service_configuration, service_observers
    from .topics import published_topic

    given = {
        "host": host,
        "port": port,
        "adminPort": admin_port,
        "actionsTesterPort": actions_tester,
        "certificate": None if certificate is None else str(certificate.absolute()),
        "certificateKey": None if certificate_key is None else str(certificate_key.absolute()),
        # Its events need the keys of their senders, which a topic does not have.
        "direct": None if to_topic is None else False,
    }
    if to_topic is not None and (outbox is not None or accept_only):
        raise SetupError.of([Problem("--to", "keeps nothing here, so leave out --outbox and --accept-only")])

    def read() -> ServiceConfiguration:
        kept = outbox if to_topic is None else False
        found = service_configuration(
            config, destination=destination, service=given, base_url=base_url, live=live or None, outbox=kept
        )
        if to_topic is not None:
            # Accounts that a reload adds must have a place in the topic, too.
            published_topic(to_topic, found)
        return found

    configuration = read()
    published = None if to_topic is None else published_topic(to_topic, configuration)
    if not configuration.options.write_keys:
        say("warning: SDKs cannot send: there are no write keys under [service.writeKeys]", error=True)

    def announce(running: Running) -> None:
        if as_json:
            print_line(
                ServeOutput(
                    base_url=running.base_url,
                    admin_url=running.admin_url,
                    actions_tester_url=running.actions_tester_url,
                )
            )
        else:
            typer.echo(f"listening on {running.base_url}")
            if running.admin_url is not None:
                typer.echo(f"metrics and health on {running.admin_url}")
            if running.actions_tester_url is not None:
                typer.echo(f"Actions Tester on {running.actions_tester_url}")
        sys.stdout.flush()

    observing = observer_options(log_format, traces=traces)
    with service_observers(configuration, observing) as observers:
        serving = run(
            configuration,
            observers=observers,
            announce=announce,
            read_again=read,
            report=partial(say, error=True),
            delivers=not accept_only and published is None,
            published=published,
        )
        run_in_loop(serving)
    return OK

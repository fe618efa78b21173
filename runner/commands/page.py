"""The command `page`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import OK, exits
from .options import BaseUrlOption, ConfigOption, DestinationOption, JsonOption, LiveOption, OutboxOption
from .output import say

if TYPE_CHECKING:
    from ..service.page.running import RunningPage

DEFAULT_PORT = 8090


@exits
def page(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    manifests: Annotated[
        list[str] | None,
        typer.Option(
            "--manifest", metavar="FILE.json", help="Also offer the destination of this manifest; may be repeated."
        ),
    ] = None,
    base_url: BaseUrlOption = None,
    live: LiveOption = False,
    outbox: OutboxOption = None,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Address to listen on. Any other than this machine needs a token (pageTokenEnv under [service]).",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="PORT", help="Port; 0 picks a free one.")
    ] = DEFAULT_PORT,
    opens: Annotated[bool, typer.Option("--open", help="Open it in the web browser.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Try mappings in a web page, and watch the delivery.

    It shows what your mapping makes of an event while you type. Nothing is sent unless you press the button and confirm
    it; a Live key also needs --live. If the outbox exists, the page shows its state and its dead letters. Ctrl-C ends
    the page.
    """
    from ..configuration.page_configuration import read_page_configuration
    from ..event_loop import run_in_loop
    from ..service.page.running import serve_page
    from .json_output import print_line
    from .json_outputs.writing import PageOutput

    configuration = read_page_configuration(
        config,
        environment=os.environ,
        destination=destination,
        manifests=manifests or (),
        base_url=base_url,
        live=live or None,
        outbox=outbox,
    )
    for problem in configuration.problems:
        say(f"warning: {problem}", error=True)

    def announce(running: RunningPage) -> None:
        if as_json:
            print_line(PageOutput(base_url=running.base_url))
        else:
            typer.echo(f"the page is on {running.base_url}")
        sys.stdout.flush()
        if opens:
            typer.launch(running.base_url)

    run_in_loop(serve_page(configuration, host=host, port=port, announce=announce))
    return OK

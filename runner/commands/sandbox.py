"""The command `sandbox`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .exit_codes import OK, exits
from .options import JsonOption

if TYPE_CHECKING:
    from ...definitions import Redactor


@exits
def sandbox(
    *,
    destination: Annotated[
        str | None,
        typer.Option(
            "--destination",
            metavar="NAME",
            help="Record the requests of another installed destination, or of a manifest (.json). [default: kable]",
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="PORT", help="Port; 0 picks a free one.")
    ] = 8787,
    client_id: Annotated[
        str | None,
        typer.Option("--client-id", metavar="TEXT", help="Kable Client ID to accept. [default: kci_sandbox]"),
    ] = None,
    api_key: Annotated[
        str | None, typer.Option("--api-key", metavar="TEXT", help="API key to accept. [default: sk_test.sandbox]")
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Allow a host that other machines can reach.")
    ] = False,
    fail: Annotated[
        list[str] | None,
        typer.Option(
            "--fail", metavar="STATUS=RATE", help="Answer this share of requests with a status: 503=0.25. Repeatable."
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="KIND=RATE",
            help="Inject this fault into a share of requests: hang_up_before, hang_up_inside, hang_up_after, "
            "truncated, not_json, huge, redirect, silent. Repeatable.",
        ),
    ] = None,
    retry_after: Annotated[
        str | None, typer.Option("--retry-after", metavar="TEXT", help="Retry-After header of 429 and 503 answers.")
    ] = None,
    latency: Annotated[
        float, typer.Option("--latency", min=0, metavar="SECONDS", help="Seconds to wait before each answer.")
    ] = 0,
    refuse: Annotated[
        list[str] | None,
        typer.Option(
            "--refuse",
            metavar="FIELD=VALUE",
            help="Refuse requests that contain an event with this value: data.units=5. Repeatable.",
        ),
    ] = None,
    max_events: Annotated[
        int | None,
        typer.Option("--max-events", min=1, metavar="COUNT", help="Maximum events per request; beyond it, answer 413."),
    ] = None,
    max_bytes: Annotated[
        int | None,
        typer.Option("--max-bytes", min=1, metavar="COUNT", help="Maximum bytes per request; beyond it, answer 413."),
    ] = None,
    max_per_second: Annotated[
        int | None,
        typer.Option(
            "--max-per-second",
            min=1,
            max=100_000,
            metavar="COUNT",
            help="Maximum requests in any one second; beyond it, answer 429.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="NUMBER", help="Random seed for injected faults.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Run a local Kable to try things out. Its ledger is at /sandbox/ledger.

    With --destination, it answers every request with 200, and shows at /sandbox/requests what it was sent, with secrets
    masked: then `deliver --destination NAME --base-url URL` sends to it. --client-id, --api-key, --refuse and
    --max-events are for Kable only.

    These options inject faults. To change them while it runs, POST to /sandbox/faults.
    """
    import socket
    from functools import partial

    from ...definitions import Problem, SetupError, quoted
    from ..configuration.configuration import DEFAULT_DESTINATION
    from ..sandbox import DEFAULT_API_KEY, DEFAULT_CLIENT_ID, read_faults, serve, serve_recorder
    from .json_output import print_line
    from .json_outputs.writing import SandboxOutput

    faults = read_faults(
        statuses=_pairs("--fail", fail),
        kinds=_pairs("--fault", fault),
        retry_after=retry_after,
        latency=latency,
        refuse=[{"field": field, "value": _json_or_text(value)} for field, value in _pairs("--refuse", refuse).items()],
        max_events=max_events,
        max_bytes=max_bytes,
        max_per_second=max_per_second,
        seed=seed,
    )
    if destination in {None, DEFAULT_DESTINATION}:
        name, shown = "Kable", "ledger"
        run = partial(serve, client_id=client_id or DEFAULT_CLIENT_ID, api_key=api_key or DEFAULT_API_KEY)
    else:
        kable_only = {"--client-id": client_id, "--api-key": api_key, "--refuse": refuse, "--max-events": max_events}
        problems = [
            Problem(option, "is for the Kable sandbox only; leave it out with --destination")
            for option, value in kable_only.items()
            if value
        ]
        if problems:
            raise SetupError.of(problems)
        name, redactor = _other_destination(destination)
        run, shown = partial(serve_recorder, redactor=redactor), "requests"

    def announce(base_url: str) -> None:
        received = f"{base_url}/sandbox/{shown}"
        if as_json:
            print_line(SandboxOutput(base_url=base_url, received=received))
        else:
            typer.echo(f"{name} sandbox listening on {base_url}")
            typer.echo(f"{shown}: {received}")
        sys.stdout.flush()

    try:
        run(host=host, port=port, announce=announce, allow_remote=allow_remote, faults=faults)
    except socket.gaierror:
        told = f"{quoted(host)} is not an address of this machine; omit it for 127.0.0.1"
        raise SetupError.of([Problem("--host", told)]) from None
    except (ValueError, OSError) as error:
        raise SetupError.of([Problem("sandbox", str(error))]) from None
    return OK


def _other_destination(destination: str | None) -> tuple[str, Redactor]:
    """Return the name of a destination for people, and what masks the secrets that the environment holds for it."""
    import os

    from ...definitions import one_line
    from ..configuration.configuration import Configuration

    configuration = Configuration(None, environment=os.environ, destination=destination)
    return one_line(configuration.definition.name), configuration.redactor()


def _pairs(option: str, texts: list[str] | None) -> dict[str, str]:
    from ...definitions import Problem, SetupError

    pairs = [text.partition("=") for text in texts or ()]
    problems = [Problem(option, f'"{name}{sign}" should read as NAME=VALUE') for name, sign, _ in pairs if not sign]
    if problems:
        raise SetupError.of(problems)
    return {name: value for name, _, value in pairs}


def _json_or_text(text: str) -> Any:
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text

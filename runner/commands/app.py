"""The command line."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import orjson
import typer
from pydantic import ValidationError

from ...definitions import Problem, SetupError, UnreadableError, read_event
from ..configuration.configuration import Configuration
from ..configuration.plugins import installed
from ..observability.observers import LogFormat, Watching
from ..version import version
from .check import check_live, exit_code, findings, warnings
from .deliver import Inputs, deliver
from .exit_codes import CONFIGURATION, OK
from .preview import preview

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..queues.contract import Reason
    from ..sandbox import Faults

app = typer.Typer(
    name="kable-destination",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 120},
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A TOML file with settings, subscriptions and delivery options."),
]
DestinationOption = Annotated[
    str | None,
    typer.Option(
        "--destination", metavar="NAME", help="An installed destination, or a manifest (.json); kable by default."
    ),
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option("--base-url", metavar="URL", help="Send here instead: https, or http on a loopback address."),
]


OutboxOption = Annotated[
    str | None, typer.Option("--outbox", metavar="FILE", help="The file of the outbox; outbox.sqlite by default.")
]

P = ParamSpec("P")


class LetterReason(StrEnum):
    """Why a usage event is a dead letter."""

    UNREADABLE = "unreadable"
    REJECTED = "rejected"
    REFUSED = "refused"
    EXHAUSTED = "exhausted"


class PageFormat(StrEnum):
    """What the page about a destination is written in."""

    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


class Reference(StrEnum):
    """A page about the program instead of a destination."""

    CLI = "cli"
    CONFIGURATION = "configuration"


def main() -> None:
    """Run the command line; the entry point of the console script."""
    app()


@app.callback(invoke_without_command=True)
def root(
    show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    """Send Segment events to Kable, and to any other destination that is installed.

    Settings come from --config and from the environment: KABLE_API_KEY, KABLE_CLIENT_ID, KABLE_CLIENT_ID_FIELD,
    KABLE_PROPERTIES_MAPPINGS (as JSON), KABLE_BASE_URL, KABLE_BATCH_SIZE, KABLE_CONCURRENCY.

    Exit codes: 0 all is well; 1 some events were not delivered; 2 usage or configuration; 3 credentials refused.
    """
    if show_version:
        typer.echo(version())
        raise typer.Exit


def _command(run: Callable[P, int]) -> Callable[P, None]:
    """Make a command of a function that gives an exit code; problems of the set-up are told one a line."""

    @functools.wraps(run)
    def command(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            code = run(*arguments, **options)
        except SetupError as error:
            for problem in error.problems or (Problem("", error.message),):
                typer.echo(f"error: {problem}", err=True)
            code = CONFIGURATION
        except BrokenPipeError:
            # The reader of our output has seen enough. Nothing may be written to it any more, at exit neither.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = OK
        raise typer.Exit(code)

    return command


def _configure(config: Path | None, destination: str | None, **delivery: Any) -> Configuration:
    return Configuration(config, environment=os.environ, destination=destination, delivery=delivery)


@app.command("deliver")
@_command
def deliver_command(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILES...]",
            help="NDJSON or JSON arrays, plain or gzip; - is standard input. None: what the outbox holds.",
        ),
    ] = None,
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    base_url: BaseUrlOption = None,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", min=1, help="The most events in one request; all that it may carry by default."),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", min=1, max=64, help="The most requests at once; 4 by default.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.001, help="The most requests a second; any number by default.")
    ] = None,
    outbox: OutboxOption = None,
    no_outbox: Annotated[
        bool, typer.Option("--no-outbox", help="Keep nothing: what cannot be sent in this run is a dead letter.")
    ] = False,
    wait: Annotated[
        float | None,
        typer.Option(
            "--wait",
            min=0,
            metavar="SECONDS",
            help="Wait so long for what must be tried again, and leave what is due later in the outbox; 60 by default.",
        ),
    ] = None,
    give_up_hours: Annotated[
        float | None,
        typer.Option("--give-up-after", min=0.001, metavar="HOURS", help="Try so long, with an outbox; 72 by default."),
    ] = None,
    attempts: Annotated[
        int | None,
        typer.Option("--attempts", min=1, max=20, help="How often to try a request, without an outbox; 4 by default."),
    ] = None,
    dead_letters: Annotated[
        Path | None,
        typer.Option(
            "--dead-letters",
            metavar="FILE",
            help="Append dead letters here as JSON too; without an outbox, to dead-letters.ndjson by default.",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write the counts here, as JSON.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the requests instead of sending them.")] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option("--metrics-port", min=0, max=65535, help="Serve metrics for Prometheus on this loopback port."),
    ] = None,
    log_format: Annotated[
        LogFormat | None, typer.Option("--log", help="Write a log to standard error, for a person or as JSON.")
    ] = None,
) -> int:
    """Deliver the events of files or of standard input, by way of the outbox.

    What is accepted is on disk first, and survives whatever happens to this process: the next run goes on with it, and
    with the files where it stopped. Nothing is sent twice.
    """
    configuration = _configure(
        config,
        destination,
        base_url=base_url,
        batch_size=batch_size,
        outbox=False if no_outbox else outbox,
        concurrency=concurrency,
        rate=rate,
        wait=wait,
        give_up_hours=give_up_hours,
        attempts=attempts,
    )
    watching = Watching(metrics_port, log_format)
    return deliver(configuration, Inputs(files or [], dead_letters, report, dry_run), watching)


ReasonOption = Annotated[
    LetterReason | None, typer.Option("--reason", help="Only those of this reason.", show_default=False)
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="Only those since a time (2026-03-04T05:06) or so long ago (12h)."),
]

letters_app = typer.Typer(
    name="dead-letters",
    no_args_is_help=True,
    help="Look at what was not delivered, send it again, or forget it.",
    context_settings={"max_content_width": 120},
)
app.add_typer(letters_app)


@letters_app.command("list")
@_command
def list_command(
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
) -> int:
    """List dead letters by what they say, with counts."""
    from .dead_letters import choice, list_letters  # noqa: PLC0415 - only these commands need it

    return list_letters(_configure(config, None, outbox=outbox), choice(_word(reason), since))


@letters_app.command("show")
@_command
def show_command(
    number: Annotated[int, typer.Argument(metavar="ID", help="The number of a dead letter.")],
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
) -> int:
    """Show one dead letter as JSON: why, from where, the event, and what was sent of it."""
    from .dead_letters import show_letter  # noqa: PLC0415 - as above

    return show_letter(_configure(config, None, outbox=outbox), number)


@letters_app.command("replay")
@_command
def replay_command(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    base_url: BaseUrlOption = None,
    outbox: OutboxOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would become of them, and do nothing.")] = False,
    log_format: Annotated[
        LogFormat | None, typer.Option("--log", help="Write a log to standard error, for a person or as JSON.")
    ] = None,
) -> int:
    """Send dead letters again.

    What was given up is sent as it was; what was refused or rejected is mapped anew, with the mappings of now. What is
    queued or delivered under the same id is not sent again.
    """
    from .dead_letters import choice, replay_letters  # noqa: PLC0415 - as above

    configuration = _configure(config, destination, base_url=base_url, outbox=outbox)
    chosen = choice(_word(reason), since)
    return replay_letters(configuration, chosen, dry_run=dry_run, watching=Watching(None, log_format))


@letters_app.command("discard")
@_command
def discard_command(
    numbers: Annotated[list[int] | None, typer.Argument(metavar="[ID...]", help="The numbers of dead letters.")] = None,
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Discard all of them.")] = False,
) -> int:
    """Forget dead letters for good."""
    from .dead_letters import choice, discard_letters  # noqa: PLC0415 - as above

    is_chosen = bool(reason or since)
    if [bool(numbers), is_chosen, everything].count(True) != 1:
        message = "say which: numbers, or --reason and --since, or --all"
        raise SetupError.of([Problem("discard", message)])
    return discard_letters(_configure(config, None, outbox=outbox), choice(_word(reason), since), numbers or ())


@app.command("status")
@_command
def status_command(
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> int:
    """Show what the outbox holds: what waits and until when, what is dead and why, how fast it goes, the last error."""
    from .status import status  # noqa: PLC0415 - only this command needs it

    return status(_configure(config, None, outbox=outbox), as_json=as_json)


@app.command("preview")
@_command
def preview_command(
    event: Annotated[str, typer.Argument(metavar="EVENT.json", help="One event as JSON; - is standard input.")],
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    base_url: BaseUrlOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also show the Python that mapping and fields were compiled to.")
    ] = False,
) -> int:
    """Show what every subscription makes of one event, and the request, without sending it."""
    configuration = _configure(config, destination, base_url=base_url)
    ready = configuration.set_up()
    typer.echo(preview(ready, configuration.destination_name, _read_event(event), explain_code=explain))
    return OK


@app.command("snapshot")
@_command
def snapshot_command(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    events: Annotated[
        str,
        typer.Option("--events", metavar="FILE", help="NDJSON or a JSON array, plain or gzipped; - is standard input."),
    ],
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="The folder of the snapshot, and of nothing else.")
    ],
    update: Annotated[bool, typer.Option("--update", help="Tell what changed, and record anew.")] = False,
    show_all: Annotated[bool, typer.Option("--all", help="Show every event that changed, not the first 20.")] = False,
) -> int:
    """Record what becomes of your events, and fail when a change of mapping or of version changes it.

    The first run records; each later one compares, and shows what changed by event and field. Commit the folder.
    With CI set in the environment, as CI services do, a missing snapshot is an error, so that nothing passes unseen.

    Credentials are not needed and not read: placeholders stand in for them. Nothing is sent.

    Exit codes: 0 as recorded, or recorded; 1 something changed; 2 usage or configuration.
    """
    from .snapshot import Wish, snapshot  # noqa: PLC0415 - only this command needs it

    may_record = os.environ.get("CI", "").lower() in {"", "0", "false"}
    return snapshot(config, destination, os.environ, Wish(events, folder, update, show_all, may_record))


@app.command("check")
@_command
def check_command(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    base_url: BaseUrlOption = None,
    live: Annotated[bool, typer.Option("--live", help="Also ask the destination about the credentials.")] = False,
) -> int:
    """Check settings, subscriptions and mappings; list all problems at once.

    What is probably not meant, such as the findings of the definition lint (docs/lint.md), is a warning. Warnings do
    not change the exit code.
    """
    configuration = _configure(config, destination, base_url=base_url)
    for finding in findings(configuration.definition):
        typer.echo(f"warning: {finding}", err=True)
    ready = configuration.set_up()
    names = ", ".join(subscription.name for subscription in ready.compiled_subscriptions)
    typer.echo(f"{ready.definition.name}: settings are valid; subscriptions: {names or 'none'}")
    for warning in warnings(ready):
        typer.echo(f"warning: {warning}", err=True)
    if not live:
        return OK
    error = check_live(ready, configuration.delivery)
    if error is None:
        typer.echo(f"{ready.definition.name} accepts the credentials")
    else:
        typer.echo(f"error: {error}", err=True)
    return exit_code(error)


@app.command("new")
@_command
def new_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it: small letters, digits and hyphens.")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="The folder to write; NAME-destination by default.")
    ] = None,
    *,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="What people call it; derived from NAME by default.")
    ] = None,
) -> int:
    """Write a destination of your own: a small, complete plugin package, whose tests pass.

    Nothing is overwritten, nothing is installed, nothing is asked of the network.
    """
    from ..new import PluginNames, write_plugin  # noqa: PLC0415 - only this command needs it

    names = PluginNames.derive(name, title, taken=installed())
    target = folder if folder is not None else Path(names.distribution)
    write_plugin(names, target)
    typer.echo(f"{names.title} is written. Next:\n")
    for step in (f"cd {shlex.quote(str(target))}", "pip install --editable '.[test]'", "make test"):
        typer.echo(f"  {step}")
    return OK


@app.command("docs")
@_command
def docs_command(
    *,
    destination: DestinationOption = None,
    page_format: Annotated[
        PageFormat, typer.Option("--format", help="What the page is written in.")
    ] = PageFormat.MARKDOWN,
    reference: Annotated[
        Reference | None,
        typer.Option("--reference", help="Make the reference of the command line or of the configuration instead."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write files here instead of printing.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; show what is stale in the folder (docs), and exit with 1.")
    ] = False,
) -> int:
    """Make the page about a destination from its definition.

    In a folder, the references of the command line and of the configuration stand beside the page of kable.
    """
    from .docs import Wanted, docs  # noqa: PLC0415 - only this command needs it

    wanted = Wanted(destination, page_format.value, None if reference is None else reference.value)
    return docs(app, wanted, folder, check=check)


@app.command("sandbox")
@_command
def sandbox_command(
    *,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 picks a free one.")] = 8787,
    client_id: Annotated[
        str | None, typer.Option("--client-id", help="The Kable Client ID to accept; kci_sandbox by default.")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option("--api-key", help="The API key to accept; sk_test.sandbox by default.")
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let others reach it: needed for a host that is not loopback.")
    ] = False,
    fail: Annotated[
        list[str] | None,
        typer.Option("--fail", metavar="STATUS=RATE", help="Answer a status so often, such as 503=0.25. Repeatable."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="KIND=RATE",
            help="Do something worse so often: hang_up_before, hang_up_inside, hang_up_after, truncated, not_json, "
            "huge, redirect, silent. Repeatable.",
        ),
    ] = None,
    retry_after: Annotated[
        str | None, typer.Option("--retry-after", metavar="TEXT", help="The header Retry-After of 429 and 503.")
    ] = None,
    latency: Annotated[float, typer.Option("--latency", min=0, metavar="SECONDS", help="Answer so late.")] = 0,
    refuse: Annotated[
        list[str] | None,
        typer.Option(
            "--refuse", metavar="FIELD=VALUE", help="Refuse requests with such an event: data.units=5. Repeatable."
        ),
    ] = None,
    max_events: Annotated[int | None, typer.Option("--max-events", min=1, help="Refuse longer lists with 413.")] = None,
    max_bytes: Annotated[int | None, typer.Option("--max-bytes", min=1, help="Refuse larger bodies with 413.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Throw the dice of the faults from here.")] = None,
) -> int:
    """Run a local Kable to try things out on; its ledger is at /sandbox/ledger.

    It can be told to misbehave, by these options or while it runs by a POST to /sandbox/faults.
    """
    # The sandbox's server is slow to import, and no other command needs it.
    from ..sandbox import DEFAULT_API_KEY, DEFAULT_CLIENT_ID, serve  # noqa: PLC0415

    faults = _faults(
        statuses=_pairs("--fail", fail),
        kinds=_pairs("--fault", fault),
        retry_after=retry_after,
        latency=latency,
        refuse=[{"field": field, "value": _json_or_text(value)} for field, value in _pairs("--refuse", refuse).items()],
        max_events=max_events,
        max_bytes=max_bytes,
        seed=seed,
    )

    def announce(base_url: str) -> None:
        typer.echo(f"Kable sandbox listening on {base_url}")
        typer.echo(f"ledger: {base_url}/sandbox/ledger")
        sys.stdout.flush()

    try:
        serve(
            host=host,
            port=port,
            client_id=client_id or DEFAULT_CLIENT_ID,
            api_key=api_key or DEFAULT_API_KEY,
            announce=announce,
            allow_remote=allow_remote,
            faults=faults,
        )
    except (ValueError, OSError) as error:
        raise SetupError.of([Problem("sandbox", str(error))]) from None
    return OK


def _word(reason: LetterReason | None) -> Reason | None:
    return None if reason is None else reason.value


def _pairs(option: str, texts: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts or ()]
    problems = [Problem(option, f'"{name}{sign}" should read as NAME=VALUE') for name, sign, _ in pairs if not sign]
    if problems:
        raise SetupError.of(problems)
    return {name: value for name, _, value in pairs}


def _json_or_text(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _faults(**what: Any) -> Faults:
    from ..sandbox import Faults  # noqa: PLC0415 - as above

    try:
        return Faults.model_validate(what)
    except ValidationError as error:
        places = [".".join(str(part) for part in found["loc"]) for found in error.errors()]
        problems = [Problem(place, found["msg"]) for place, found in zip(places, error.errors(), strict=True)]
        raise SetupError.of(problems) from None


def _read_event(path: str) -> Any:
    try:
        text = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        event = orjson.loads(text)
    except OSError as error:
        raise SetupError.of([Problem(path, f"cannot be read: {error.strerror}")]) from None
    except orjson.JSONDecodeError as error:
        detail = f"line {error.lineno} column {error.colno}"
        raise SetupError.of([Problem(path, f"is not one JSON event: {error.msg} ({detail})")]) from None
    try:
        return read_event(text)
    except UnreadableError:
        return event

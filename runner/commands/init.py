"""The command `init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .exit_codes import OK, exits
from .options import DestinationOption, JsonOption
from .output import echo_whole, inform, say

if TYPE_CHECKING:
    from ..configuration.configuration import Configuration
    from ..configuration.start import Start


@exits
def init(
    *,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="File to write. [default: kable.toml]")
    ] = None,
    destination: DestinationOption = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting that is not a secret. Repeatable."),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", metavar="URL", help="Base URL to write into the file, such as that of a sandbox."),
    ] = None,
    save_key: Annotated[
        bool, typer.Option("--save-key", help="Write secrets that are in the environment to .env, too.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files without asking.")] = False,
    preview: Annotated[
        bool | None, typer.Option("--preview/--no-preview", help="Whether to preview a made-up event. [default: ask]")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Write a configuration file to start with.

    Asks for what it cannot find in the environment, in `.env` beside the file or in --set. Without a terminal, nothing
    is asked. Secrets never go into the configuration: they stay in the environment, or in `.env`, which only you can
    read. `secrets.key` beside it is for `serve`, which encrypts stored credentials with it; one that exists is kept.
    Then the configuration is checked.
    """
    from ..configuration.start import Start
    from .asking import ask_for_missing, may_overwrite
    from .check_output import check_output, print_checked
    from .checking import checked
    from .configured import configured
    from .live_question import is_terminal, says_yes

    asks = is_terminal()
    start = Start(destination, config, settings or [], base_url=base_url)
    may_overwrite(start.existing(), force=force, asks=asks)
    ask_for_missing(start, asks=asks)
    for variable in start.overridden():
        say(f"warning: {variable} is set, and wins over the configuration", error=True)
    written = []
    for path in start.write(save_secrets=save_key):
        written.append(str(path))
        if not as_json:
            inform(f"wrote {path}")
    configuration = configured(start.path)
    found = checked(configuration)
    if as_json:
        from .json_output import print_output
        from .json_outputs.check import InitOutput

        print_output(InitOutput(written=written, check=check_output(found)))
        return found.code
    print_checked(found)
    if found.code == OK:
        wanted = preview
        if wanted is None:
            wanted = asks and says_yes("Preview a made-up event?", default=True)
        if wanted:
            _preview(configuration)
        _print_next(start)
    return found.code


def _preview(configuration: Configuration) -> None:
    from ...definitions import indented_json, short_event_for
    from .previewing import preview_text

    ready = configuration.set_up()
    if not ready.subscriptions:
        return
    first = ready.subscriptions[0]
    event: Any = short_event_for(first.subscribe, ready.definition.actions[first.partner_action])
    echo_whole(f"\nA made-up event:\n{indented_json(event)}\n")
    echo_whole(preview_text(ready, configuration.destination_name, event))


def _print_next(start: Start) -> None:
    import shlex

    file = shlex.quote(str(start.path))
    inform("\nNext:\n")
    for step in (f"check --config {file} --credentials", f"deliver --config {file} events.ndjson"):
        inform(f"  kable-destination {step}")

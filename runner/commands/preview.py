"""The command `preview`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .exit_codes import OK, exits
from .options import AccountOption, BaseUrlOption, ConfigOption, DestinationOption
from .output import echo


@exits
def preview(
    event: Annotated[str, typer.Argument(metavar="EVENT.json", help="One event as JSON; - is standard input.")],
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    account: AccountOption = None,
    base_url: BaseUrlOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also show the Python that mapping and fields were compiled to.")
    ] = False,
) -> int:
    """Preview one event without sending it.

    Shows what each subscription makes of the event, and the request.
    """
    from .configured import configured
    from .previewing import preview_text

    configuration = configured(config, destination=destination, account=account, base_url=base_url)
    ready = configuration.set_up()
    echo(preview_text(ready, configuration.destination_name, _read(event), explain_code=explain))
    return OK


def _read(path: str) -> Any:
    import orjson

    from ...definitions import Problem, SetupError, UnreadableError, read_event

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

"""The command `preview`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .exit_codes import OK, exits
from .options import AccountOption, BaseUrlOption, ConfigOption, DestinationOption, JsonOption
from .output import echo_whole


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
    as_json: JsonOption = False,
) -> int:
    """Preview one event without sending it.

    Shows what each subscription makes of the event, and the request.
    """
    from .configured import configured
    from .previewing import preview_output, preview_text

    configuration = configured(config, destination=destination, account=account, base_url=base_url)
    ready = configuration.set_up()
    if as_json:
        from .json_output import print_output

        print_output(preview_output(ready, _read(event), explain_code=explain))
        return OK
    echo_whole(preview_text(ready, configuration.destination_name, _read(event), explain_code=explain))
    return OK


def _read(path: str) -> Any:
    import orjson

    from ...definitions import Problem, SetupError, UnreadableError, read_event

    text = _text(path)
    try:
        return read_event(text)
    except UnreadableError as error:
        try:
            # JSON that is not an event is shown with the reason why it would be rejected.
            return orjson.loads(text)
        except orjson.JSONDecodeError as fault:
            # orjson knows the line, but takes an integer of many digits for an infinity.
            is_number = "infinity" in fault.msg
            said = f"it {error.message}" if is_number else f"{fault.msg} (line {fault.lineno} column {fault.colno})"
            raise SetupError.of([Problem(path, f"is not one JSON event: {said}")]) from None


def _text(path: str) -> bytes:
    """Read a file, or standard input (`-`). Raises SetupError."""
    from ...definitions import Problem, SetupError
    from ..sources.event_splitting import MAX_EVENT_BYTES

    try:
        if path == "-":
            text = b"" if sys.stdin is None else sys.stdin.buffer.read(MAX_EVENT_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                text = file.read(MAX_EVENT_BYTES + 1)
    except OSError as error:
        raise SetupError.of([Problem(path, f"cannot be read: {error.strerror}")]) from None
    except ValueError as error:
        raise SetupError.of([Problem(path, f"is not a path: {error}")]) from None
    if len(text) > MAX_EVENT_BYTES:
        raise SetupError.of([Problem(path, f"is longer than {MAX_EVENT_BYTES:,} bytes, so it is hardly an event")])
    return text

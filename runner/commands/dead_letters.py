"""The commands `dead-letters`: list, show, replay, export, discard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .exit_codes import FAILED, OK, exits
from .letter_options import IdArgument, IdsArgument, ReasonOption, SinceOption, ask, chosen_ids, letter_filter
from .options import (
    AccountOption,
    BaseUrlOption,
    ConfigOption,
    DestinationOption,
    JsonOption,
    LiveOption,
    LogOption,
    OutboxOption,
    TracesOption,
    YesOption,
    observer_options,
)
from .output import inform, say
from .parsing import Command, group

dead_letters = group("dead-letters", "List, show, replay, export or discard dead letters.")


@dead_letters.command("list", cls=Command)
@exits
def list_letters(
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    as_json: JsonOption = False,
) -> int:
    """List dead letters, grouped by message, with their IDs."""
    import asyncio

    from .configured import configured
    from .letter_list import print_groups

    configuration = configured(config, outbox=outbox)
    chosen = letter_filter(reason, since)
    groups = asyncio.run(ask(configuration, lambda letters: letters.groups(chosen)))
    print_groups(groups, configuration.redactor(), as_json=as_json)
    return OK


@dead_letters.command("show", cls=Command)
@exits
def show_letter(
    number: IdArgument,
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
    as_json: JsonOption = False,  # noqa: ARG001 - it is always JSON, and a script need not know that
) -> int:
    """Show one dead letter as JSON, with or without --json.

    The JSON has the reason, where the event came from, the event, and what was sent.
    """
    import asyncio

    from ...definitions import Problem, SetupError
    from .configured import configured
    from .letter_list import print_letter

    configuration = configured(config, outbox=outbox)
    found = asyncio.run(ask(configuration, lambda letters: letters.read([number])))
    if not found:
        raise SetupError.of([Problem("ID", f"there is no dead letter {number}")])
    print_letter(found[0], configuration.redactor())
    return OK


@dead_letters.command("replay", cls=Command)
@exits
def replay_letters(
    numbers: IdsArgument = None,
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    account: AccountOption = None,
    base_url: BaseUrlOption = None,
    live: LiveOption = False,
    outbox: OutboxOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would happen, and change nothing.")] = False,
    as_json: JsonOption = False,
    log_format: LogOption = None,
    traces: TracesOption = False,
) -> int:
    """Send dead letters again: those with the given IDs, or all.

    Exhausted events are sent unchanged. Refused and rejected events are mapped again, with the current mappings. An
    event that is queued or was delivered under the same ID is not sent again. Events that wait for a retry are sent
    at once, too.
    """
    from . import replaying
    from .configured import configured

    configuration = configured(
        config, destination=destination, account=account, base_url=base_url, outbox=outbox, live=live or None
    )
    observing = observer_options(log_format, traces=traces)
    chosen = letter_filter(reason, since, numbers)
    return replaying.replay_letters(configuration, chosen, observing, dry_run=dry_run, as_json=as_json)


@dead_letters.command("export", cls=Command)
@exits
def export_letters(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write. It must not exist yet.")],
    numbers: IdsArgument = None,
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write events of dead letters to a file, to correct them there.

    Exports those with the given IDs, or all. Each line of the file is one event. Correct them in an editor and deliver
    the file: an event that is accepted under its old ID closes its dead letter. The dead letters themselves stay until
    then. Exits 1 if some could not be exported, because they hold no event, for instance.
    """
    from . import exporting
    from .configured import configured

    chosen = letter_filter(reason, since, numbers)
    return exporting.export_letters(configured(config, outbox=outbox), chosen, file, as_json=as_json)


@dead_letters.command("discard", cls=Command)
@exits
def discard_letters(
    numbers: IdsArgument = None,
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Discard all dead letters.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> int:
    """Delete dead letters. You cannot undo this, so in a terminal it asks first."""
    import asyncio

    from ...definitions import Problem, SetupError, counted
    from ..queues.contract import DeadLetterFilter
    from .asking import is_confirmed
    from .configured import configured

    if [bool(numbers), bool(reason or since), everything].count(True) != 1:
        message = "say which: numbers, or --reason and --since, or --all"
        raise SetupError.of([Problem("discard", message)])
    configuration = configured(config, outbox=outbox)
    chosen = letter_filter(reason, since, numbers)
    ids = asyncio.run(ask(configuration, lambda letters: chosen_ids(letters, chosen)))
    if ids and not is_confirmed(f"Delete {counted(len(ids), 'dead letter')} for good?", yes=yes):
        say("nothing was discarded", error=True)
        return FAILED
    # What was not counted in the question is not deleted.
    meant = DeadLetterFilter(ids)
    count = asyncio.run(ask(configuration, lambda letters: letters.discard(meant), read_only=False)) if ids else 0
    if as_json:
        from .json_output import print_output
        from .json_outputs.dead_letters import DiscardOutput

        print_output(DiscardOutput(discarded=count))
    else:
        inform(f"{counted(count, 'dead letter')} discarded")
    return OK

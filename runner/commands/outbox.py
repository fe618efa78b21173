"""The commands `outbox`: back it up, copy it, and erase a customer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import FAILED, OK, exits
from .options import ConfigOption, DestinationOption, JsonOption, OutboxOption, YesOption
from .output import inform, say
from .parsing import Command, group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..configuration.configuration import Configuration
    from ..queues.contract import Erased, Erasure

outbox = group("outbox", "Back up the outbox, copy it, or erase a customer from it.")


@outbox.command("backup", cls=Command)
@exits
def backup_outbox(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write. It must not exist yet.")],
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
    as_json: JsonOption = False,
) -> int:
    """Copy the outbox to a new file, also while events are delivered.

    The copy has everything as of one moment: queued events, dead letters, known IDs, and the position in each file.
    Only you can read it (mode 0600).
    """
    from ..outbox import back_up, outbox_name, outbox_path
    from .configured import configured
    from .output_files import check_outputs

    configuration = configured(config, outbox=outbox)
    check_outputs({"FILE": file}, outbox_path(configuration.delivery), [configuration.path])
    size = back_up(configuration.delivery, file)
    name = outbox_name(configuration.delivery)
    if as_json:
        from .json_output import print_output
        from .json_outputs.outbox import BackupOutput

        print_output(BackupOutput(outbox=name, file=str(file), bytes=size))
    else:
        inform(f"{name} is copied to {file} ({size / 1e6:,.1f} MB), which only you can read")
    return OK


@outbox.command("copy", cls=Command)
@exits
def copy_whole_outbox(
    source: Annotated[str, typer.Argument(metavar="FROM", help="File or URL of the outbox to copy.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="File or URL of the copy. It must be new, or empty.")],
    *,
    as_json: JsonOption = False,
) -> int:
    """Copy an outbox from SQLite to PostgreSQL, or back.

    The copy has everything: queued events, dead letters, known IDs, checkpoints, records and counts. First end all
    processes that use the outbox: the copy is refused while one writes to it, and what is written later is not in it.
    """
    from ..outbox import copy_to, place_name
    from ..queues.contract import QueueFullError

    try:
        copied = copy_to(source, target)
    except QueueFullError as error:
        from ...definitions import Problem, SetupError

        raise SetupError.of([Problem("TO", f"cannot be written: {error}; nothing was copied")]) from None
    names = place_name(source), place_name(target)
    if as_json:
        from .json_output import print_output
        from .json_outputs.outbox import CopyOutput

        output = CopyOutput(
            source=names[0],
            target=names[1],
            batches=copied.rows["batches"],
            dead_letters=copied.rows["dead_letters"],
            known_ids=copied.ids,
        )
        print_output(output)
    else:
        from ...definitions import counted

        batches = counted(copied.rows["batches"], "batch", "batches")
        letters = counted(copied.rows["dead_letters"], "dead letter")
        inform(f"{names[0]} is copied to {names[1]}: {batches}, {letters}, {counted(copied.ids, 'known ID')}")
    return OK


@outbox.command("erase", cls=Command)
@exits
def erase_customer(
    *,
    customer: Annotated[
        str, typer.Option("--customer", metavar="ID", help="Whose events to erase: the ID under which they are billed.")
    ],
    config: ConfigOption = None,
    destination: DestinationOption = None,
    outbox: OutboxOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> int:
    """Erase the queued events, the dead letters and the memberships of one customer.

    You cannot undo this, so in a terminal it asks first. Events of other customers in the same batches are kept.
    Also take the customer off the lists of their audiences: the next sync would let them enter again.
    What a running process is sending at the moment stays, and is counted: run the command again when that has ended.
    Without a terminal, --yes is needed.

    Exit codes: 0 everything is erased; 1 something is left, as the output says, or you did not say yes.
    """
    import asyncio

    from ...definitions import Problem, SetupError
    from ..outbox import owner_fields
    from ..queues.contract import Erasure
    from .configured import configured
    from .live_question import is_terminal, says_yes

    if not customer.strip():
        raise SetupError.of([Problem("--customer", "is blank, and names nobody")])
    configuration = configured(config, destination=destination, outbox=outbox)
    erasure = Erasure(customer, owner_fields(configuration.definition))
    if not yes:
        if not is_terminal():
            raise SetupError.of([Problem("erase", "deletes events that were not billed yet; add --yes to mean it")])
        found = asyncio.run(_erase(configuration, erasure, dry_run=True))
        if (found.queued or found.dead_letters or found.memberships) and not says_yes(
            f"Erase {_shown(found)} of {customer} for good?"
        ):
            say("nothing was erased", error=True)
            return FAILED
    erased = asyncio.run(_erase(configuration, erasure, dry_run=False))
    if as_json:
        _print_json(erased, customer)
    else:
        inform(f"{_shown(erased)} of {customer} erased")
        for line in _left(erased):
            say(f"warning: {line}", error=True)
    return FAILED if any(True for _ in _left(erased)) else OK


async def _erase(configuration: Configuration, erasure: Erasure, *, dry_run: bool) -> Erased:
    from ...definitions import Problem, SetupError
    from ..outbox import outbox_of
    from ..queues.contract import QueueFullError

    async with outbox_of(configuration.delivery, read_only=dry_run) as queue:
        try:
            return await queue.erase(erasure, dry_run=dry_run)
        except QueueFullError as error:
            message = f"cannot be written: {error}; {error.advice} and run again, since some events are left"
            raise SetupError.of([Problem("outbox", message)]) from None


def _shown(erased: Erased) -> str:
    from ...definitions import counted, listed

    parts = [counted(erased.queued, "queued event"), counted(erased.dead_letters, "dead letter")]
    parts += [counted(erased.memberships, "membership")] if erased.memberships else []
    return listed(parts, "and")


def _left(erased: Erased) -> Iterator[str]:
    """Yield what is left, and what to do about it."""
    from ...definitions import counted
    from .letter_options import shown_ids

    if erased.leased:
        verb = "is being sent" if erased.leased == 1 else "are being sent"
        yield f"{counted(erased.leased, 'event')} {verb} by a running process; run this again when that has ended"
    if erased.unsure:
        yield (
            f"dead letters that have the ID elsewhere, so nobody knows whose they are: {shown_ids(erased.unsure)} "
            "(dead-letters show; then dead-letters discard)"
        )
    if erased.damaged:
        yield (
            f"batches that are damaged, so nobody can look into them: {shown_ids(erased.damaged)} "
            "(the next deliver sets them aside)"
        )


def _print_json(erased: Erased, customer: str) -> None:
    from dataclasses import asdict

    from .json_output import print_output
    from .json_outputs.outbox import EraseOutput

    print_output(EraseOutput(customer=customer, **asdict(erased)))

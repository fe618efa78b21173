"""What `dead-letters export` writes and prints."""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING

from .exit_codes import FAILED, OK
from .letter_options import ask, chosen_ids, shown_ids
from .output import inform, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

    from ...definitions import Redactor
    from ..configuration.configuration import Configuration
    from ..delivery.letter_export import LetterExport
    from ..queues.contract import DeadLetterFilter, DeadLetters


def export_letters(configuration: Configuration, chosen: DeadLetterFilter, path: Path, *, as_json: bool) -> int:
    """Write the events of dead letters to a new file, print what they need, and return the exit code.

    Raises SetupError, for instance if the file is there already.
    """
    import asyncio

    from ..outbox import outbox_path
    from .output_files import check_outputs

    check_outputs({"FILE": path}, outbox_path(configuration.delivery), [configuration.path])
    redactor = configuration.redactor()
    done = asyncio.run(ask(configuration, lambda letters: _export(letters, chosen, path, redactor)))
    if as_json:
        _print_json(done, path)
    elif not done.exported and not _left_out(done):
        inform("no dead letters to export")
    else:
        for line in _told(done, path):
            inform(line)
        for line in _left_out(done):
            say(f"warning: {line}", error=True)
    return FAILED if _left_out(done) else OK


async def _export(letters: DeadLetters, chosen: DeadLetterFilter, path: Path, redactor: Redactor) -> LetterExport:
    from ..delivery.letter_export import EXPORTED_AT_ONCE, LetterExport

    done = LetterExport()
    ids = await chosen_ids(letters, chosen)
    with _new_file(path) as file:
        for start in range(0, len(ids), EXPORTED_AT_ONCE):
            some = await letters.read(ids[start : start + EXPORTED_AT_ONCE])
            left = memoryview(b"".join(done.lines(some, redactor)))
            while left:
                left = left[file.write(left) or 0 :]
    return done


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[FileIO]:
    """Make a file for its owner alone; it is removed again if it stays empty or cannot be written. Raises SetupError.

    What is there is never overwritten: somebody may be correcting the events of an earlier export.
    """
    from ...definitions import Problem, SetupError
    from .report_file import unwritable

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        advice = "is there already, and is not overwritten; name another file"
        raise SetupError.of([Problem(str(path), advice)]) from None
    except (OSError, ValueError) as error:
        reason = error if isinstance(error, OSError) else OSError(0, str(error))
        raise SetupError.of([unwritable(path, reason)]) from None
    is_whole = False
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            yield file
            is_whole = os.fstat(descriptor).st_size > 0
    except OSError as error:
        raise SetupError.of([unwritable(path, error)]) from None
    finally:
        if not is_whole:
            path.unlink(missing_ok=True)


def _told(done: LetterExport, path: Path) -> Iterator[str]:
    from ...definitions import counted

    if not done.exported:
        yield f"nothing to export, so {path} was not written"
        return
    letters = "" if done.events == len(done.exported) else f" of {counted(len(done.exported), 'dead letter')}"
    yield f"{counted(done.events, 'event')}{letters} written to {path}, which only you can read"
    yield f"correct them there, then run: kable-destination deliver {shlex.quote(str(path))}"
    yield "each event that is accepted closes its dead letter, by its ID; keep the IDs as they are"
    yield "a refused event that you do not change stays a dead letter; replay sends it again"
    if done.without_id:
        which = shown_ids(done.without_id)
        yield f"without an ID, so no delivery closes it: {counted(len(done.without_id), 'event')}, {which}"
        yield "give each an ID, deliver it, then delete its dead letter: kable-destination dead-letters discard ID"
    if len(done.accounts) > 1:
        yield f"they are of {len(done.accounts)} accounts; deliver each with the settings of its own:"
        yield from (f"  {account}" for account in sorted(done.accounts))


def _left_out(done: LetterExport) -> list[str]:
    """Return what is not exported, and what to do about it."""
    kinds = (
        (done.not_events, "no event", "correct the source, deliver it, and discard them; show has the text"),
        (done.with_secrets, "an event with a secret of this configuration", "show has it, with the secret masked"),
        (done.damaged, "damaged in the outbox", "restore a backup, or discard them"),
    )
    return [
        f"not exported, since {'it is' if len(ids) == 1 else 'they are'} {what}: {shown_ids(ids)} ({advice})"
        for ids, what, advice in kinds
        if ids
    ]


def _print_json(done: LetterExport, path: Path) -> None:
    from .json_output import print_output
    from .json_outputs.dead_letters import ExportOutput

    print_output(
        ExportOutput(
            file=str(path),
            events=done.events,
            exported=done.exported,
            without_id=done.without_id,
            not_events=done.not_events,
            with_secrets=done.with_secrets,
            damaged=done.damaged,
            accounts=sorted(done.accounts),
        )
    )

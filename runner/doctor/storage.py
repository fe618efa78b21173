"""The outbox: what it is, whose it is, and how much room there is."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ...definitions import SetupError
from ..outbox import outbox_may_exist, outbox_name, outbox_of, outbox_path
from ..queues.sqlite import format_of
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ..configuration.delivery_options import DeliveryOptions

_LEAST_FREE_MB = 100
_MB = 1_000_000


async def storage(options: DeliveryOptions) -> AsyncIterator[Finding]:
    """Yield the state of the outbox."""
    if not options.outbox:
        yield Finding("outbox", "skipped", "it is turned off")
        return
    name, path = outbox_name(options), outbox_path(options)
    file = None if path is None else Path(path)
    if not outbox_may_exist(options):
        yield Finding("outbox", "ok", f"there is none at {_absolute(name)} yet; deliver makes it")
    else:
        for finding in await _contents(name, file, options):
            yield finding
    if file is not None:
        for finding in _file(file):
            yield finding


async def _contents(name: str, file: Path | None, options: DeliveryOptions) -> list[Finding]:
    try:
        async with outbox_of(options, read_only=True) as queue:
            status = await queue.status()
    except SetupError as error:
        return [Finding("outbox", "failed", "; ".join(problem.message for problem in error.problems))]
    queued, dead = sum(lane.queued for lane in status.lanes), sum(status.dead.values())
    what = "" if file is None else f", format {format_of(file)}"
    where = name if file is None else _absolute(name)
    counts = f"{status.bytes / _MB:,.1f} MB; {queued:,} events queued, {dead:,} dead letters"
    return [Finding("outbox", "ok", f"{where}{what}, {counts}")]


def _absolute(path: str) -> Path:
    return Path(path).absolute()


def _file(file: Path) -> Iterator[Finding]:
    folder = file.absolute().parent
    # If there is none yet, or if its name cannot be used, that was reported already.
    with contextlib.suppress(OSError):
        yield _owner(file, file.stat())
    if not os.access(folder, os.W_OK):
        yield Finding("outbox folder", "failed", f"this process may not write to {folder}; name another with --outbox")
    try:
        free = shutil.disk_usage(folder).free / _MB
    except OSError as error:
        yield Finding("disk", "failed", f"{folder}: {error.strerror}; name another folder with --outbox")
        return
    advice = "" if free >= _LEAST_FREE_MB else f"; make room, {_LEAST_FREE_MB} MB at least"
    yield Finding("disk", "failed" if advice else "ok", f"{free:,.0f} MB free in {folder}{advice}")


def _owner(file: Path, found: os.stat_result) -> Finding:
    mode = stat.S_IMODE(found.st_mode)
    if os.name != "posix":
        return Finding("outbox owner", "skipped", "this system has no owners of that kind")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        told = f"others may use {file}, which holds events (its mode is {mode:04o}); chmod 600 {file}"
        return Finding("outbox owner", "warning", told)
    if found.st_uid == os.geteuid():
        return Finding("outbox owner", "ok", f"{_user(found.st_uid)} alone")
    told = f"{file} belongs to user {_user(found.st_uid)}, and this process runs as {_user(os.geteuid())}"
    return Finding("outbox owner", "ok" if os.access(file, os.R_OK | os.W_OK) else "failed", told)


def _user(number: int) -> str:
    import pwd  # noqa: PLC0415 - only there on POSIX

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"

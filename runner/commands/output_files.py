"""The files that a command writes: none of them may be a file that it reads, or another one that it writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ...definitions import Problem

OUTBOX_SUFFIXES = ("", "-wal", "-shm", "-journal")
"""SQLite keeps these files beside an outbox."""

STANDARD_INPUT = "-"


def check_outputs(outputs: Mapping[str, Path | None], outbox: str | None, inputs: Sequence[str | Path | None]) -> None:
    """Raise SetupError if an output, by its option, is an input, the outbox, or another output.

    `-` is standard input, which may be a file, too. Links and other names of a file count as that file.
    """
    from ...definitions import SetupError

    problems = list(_problems(outputs, outbox, [path for path in inputs if path is not None]))
    if problems:
        raise SetupError.of(problems)


def _problems(
    outputs: Mapping[str, Path | None], outbox: str | None, inputs: Sequence[str | Path]
) -> Iterator[Problem]:
    from ...definitions import Problem

    kept = [] if outbox is None else [Path(f"{outbox}{suffix}") for suffix in OUTBOX_SUFFIXES]
    for path in inputs:
        if any(is_same_file(path, each) for each in kept):
            yield Problem("--outbox", f"{outbox} is an input, too, and would be overwritten; name another file")
    written: dict[str, Path] = {}
    for option, output in outputs.items():
        if output is None:
            continue
        for path in inputs:
            if is_same_file(path, output):
                shown = "standard input" if path == STANDARD_INPUT else path
                yield Problem(
                    option, f"{output} is an input, too ({shown}), and would be overwritten; name another file"
                )
        if any(is_same_file(each, output) for each in kept):
            yield Problem(option, f"{output} is the outbox, and would be overwritten; name another file")
        for other, path in written.items():
            if is_same_file(path, output):
                yield Problem(option, f"{output} is the file of {other}, too; name another file")
        written[option] = output


def is_same_file(path: str | Path, output: Path) -> bool:
    """Return whether an output would be written to a file, under whatever name. Devices and pipes are not files."""
    if path == STANDARD_INPUT:
        try:
            return output.is_file() and os.path.samestat(os.fstat(0), output.stat())
        except OSError:
            return False
    try:
        if output.exists() and not output.is_file():
            return False
        return Path(path).samefile(output)
    except (OSError, ValueError):
        return os.path.realpath(path) == os.path.realpath(output)


def permission_warnings(paths: Sequence[Path | None]) -> Iterator[str]:
    """Yield a warning for each file with events that others than its owner may read or write."""
    from ..delivery.private_file import others_may_use

    for path in paths:
        if path is not None and (mode := others_may_use(path)) is not None:
            yield f"others may use {path}, which holds events (its mode is {mode}); chmod 600 {path}"

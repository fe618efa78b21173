"""What happened to one source in a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...definitions import counted

if TYPE_CHECKING:
    from ..sources.contract import FileCounts, Resumed


@dataclass(slots=True)
class SourceResult:
    """What happened to one source: how many events were read, and whether that was all of it.

    `resumed` says how an earlier run left it, `error` why it could not be read (to its end). `files` counts the files
    of a folder or a bucket.
    """

    name: str
    events: int = 0
    is_begun: bool = False
    is_read: bool = False
    resumed: Resumed | None = None
    error: str | None = None
    files: FileCounts | None = None

    @property
    def is_known(self) -> bool:
        """Whether an earlier run has accepted all of it."""
        return self.error is None and self.resumed is not None and self.resumed.place is None

    @property
    def result(self) -> str:
        """The result in one word."""
        if self.error is not None:
            return "failed"
        if self.is_known:
            return "known"
        if self.is_read:
            return "known" if self.files is not None and self.files.known and not self.files.read else "read"
        return "partly_read" if self.is_begun else "not_read"

    def as_json(self) -> dict[str, Any]:
        """Return it as the JSON report shows it."""
        shown: dict[str, Any] = {"source": self.name, "result": self.result, "events": self.events}
        if self.resumed is not None:
            shown["accepted_before"] = self.resumed.name or self.name
            if self.resumed.place is not None:
                shown["from_line"] = self.resumed.place
        if self.files is not None:
            files = self.files
            left_out = files.left_out.total()
            shown["files"] = {"read": files.read, "known": files.known, "failed": files.failed, "left_out": left_out}
        if self.error is not None:
            shown["error"] = self.error
        return shown

    def lines(self) -> list[str]:
        """Return what a person should know about it: nothing if it was simply read."""
        shown = [] if self.files is None else [f"{self.name}: {_shown_files(self.files)}"]
        if self.resumed is not None:
            earlier = "" if self.resumed.name in {"", self.name} else f" as {self.resumed.name}"
            if self.resumed.place is None:
                shown.append(f"{self.name}: all of it was accepted by an earlier run{earlier}")
            else:
                shown.append(f"{self.name}: accepted by an earlier run{earlier} up to line {self.resumed.place:,}")
        if self.error is not None:
            shown.append(f"not read: {self.error}" if not self.events else f"not read to its end: {self.error}")
        return shown


def _shown_files(files: FileCounts) -> str:
    """Return what happened to files, on one line."""
    parts = [counted(files.read, "file") + " read"]
    parts += [f"{files.known:,} accepted by an earlier run"] if files.known else []
    parts += [f"{files.failed:,} not read"] if files.failed else []
    for reason, count in sorted(files.left_out.items()):
        names = files.names.get(reason, [])
        parts.append(f"{count:,} {reason} ({', '.join(names)}{', …' if count > len(names) else ''})")
    return ", ".join(parts)

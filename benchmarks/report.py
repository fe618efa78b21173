"""What the rounds showed: a table to read, and JSON to keep."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from measures import REQUIREMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measures import Requirement
    from rounds import Contest

_COLOURS = {"aim met": "green", "met": "green", "missed": "red"}


def requirement(contest: Contest, other: str) -> Requirement | None:
    """Find what is required of this package beside another contender."""
    return REQUIREMENTS.get((contest.workload.name, contest.measure.key, other))


def missed(contest: Contest) -> bool:
    """Tell whether a median stays below what is required at least."""
    others = [other for other in contest.contenders if other != "python"]
    needed = [(requirement(contest, other), contest.ratio(other).median) for other in others]
    return any(required is not None and ratio < required.least for required, ratio in needed)


def table(contests: Sequence[Contest], rounds: int) -> Table:
    """Make the table that `make bench` prints."""
    made = Table(title=f"Events a second on one core: medians of {rounds} rounds", title_justify="left")
    made.add_column("")
    for name in ("python", "peer", "floor"):
        made.add_column(name, justify="right")
    for name in ("python ÷ peer", "python ÷ floor"):
        made.add_column(name)
    workload = None
    for contest in contests:
        if contest.workload is not workload:
            workload = contest.workload
            made.add_section()
            made.add_row(f"[bold]{workload.title}[/bold]")
        rates = [_rate(contest, name) for name in ("python", "peer", "floor")]
        made.add_row(contest.measure.title, *rates, _ratio(contest, "peer"), _ratio(contest, "floor"))
    return made


def _rate(contest: Contest, name: str) -> str:
    return f"{contest.rate(name).median:,.0f}" if name in contest.contenders else ""


def _ratio(contest: Contest, other: str) -> str:
    if other not in contest.contenders:
        return ""
    ratio = contest.ratio(other)
    shown = f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
    required = requirement(contest, other)
    if required is None:
        return shown
    verdict = required.verdict(ratio.median)
    wanted = f"at least {required.least:g}, aim {required.aim:g}"
    return f"{shown}\n{wanted}: [{_COLOURS[verdict]}]{verdict}[/]"


def as_json(contests: Sequence[Contest], node_version: str, rounds: int) -> dict[str, Any]:
    """Give everything measured, with what it was measured on."""
    return {
        "machine": machine(node_version),
        "rounds": rounds,
        "unit": "events a second; spread is the middle half of the rounds",
        "results": [_contest_as_json(contest) for contest in contests],
    }


def machine(node_version: str) -> dict[str, str]:
    """Tell what was measured on."""
    return {
        "processor": _processor(),
        "system": platform.system(),
        "python": platform.python_version(),
        "node": node_version,
    }


def _contest_as_json(contest: Contest) -> dict[str, Any]:
    return {
        "workload": contest.workload.name,
        "measure": contest.measure.key,
        "title": contest.measure.title,
        "workload_title": contest.workload.title,
        "rates": {name: contest.rate(name).rounded(0) for name in contest.contenders},
        "ratios": {name: _ratio_as_json(contest, name) for name in contest.contenders if name != "python"},
    }


def _ratio_as_json(contest: Contest, other: str) -> dict[str, Any]:
    ratio, required = contest.ratio(other), requirement(contest, other)
    shown: dict[str, Any] = dict(ratio.rounded(2))
    if required is None:
        return shown
    return {**shown, "least": required.least, "aim": required.aim, "verdict": required.verdict(ratio.median)}


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", information.read_text()) if information.exists() else None
    name = found[1] if found else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"

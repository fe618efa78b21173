"""What a snapshot shows, and how it differs from the one that was recorded, in a person's words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..json_body import indented_json, json_line
from ..shown_request import shown_request
from ..text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

    from ..redaction import Redactor
    from .running import ActionRun

_FOLDER = "snapshots"
_MAX_SHOWN = 121


def shown_run(run: ActionRun) -> Any:
    """Return what a run sends: its request, a list of several, or the payload if there is no code."""
    redactor = run.destination.redactor
    return shown_requests(run.requests, redactor) if run.requests else {"payload": redactor.value(run.payload)}


def shown_requests(requests: Iterable[httpx.Request], redactor: Redactor) -> Any:
    """Return the requests of an exchange, or the only one."""
    shown = [shown_request(request, redactor, all_headers=True) for request in requests]
    return shown[0] if len(shown) == 1 else shown


def readable_json(data: Any) -> str:
    """Return a value as the text of a snapshot: indented JSON, in its own order; a matcher by its name."""
    return f"{indented_json(data, instead=repr)}\n"


def snapshot_folder(test_file: str | Path) -> Path:
    """Return the folder of the snapshots of a test file: beside its folder `tests`, else beside its own."""
    file = Path(test_file)
    tests = next((folder for folder in file.parents if folder.name == "tests"), file.parent)
    return tests.parent / _FOLDER


def differences(recorded: Any, shown: Any, place: str = "") -> Iterator[str]:
    """Yield each place where two JSON values differ."""
    if isinstance(recorded, dict) and isinstance(shown, dict):
        for key in dict.fromkeys((*recorded, *shown)):
            at = f"{place}.{key}" if place else key
            if key not in shown:
                yield f"{at}: is gone; it was {_written(recorded[key])}"
            elif key not in recorded:
                yield f"{at}: is new: {_written(shown[key])}"
            else:
                yield from differences(recorded[key], shown[key], at)
    elif isinstance(recorded, list) and isinstance(shown, list) and len(recorded) == len(shown):
        for index, (before, now) in enumerate(zip(recorded, shown, strict=True)):
            yield from differences(before, now, f"{place}[{index}]")
    elif json_line(recorded) != json_line(shown):
        yield f"{place or 'the whole'}: was {_written(recorded)}, is now {_written(shown)}"


def _written(value: Any) -> str:
    return shortened(json_line(value), _MAX_SHOWN)

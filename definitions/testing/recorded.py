"""What a snapshot shows, and how it differs from the one that was recorded, in a person's words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .running import body_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

    from ..redaction import Redactor
    from .running import ActionRun

_MAX_SHOWN = 120


def shown_run(run: ActionRun) -> Any:
    """Show what a run sends: its request, its requests where there are several, its payload where there is no code."""
    redactor = run.destination.redactor
    return shown_requests(run.requests, redactor) if run.requests else {"payload": redactor.value(run.payload)}


def shown_requests(requests: Iterable[httpx.Request], redactor: Redactor) -> Any:
    """Show the requests of an exchange, or one that is the only one."""
    shown = [shown_request(request, redactor) for request in requests]
    return shown[0] if len(shown) == 1 else shown


def shown_request(request: httpx.Request, redactor: Redactor) -> dict[str, Any]:
    """Show all of a request that its receiver sees, with the secrets masked."""
    return {
        "method": request.method,
        "url": redactor.text(str(request.url)),
        "headers": {name: redactor.text(value) for name, value in request.headers.items()},
        "body": redactor.value(body_of(request)),
    }


def differences(recorded: Any, shown: Any, place: str = "") -> Iterator[str]:
    """Tell each place where two JSON values differ."""
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
    elif _written(recorded) != _written(shown):
        yield f"{place or 'the whole'}: was {_written(recorded)}, is now {_written(shown)}"


def _written(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"

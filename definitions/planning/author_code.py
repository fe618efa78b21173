"""The code of a destination's author is called here: a fault in it rejects one event, and says where it is."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from ..errors import Problem, RejectedError, SetupError
from ..text import one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..redaction import Redactor

_LONGEST_VALUE = 300


def call_author(function: Callable[..., Any], *arguments: Any, redactor: Redactor) -> Any:
    """Run an author's code on one event; a fault in it rejects that event and no other. Raises RejectedError."""
    try:
        return function(*arguments)
    except (RejectedError, SetupError):
        raise
    except Exception as error:
        name = getattr(function, "__name__", "perform")
        raise author_fault_of(error, f"failed in its action's code, {name}", redactor) from error


def author_fault_of(error: Exception, what: str, redactor: Redactor) -> RejectedError:
    """Make a rejection of an exception: its class, its value with secrets masked, and the file and line."""
    # Masked before it is cut: of half a secret nothing would be recognised.
    value = shortened(one_line(redactor.text(_value_of(error))), _LONGEST_VALUE)
    said = f"{type(error).__name__}: {value}" if value else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    # The first frame is where it was called. An error in a library is of most use where the author's code called that.
    own = [frame for frame in frames[1:] if _folder(frame.filename) == _folder(frames[1].filename)]
    place = (own or list(frames))[-1:]
    where = f' (file "{place[0].filename}", line {place[0].lineno})' if place else ""
    return author_fault(f"{what}: {said}{where}")


def author_fault(what: str) -> RejectedError:
    """Make a rejection of what the code of a destination plugin should not have done."""
    return RejectedError.of([Problem("", f"the destination plugin {what}; this is a fault of the plugin")])


def _value_of(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an author's exception may fail to say what it is
        return ""


def _folder(filename: str) -> str:
    return filename.rpartition("/")[0]

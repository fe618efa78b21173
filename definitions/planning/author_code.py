"""The code of a destination's author is called here: a fault in it rejects one event, and says where it is."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

from ..errors import Problem, RejectedError
from ..text import one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..redaction import Redactor

_LONGEST_VALUE = 300


def call_author(function: Callable[..., Any], *arguments: Any, redactor: Redactor) -> Any:
    """Run an author's code on one event; a fault in it rejects that event and no other. Raises RejectedError."""
    try:
        return function(*arguments)
    except RejectedError:
        raise
    except (Exception, SystemExit) as error:
        name = getattr(function, "__name__", "perform")
        raise author_fault_of(error, f"failed in its action's code, {name}", redactor) from error


def author_fault_of(error: BaseException, what: str, redactor: Redactor) -> RejectedError:
    """Make a rejection of an exception, with secrets masked."""
    return author_fault(f"{what}: {describe_exception(error, redactor.text)}")


def describe_exception(error: BaseException, mask: Callable[[str], str] = str) -> str:
    """Return what an exception of an author's code says: its class, its value, and the file and line of that code.

    `mask` masks the secrets of the value. The first frame is taken for the caller's own.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f'{type(error).__name__}: {one_line(error.msg)} (file "{error.filename}", line {error.lineno})'
    # Masked before it is cut: of half a secret nothing would be recognised.
    value = shortened(one_line(mask(_value_of(error))), _LONGEST_VALUE)
    said = f"{type(error).__name__}: {value}" if value else type(error).__name__
    files = [
        (frame.filename, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)[1:]
        if not _is_machinery(frame.filename)
    ]
    # An error in a library is of most use where the author's code called that.
    own = [file for file in files if _root(file[0]) == _root(files[0][0])]
    return f'{said} (file "{own[-1][0]}", line {own[-1][1]})' if own else said


def author_fault(what: str) -> RejectedError:
    """Make a rejection of what the code of a destination plugin should not have done."""
    return RejectedError.of([Problem("", f"the destination plugin {what}; this is a fault of the plugin")])


def _value_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an author's exception may fail to say what it is
        return ""


def _is_machinery(filename: str) -> bool:
    """Return whether a file is of Python's own imports, which say nothing about the code that is imported."""
    return filename.startswith("<frozen") or filename.endswith(
        ("importlib/__init__.py", "importlib/metadata/__init__.py")
    )


def _root(filename: str) -> str:
    """Return the folder of the outermost package of a file; of a module that is in none, its own folder."""
    folder, searched = _above(filename), set(sys.path)
    outer = folder
    while above := _above(outer):
        if above in searched and outer not in searched:
            return outer
        outer = above
    return folder


def _above(path: str) -> str:
    """Return the folder that holds a file or a folder, without asking the disk; empty if there is none."""
    return path[: max(path.rfind("/"), path.rfind("\\"), 0)]

"""The exit codes of the command line, and how a command ends with one."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, ParamSpec

import typer

from .output import cannot_write, discard, prepare_output, say

if TYPE_CHECKING:
    from collections.abc import Callable

OK = 0
FAILED = 1
"""Some events were not delivered, or a comparison found a difference."""
CONFIGURATION = 2
"""Usage or configuration."""
CREDENTIALS = 3
"""The destination refused the credentials."""
INTERRUPTED = 130
"""Ended by a signal."""

P = ParamSpec("P")


def exits(run: Callable[P, int]) -> Callable[P, None]:
    """Make a command of a function that returns an exit code. Each problem of a SetupError is printed on a line."""

    @functools.wraps(run)
    def command(*arguments: P.args, **options: P.kwargs) -> None:
        from ...definitions import Problem, SetupError

        prepare_output()
        try:
            code = run(*arguments, **options)
            if sys.stdout is not None:
                sys.stdout.flush()
        except SetupError as error:
            for problem in error.problems or (Problem("", error.message),):
                say(f"error: {problem}", error=True)
            code = CONFIGURATION
        except BrokenPipeError:
            # The reader of our output has closed it, and that is its right.
            discard(sys.stdout)
            code = OK
        except OSError as error:
            if not cannot_write(error):
                raise
            say(f"error: the output cannot be written: {error.strerror}", error=True)
            discard(sys.stdout)
            code = FAILED
        raise typer.Exit(code)

    return command

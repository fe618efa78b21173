"""The exit codes of the command line, and how a command ends with one."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, ParamSpec

import typer

from .output import echo

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

        try:
            code = run(*arguments, **options)
        except SetupError as error:
            for problem in error.problems or (Problem("", error.message),):
                echo(f"error: {problem}", err=True)
            code = CONFIGURATION
        except BrokenPipeError:
            # The reader of our output has closed it. Python would flush to it again at exit, and fail.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = OK
        raise typer.Exit(code)

    return command

"""The exit codes of the command line, and how a command ends with one."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any, ParamSpec

import typer

from .output import cannot_write, discard, prepare_output, say
from .shown import ColorOption, QuietOption, VerboseOption, When, set_shown

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


_OF_EVERY_COMMAND = {
    "quiet": (QuietOption, False),
    "verbose": (VerboseOption, False),
    "color": (ColorOption, When.AUTO),
}
"""The type and the default of each option that every command has."""


def exits(run: Callable[P, int]) -> Callable[P, None]:
    """Make a command of a function that returns an exit code. Each problem of a SetupError is printed on a line.

    The command has the options of every command, too.
    """

    @functools.wraps(run)
    def command(*arguments: P.args, **options: P.kwargs) -> None:
        from ...definitions import Problem, SetupError

        prepare_output()
        own: dict[str, Any] = {name: options.pop(name, default) for name, (_, default) in _OF_EVERY_COMMAND.items()}
        try:
            set_shown(**own)
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

    # Typer reads the options of a command from its signature.
    signature = inspect.signature(run, eval_str=True)
    own = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in _OF_EVERY_COMMAND.items()
    ]
    command.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *own])  # type: ignore[attr-defined]
    command.__annotations__ = {**run.__annotations__, **{name: kind for name, (kind, _) in _OF_EVERY_COMMAND.items()}}
    return command

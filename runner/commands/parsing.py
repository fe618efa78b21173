"""How a command line is parsed: help, version and shell completion read no value, so they need no pydantic.

Typer imports pydantic as soon as it reads the value of a parameter, even if that is None; it takes longer than all the
rest of `--help`. The types of contexts and completions are `Any` here, because typer keeps their names private.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

CONTEXT_SETTINGS = {"max_content_width": 120, "help_option_names": ["-h", "--help"]}


class Command(TyperCommand):
    """A command whose options are completed without a look at their values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, unless a shell only asks what may follow them."""
        return [] if ctx.resilient_parsing else super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what may follow."""
        return _without_help(super().shell_complete(ctx, incomplete))


class Group(TyperGroup):
    """A group whose own options are flags that have a value from the beginning: typer takes a bool as it is."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options. `--help` and those of completion would be None where they are not given."""
        params = super().get_params(ctx)
        for param in params:
            if isinstance(param, TyperOption) and param.is_flag and param.default is None:
                param.default = False
        return params

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what may follow."""
        return _without_help(super().shell_complete(ctx, incomplete))


def group(name: str, help_text: str) -> typer.Typer:
    """Return a group of commands, to which they are added."""
    return typer.Typer(
        name=name,
        cls=Group,
        no_args_is_help=True,
        add_completion=False,
        help=help_text,
        context_settings=CONTEXT_SETTINGS,
        # Plain help: markup would swallow text in brackets, such as a default.
        rich_markup_mode=None,
    )


def _without_help(items: list[Any]) -> list[Any]:
    """Return completions without their descriptions.

    Typer has rich format a description: that takes as long as all the rest, drops what is in brackets, and breaks
    lines, and fish takes each line for a completion.
    """
    for item in items:
        item.help = None
    return items

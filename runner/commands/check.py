"""The command `check`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import CONFIGURATION, CREDENTIALS, FAILED, OK, exits
from .options import BaseUrlOption, ConfigOption, DestinationOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...definitions import AnswerError, Destination, DestinationDefinition


@exits
def check(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    base_url: BaseUrlOption = None,
    live: Annotated[
        bool, typer.Option("--live", help="Also ask the destination whether it accepts the credentials.")
    ] = False,
) -> int:
    """Check the configuration.

    Lists all problems of settings, subscriptions and mappings at once. Probable mistakes, such as the
    findings of the definition lint (docs/lint.md), are warnings. Warnings do not change the exit code.
    """
    from ..configuration.configuration import Configuration

    configuration = Configuration(
        config, environment=os.environ, destination=destination, delivery={"base_url": base_url}
    )
    for finding in _findings(configuration.definition):
        typer.echo(f"warning: {finding}", err=True)
    ready = configuration.set_up()
    names = ", ".join(subscription.name for subscription in ready.compiled_subscriptions)
    typer.echo(f"{ready.definition.name}: settings are valid; subscriptions: {names or 'none'}")
    for warning in _warnings(ready):
        typer.echo(f"warning: {warning}", err=True)
    if not live:
        return OK
    import asyncio

    from ..session import check_credentials

    error = asyncio.run(check_credentials(ready, configuration.delivery))
    if error is None:
        typer.echo(f"{ready.definition.name} accepts the credentials")
        return OK
    typer.echo(f"error: {error}", err=True)
    return _exit_code(error)


def _findings(definition: DestinationDefinition) -> Iterator[str]:
    """Yield the findings of the lint, each with the section of the docs that explains it."""
    from ...definitions import lint

    for finding in lint(definition):
        yield f"{finding} (docs/lint.md#{finding.code.lower()})"


def _warnings(destination: Destination) -> Iterator[str]:
    """Yield probable mistakes in the subscriptions."""
    if not destination.compiled_subscriptions:
        yield "there is no enabled subscription, so every event will be skipped"
    for first, second in destination.overlaps():
        field = second.action.idempotency_field
        yield (
            f'"{first.name}" and "{second.name}" can both match one event and give it the same {field}: '
            f"{destination.definition.name} would keep the first usage event only, so the second will be rejected. "
            f"Map {field} differently in one of them, or make the triggers exclude each other"
        )


def _exit_code(error: AnswerError) -> int:
    from ...definitions import CredentialsError, RetryableError

    if isinstance(error, CredentialsError):
        return CREDENTIALS
    return FAILED if isinstance(error, RetryableError) else CONFIGURATION

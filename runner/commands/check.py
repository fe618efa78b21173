"""The command `check`: everything that can be known of a configuration before an event comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...definitions import AnswerError, CredentialsError, RetryableError, lint
from .deliver import transport
from .exit_codes import CONFIGURATION, CREDENTIALS, FAILED, OK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...definitions import Destination, DestinationDefinition
    from ..configuration.configuration import DeliveryOptions


def findings(definition: DestinationDefinition) -> Iterator[str]:
    """Tell what is probably not meant in a definition, each with the section of the docs that says more."""
    for finding in lint(definition):
        yield f"{finding} (docs/lint.md#{finding.code.lower()})"


def warnings(destination: Destination) -> Iterator[str]:
    """Tell what is allowed but probably not meant in the subscriptions."""
    if not destination.compiled_subscriptions:
        yield "there is no enabled subscription, so every event will be skipped"
    for first, second in destination.overlaps():
        field = second.action.idempotency_field
        yield (
            f'"{first.name}" and "{second.name}" can both match one event and give it the same {field}: '
            f"{destination.definition.name} would keep the first usage event only, so the second will be rejected. "
            f"Map {field} differently in one of them, or make the triggers exclude each other"
        )


def check_live(destination: Destination, options: DeliveryOptions) -> AnswerError | None:
    """Ask the destination whether it accepts the credentials; None when it does, or cannot be asked."""
    request = destination.authentication_request()
    if request is None:
        return None

    async def ask() -> AnswerError | None:
        async with transport(destination, options) as http:
            try:
                return destination.read_authentication(await http.send(request))
            except RetryableError as error:
                return error

    return asyncio.run(ask())


def exit_code(error: AnswerError | None) -> int:
    """Give the exit code of a live check."""
    if error is None:
        return OK
    if isinstance(error, CredentialsError):
        return CREDENTIALS
    return FAILED if isinstance(error, RetryableError) else CONFIGURATION

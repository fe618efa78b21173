"""What the status codes of a destination's answers mean, as a table; it is also printed in the docs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import StringConstraints

from ..errors import AnswerError, ConfigurationError, CredentialsError, RefusedError, RetryableError
from ..input_field import DefinitionModel

if TYPE_CHECKING:
    from collections.abc import Mapping

Meaning = Literal["delivered", "refused", "credentials", "configuration", "retryable"]
Statuses = Annotated[str, StringConstraints(pattern=r"^[1-5](?:xx|\d\d)$")]


class Answer(DefinitionModel):
    """A row of the table: some status codes, what they mean, and `description`, what that is with this destination.

    What happens then follows from the meaning. A status is a code (`404`) or a class of codes (`5xx`). A code beats
    a class, in any order. `json_only`: the partner's answer has a body of JSON or none, so another body is somebody
    else's, such as a proxy's page.
    """

    statuses: tuple[Statuses, ...]
    meaning: Meaning
    json_only: bool = False
    description: str = ""


SEGMENT_ANSWERS = (
    Answer(statuses=("2xx",), meaning="delivered"),
    Answer(statuses=("400", "409", "413", "422"), meaning="refused"),
    Answer(statuses=("401", "403"), meaning="credentials"),
    Answer(statuses=("3xx", "4xx"), meaning="configuration"),
    Answer(statuses=("408", "423", "425", "429", "5xx"), meaning="retryable"),
)
"""The table of a destination that declares none: Segment's own retry contract, with one difference.

Segment drops an event after any other 4xx. Most of these say nothing about the content (431, 410, 451), so they stop
the lane.
"""

ERRORS: Mapping[Meaning, type[AnswerError]] = {
    "refused": RefusedError,
    "credentials": CredentialsError,
    "configuration": ConfigurationError,
    "retryable": RetryableError,
}
"""The error of each meaning that is not welcome; its class is the retry decision."""

"""Every error of the framework. The class of an error is the retry decision.

DestinationError
├── DefinitionError             a text that somebody wrote cannot be compiled; correct it, then try again
│   ├── MappingError
│   ├── TriggerError
│   └── FieldsError
├── SetupError                  settings or subscriptions cannot be used; carries every problem at once
├── EventError                  this one event is at fault: never sent again as it is
│   ├── RejectedError           found here, before any request was made
│   │   └── UnreadableError     a text that holds no event
│   └── RefusedError            the destination refused the content
├── RetryableError              a temporary fault: send the same request again
└── StoppedError                sending anything more is pointless until a person acts; nothing is lost
    ├── CredentialsError
    ├── ConfigurationError
    └── UnexpectedAnswerError   an answer that is not documented says nothing about the content
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from .answers.retry_after import RetryAfter
from .text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, and what was expected there.

    `place` is a path such as `data.items[2].@if.then` or `timestamp`; empty for the whole. Both may quote texts from
    outside: what would not print in them is escaped.
    """

    place: str
    message: str

    def __post_init__(self) -> None:
        """Escape what would not print."""
        object.__setattr__(self, "place", visible(self.place))
        object.__setattr__(self, "message", visible(self.message))

    def __str__(self) -> str:
        """Read as a sentence that begins with its place."""
        return f"{self.place}: {self.message}" if self.place else self.message


class DestinationError(Exception):
    """The root of the tree; `problems` holds every finding when there is more than one."""

    def __init__(self, message: str, *, problems: Iterable[Problem] = ()) -> None:
        self.message = visible(message)
        super().__init__(self.message)
        self.problems = tuple(problems)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Self:
        """Make one error of everything that is wrong."""
        found = tuple(problems)
        return cls("; ".join(map(str, found)), problems=found)

    def __str__(self) -> str:
        """Return the message, which already names the problems."""
        return self.message


def release_frames(error: DestinationError) -> None:
    """Let an error that is kept hold no frames: they keep alive all that the code worked on, an event among it.

    The cause of an author's fault keeps its own.
    """
    error.__traceback__ = None
    error.__context__ = None


class DefinitionError(DestinationError):
    """A mapping, a trigger or a set of fields cannot be compiled."""


class MappingError(DefinitionError):
    """A mapping is not valid, or a directive met a value that it cannot work with."""


class TriggerError(DefinitionError):
    """A trigger (FQL) cannot be read; `position` is the offset of the fault in `source`."""

    def __init__(self, message: str, *, source: str, position: int) -> None:
        super().__init__(message)
        self.source = source
        self.position = position


class FieldsError(DefinitionError):
    """Field definitions contradict themselves, for instance by an unknown format."""


class SetupError(DestinationError):
    """A destination cannot be set up from these settings and subscriptions; `problems` lists them all."""


class EventError(DestinationError):
    """One event is at fault; the events beside it are not."""


class RejectedError(EventError):
    """An event cannot be sent: its mapping failed, or its payload is not valid."""


class UnreadableError(RejectedError):
    """A text is not an event."""


class AnswerError(DestinationError):
    """The meaning of an answer that is not a success; `status_code` is None if there was no answer."""

    def __init__(self, message: str, *, status_code: int | None = None, request_id: str | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.request_id = request_id


class RefusedError(AnswerError, EventError):
    """The destination refused the content of a request."""


class RetryableError(AnswerError):
    """A temporary fault; `retry_after` is the wait that the destination asks for, if it does."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        request_id: str | None = None,
        retry_after: RetryAfter | None = None,
    ) -> None:
        super().__init__(message, status_code=status_code, request_id=request_id)
        self.retry_after = retry_after or RetryAfter()


class StoppedError(AnswerError):
    """Sending must stop until a person acts."""


class CredentialsError(StoppedError):
    """The destination does not accept the credentials."""


class ConfigurationError(StoppedError):
    """The address or the configuration is wrong."""


class UnexpectedAnswerError(StoppedError):
    """The destination gave an answer that is not documented."""

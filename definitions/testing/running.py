"""One action run on one event, by the engine that also runs in production."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from ..destination import Destination
from ..errors import DestinationError, RejectedError
from ..planning.plan import PlannedRequest
from ..planning.subscription import Subscription
from ..sample_values import example_values
from ..shown_request import body_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..definition import DestinationDefinition
    from ..errors import Problem
    from ..planning.payload_list import Payload
    from ..planning.plan import Outcome


@dataclass(frozen=True)
class ActionRun:
    """What an action made of an event.

    - `outcome`: planned, skipped with the reason, or rejected.
    - `problems`: all that is wrong with the event, each with its field. What a manifest
      lacks, such as code, is not among them.
    - `payload`: the payload of the action's code, prepared and valid; None if the event was skipped or rejected.
    - `requests`: what is sent. An action of several requests makes one more for each of `answers`.
    - `destination`: the destination that ran, set up; its `redactor` masks the secrets.
    """

    destination: Destination
    action: str
    outcome: Outcome
    payload: Payload | None
    requests: tuple[httpx.Request, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the event."""
        holds_no_code = self.destination.definition.extend_request is None
        return () if holds_no_code and self.payload is not None else self.outcome.problems

    @property
    def request(self) -> httpx.Request:
        """The first request. Raises LookupError, with the reason, if there is none."""
        if not self.requests:
            raise LookupError(f"{self.action}: no request was made: {self.reason}")
        return self.requests[0]

    @property
    def body(self) -> Any:
        """The JSON of the first request; its text if it is not JSON, None if it is empty."""
        return body_of(self.request)

    @property
    def reason(self) -> str:
        """Why the event was skipped or rejected, in a sentence; empty if it was planned."""
        if self.outcome.status == "skipped":
            return self.outcome.detail or str(self.outcome.reason)
        return "; ".join(map(str, self.outcome.problems))


def run_action(
    definition: DestinationDefinition,
    action_key: str,
    event: Mapping[str, Any],
    *,
    settings: Mapping[str, Any] | None = None,
    mapping: Mapping[str, Any] | None = None,
    answers: Iterable[Any] = (),
) -> ActionRun:
    """Run an action on an event, under a subscription to events of its type.

    `mapping` takes the place of the action's defaults, field by field. Without `settings`, the required ones have
    example values. `answers` are what the partner answers to each request of an action of several, as JSON.
    """
    destination = ready(definition, action_key, str(event.get("type")), settings=settings, mapping=mapping)
    plan = destination.plan([event])
    return ActionRun(
        destination,
        action_key,
        plan.outcomes[0],
        _payload(destination, event) if plan.outcomes[0].status != "skipped" else None,
        tuple(exchanged(destination, plan.requests, answers)),
    )


def ready(
    definition: DestinationDefinition,
    action_key: str,
    event_type: str,
    *,
    settings: Mapping[str, Any] | None = None,
    mapping: Mapping[str, Any] | None = None,
) -> Destination:
    """Set up a destination with one subscription, for one action and one type of event. Raises SetupError."""
    subscription = Subscription(
        partner_action=action_key, subscribe=f'type = "{event_type}"', mapping=dict(mapping or {})
    )
    given = example_settings(definition) if settings is None else settings
    return Destination(definition, given, [subscription], is_example=True)


def example_settings(definition: DestinationDefinition) -> dict[str, Any]:
    """Make valid values for the settings that are required."""
    values = example_values(definition.settings, definition.slug, required_only=True)
    environments = definition.environments
    if environments is not None and environments.setting in values and environments.of(values) is None:
        # A key must belong to an environment; that of a test is never Live.
        values[environments.setting] = f"{environments.harmless.prefix}.{values[environments.setting]}"
    return values


def _payload(destination: Destination, event: Mapping[str, Any]) -> Payload | None:
    (subscription,) = destination.compiled_subscriptions
    try:
        return subscription.prepared_payload(event, event)
    except RejectedError:
        return None


def exchanged(
    destination: Destination, planned: Sequence[PlannedRequest], answers: Iterable[Any]
) -> Iterable[httpx.Request]:
    """Yield the requests of an action, each after the answer to the one before."""
    remaining = iter(answers)
    for first in planned:
        current: PlannedRequest | None = first
        while current is not None:
            yield current.request
            answer = next(remaining, _NO_ANSWER) if current.exchange is not None else _NO_ANSWER
            current = None if answer is _NO_ANSWER else _next(destination, current, answer)


def _next(destination: Destination, planned: PlannedRequest, answer: Any) -> PlannedRequest | None:
    response = httpx.Response(200, json=answer, request=planned.request)
    read = destination.read(planned, response)
    if isinstance(read, PlannedRequest):
        return read
    for result in read:
        if isinstance(result.error, DestinationError):
            raise result.error
    return None


_NO_ANSWER = object()

"""What a test suite is about: a destination with the settings, events and answers to test it with."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from ..errors import DestinationError
from ..sample_events import event_for
from ..sample_values import example_values
from .attempted_io import AttemptedIOError, attempts
from .running import ActionRun, ready, run_action

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from ..action import ActionDefinition
    from ..definition import DestinationDefinition
    from ..destination import Destination
    from ..planning.plan import Plan


@dataclass(frozen=True)
class Subject:
    """A destination, and how to run its actions; what cannot be run fails the test, with advice for the author."""

    definition: DestinationDefinition
    settings: Mapping[str, Any]
    events: Mapping[str, Mapping[str, Any]]
    answers: Mapping[str, Sequence[Any]]

    @property
    def short_name(self) -> str:
        """The slug, without the `actions-` that Segment puts before it."""
        return self.definition.slug.removeprefix("actions-")

    def fail(self, action_key: str, what: str, *lines: str) -> NoReturn:
        """Fail the test, without a traceback; the last of the lines is the advice."""
        place = f"{self.short_name} {action_key}".strip()
        *findings, advice = lines
        pytest.fail("\n  ".join((f"{place}: {what}", *findings)) + f"\n{advice}", pytrace=False)

    def run(self, action_key: str, given: Mapping[str, Any], mapping: Mapping[str, Any] | None = None) -> ActionRun:
        """Run an action on an event."""
        answers = self.answers.get(action_key, ())
        try:
            return run_action(
                self.definition, action_key, given, settings=self.settings, mapping=mapping, answers=answers
            )
        except DestinationError as error:
            self.fail(action_key, "cannot be set up or run:", str(error), "Fix the definition, or give the settings.")

    def authentication(self) -> tuple[Destination, httpx.Request | None]:
        """Return a destination and the request that tests its credentials."""
        key = next(iter(self.definition.actions))
        destination = ready(self.definition, key, "track", settings=self.settings)
        with attempts(reading=False) as found, suppress(AttemptedIOError):
            request = destination.authentication_request()
        if found:
            self.fail("", "the authentication test does no I/O, but it called:", *found, "Give back a request.")
        return destination, request

    def values(self, action_key: str, *, required_only: bool = False) -> dict[str, Any]:
        """Return example values for the fields of an action."""
        fields = self.action(action_key).fields
        return example_values(fields, f"{self.definition.slug}#{action_key}", required_only=required_only)

    def indispensable(self, action_key: str) -> dict[str, Any]:
        """Return values for the required fields without a default: every user must map them."""
        fields = self.action(action_key).fields
        values = self.values(action_key, required_only=True)
        return {
            key: value
            for key, value in values.items()
            if fields[key].required is True and fields[key].default is None and not fields[key].default_path_setting
        }

    def action(self, action_key: str) -> ActionDefinition:
        """Return an action."""
        return self.definition.actions[action_key]

    def full_event(self, action_key: str) -> Mapping[str, Any]:
        """Return the event that the action's default subscription is for."""
        if action_key in self.events:
            return self.events[action_key]
        return event_for(self.action(action_key).default_subscription or "")

    def bare_event(self, action_key: str) -> dict[str, Any]:
        """Return an event of the same type that holds nothing else."""
        return {"type": self.full_event(action_key)["type"]}

    def pair(self, action_key: str) -> tuple[Destination, list[dict[str, Any]]]:
        """Return a destination that takes every field from the event, and two events that may share a batch."""
        action = self.action(action_key)
        seed = f"{self.definition.slug}#{action_key}"
        first, second = example_values(action.fields, seed), example_values(action.fields, f"{seed}#2")
        # Two order keys may belong to two shards, which never share a batch.
        shared = (*action.batch_keys, *([action.order_field] if action.order_field is not None else []))
        second.update({key: first[key] for key in shared})
        mapping = {key: {"@path": f"$.properties.field_{number}"} for number, key in enumerate(first)}
        bare = self.bare_event(action_key)
        events = [
            {**bare, "properties": {f"field_{number}": value for number, value in enumerate(values.values())}}
            for values in (first, second)
        ]
        return ready(self.definition, action_key, bare["type"], settings=self.settings, mapping=mapping), events

    def only_request(self, action_key: str, plan: Plan, of: str) -> httpx.Request:
        """Return the request of a plan that should make one."""
        if len(plan.requests) != 1:
            reasons = dict.fromkeys(str(problem) for outcome in plan.turned_down for problem in outcome.problems)
            advice = "Look at its code, batch_keys, order_field and batch limits."
            self.fail(action_key, f"{of} should make one request, but made {len(plan.requests)}", *reasons, advice)
        return plan.requests[0].request


def has_authentication_test(definition: DestinationDefinition) -> bool:
    """Return whether a definition has a request that tests its credentials, and the code to build it."""
    return definition.authentication.test is not None and definition.extend_request is not None

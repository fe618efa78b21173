"""What is recorded of a destination: the requests of each action, and the one that tests the credentials."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..shown_request import shown_request
from .recorded import shown_requests, shown_run
from .running import exchanged
from .subject import has_authentication_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from .running import ActionRun
    from .subject import Subject

VARIANTS = ("required-fields", "all-fields", "default-mapping")
"""The variants of each action for one event: two with example values for its fields, and one with a full event."""


@dataclass(frozen=True)
class Recording:
    """A request, or several, to record: its action (empty: none), its variant, and what shows it."""

    action_key: str
    what: str
    show: Callable[[], Any]

    @property
    def name(self) -> str:
        """The name of its snapshot, after that of the destination."""
        return f"{self.action_key}-{self.what}" if self.action_key else self.what


def recordings(subject: Subject) -> dict[str, Recording]:
    """Return what is recorded, by name: of each action, and of the authentication test."""
    found = []
    for key, action in subject.definition.actions.items():
        found += [Recording(key, variant, partial(_shown_variant, subject, key, variant)) for variant in VARIANTS]
        if action.perform_batch is not None:
            found.append(Recording(key, "batch", partial(_shown_batch, subject, key)))
    if has_authentication_test(subject.definition):
        found.append(Recording("", "authentication", partial(_shown_authentication, subject)))
    return {recording.name: recording for recording in found}


def _shown_variant(subject: Subject, action_key: str, variant: str) -> Any:
    return shown_run(_run_variant(subject, action_key, variant))


def _shown_batch(subject: Subject, action_key: str) -> Any:
    destination, events = subject.pair(action_key)
    plan = destination.plan(events)
    subject.only_request(action_key, plan, "a batch of two events")
    requests = exchanged(destination, plan.requests, subject.answers.get(action_key, ()))
    return shown_requests(requests, destination.redactor)


def _shown_authentication(subject: Subject) -> Any:
    destination, request = subject.authentication()
    return None if request is None else shown_request(request, destination.redactor, all_headers=True)


def _run_variant(subject: Subject, action_key: str, variant: str) -> ActionRun:
    if variant == "default-mapping":
        run = subject.run(action_key, subject.full_event(action_key), subject.indispensable(action_key))
    else:
        values = subject.values(action_key, required_only=variant == "required-fields")
        run = subject.run(action_key, subject.bare_event(action_key), values)
    if run.payload is None or run.problems:
        advice = "Fix the action, or give the suite an event or settings with which it is valid."
        subject.fail(action_key, f"no request was made ({variant.replace('-', ' ')}):", run.reason, advice)
    return run

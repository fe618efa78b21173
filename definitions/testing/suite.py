"""The suite that every destination gets: what its author has promised by defining it, as tests."""

from __future__ import annotations

import copy
import json
from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from ..action import BatchData, EventData
from ..fields.findings import spell
from ..json_body import json_line
from ..lint import CODES, lint
from ..shown_request import body_of, shown_request
from .attempted_io import AttemptedIOError, attempts
from .batch_agreement import carried_events, disagreements
from .recorded import differences, shown_run, snapshot_folder
from .recordings import recordings
from .running import ActionRun, example_settings
from .subject import Subject, has_authentication_test

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    import httpx
    import pytest
    from syrupy.assertion import SnapshotAssertion

    from ..definition import DestinationDefinition

_NOWHERE = {"@path": "$.properties.__nowhere__"}
_WRONG: Mapping[str, Any] = {
    "boolean": "perhaps",
    "datetime": "no moment",
    "integer": "many",
    "number": "many",
    "object": "text",
    "password": {"wrong": 1},
    "string": {"wrong": 1},
    "text": {"wrong": 1},
    "text-map": "text",
}
"""For each type of field a value that cannot be read as one."""


def destination_suite(
    definition: DestinationDefinition,
    *,
    settings: Mapping[str, Any] | None = None,
    events: Mapping[str, Mapping[str, Any]] | None = None,
    answers: Mapping[str, Sequence[Any]] | None = None,
    events_of: Callable[[Any], Sequence[Any]] | None = None,
    accepted: Collection[str] = (),
) -> type[DestinationSuite]:
    """Make the test class of a destination, for a module in a folder such as `tests/`.

    One line is enough: `TestMeter = destination_suite(meter)`.

    - `settings`: settings to test with. By default the required ones have example values.
    - `events`: by action, a full event that its default mapping should be able to plan. By default, the one of
      Segment's six calls that the action's default subscription is for.
    - `answers`: by action, what the partner answers to its requests, as JSON; for an action of several requests.
    - `events_of`: finds the events in the body of a batch. By default, the outermost list that has as many items.
    - `accepted`: findings of the lint that are meant, as `KD201 actions.send.fields.account`.

    Snapshots go to the folder `snapshots/` beside that of the tests; `--snapshot-update` records them.
    """
    members: dict[str, Any] = {
        "__doc__": f"What {definition.name} promises.",
        "definition": definition,
        "settings": example_settings(definition) if settings is None else dict(settings),
        "events": dict(events or {}),
        "answers": dict(answers or {}),
        "accepted": frozenset(accepted),
    }
    if events_of is not None:
        members["events_of"] = lambda _, body: events_of(body)
    members.update(dict.fromkeys(_without_subject(definition)))
    return type("DestinationSuite", (DestinationSuite,), members)


def _without_subject(definition: DestinationDefinition) -> Iterator[str]:
    """Yield the names of the tests that have nothing to test in a destination."""
    actions = definition.actions.values()
    if not has_authentication_test(definition):
        yield "test_the_authentication_request_shows_no_secret_in_its_url"
    if all(action.perform_batch is None for action in actions):
        yield "test_a_batch_carries_what_its_events_would_carry_alone"
    if all(action.perform is None for action in actions):
        yield "test_code_changes_nothing_that_it_is_given"
    if not any(action.fields for action in actions):
        yield "test_a_value_of_the_wrong_type_is_rejected"
    if not any(field.required is True for action in actions for field in action.fields.values()):
        yield "test_an_event_without_a_required_field_is_rejected"


class DestinationSuite:
    """The tests of one destination; `destination_suite` makes a class of them, which may be extended."""

    definition: ClassVar[DestinationDefinition]
    settings: ClassVar[Mapping[str, Any]]
    events: ClassVar[Mapping[str, Mapping[str, Any]]]
    answers: ClassVar[Mapping[str, Sequence[Any]]]
    accepted: ClassVar[frozenset[str]]

    def events_of(self, body: Any) -> Sequence[Any] | None:
        """Return the two events in the body of a batch of two; None if they are not there."""
        return carried_events(body, 2)

    @classmethod
    def recordings(cls) -> Iterator[tuple[str, Any]]:
        """Yield what `--snapshot-update` records: the name of each snapshot, and what it shows."""
        suite = cls()
        for name, recording in recordings(suite._subject).items():
            yield suite._snapshot_name(name), recording.show()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Parametrise each test by its cases: actions, fields, codes."""
        names = [name for name in metafunc.fixturenames if name in {"code", "action_key", "recording", "field_key"}]
        if names:
            cases = list(self._cases(tuple(names), metafunc.function.__name__))
            metafunc.parametrize(names, cases, ids=["-".join(case) for case in cases])

    def _cases(self, names: tuple[str, ...], test: str) -> Iterator[tuple[str, ...]]:
        if names == ("code",):
            yield from ((code,) for code in CODES)
            return
        if names == ("recording",):
            yield from ((name,) for name in recordings(self._subject))
            return
        for key, action in self.definition.actions.items():
            if names == ("action_key",):
                if action.perform_batch is not None or "batch" not in test:
                    yield (key,)
            else:
                required_only = "required" in test
                yield from (
                    (key, name) for name, field in action.fields.items() if field.required is True or not required_only
                )

    def test_the_definition_has_no_finding(self, code: str) -> None:
        """Each code of the definition lint is a test: docs/lint.md has a section for it."""
        found = [finding for finding in lint(self.definition) if finding.code == code]
        found = [finding for finding in found if f"{code} {finding.place}" not in self.accepted]
        if found:
            advice = f"Fix it; docs/lint.md#{code.lower()} says how. If it is meant, let the suite accept it:"
            names = ", ".join(repr(f"{code} {finding.place}") for finding in found)
            self._subject.fail("", f"{CODES[code].lower()}:", *map(str, found), f"{advice} accepted=[{names}].")

    def test_what_is_sent_is_what_was_recorded(
        self, recording: str, request: pytest.FixtureRequest, readable_snapshot: SnapshotAssertion
    ) -> None:
        """Method, URL, headers and body, secrets masked; the payload if the definition holds no code.

        It is so for requests of one event, of a batch of two, and for the one that tests the credentials.
        """
        sent = recordings(self._subject)[recording]
        shown, name = sent.show(), self._snapshot_name(recording)
        path = snapshot_path(request.path, name)
        recorded = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        if readable_snapshot(name=name) == shown:
            return
        if recorded is None:
            self._subject.fail(
                sent.action_key, f"{path} is not there", "Record it with --snapshot-update, read it, and commit it."
            )
        self._subject.fail(
            sent.action_key,
            f"what is sent ({sent.what.replace('-', ' ')}) is not what {path} recorded:",
            *differences(recorded, shown),
            "Fix it; if it is meant, run with --snapshot-update and read the difference before you commit it.",
        )

    def test_the_default_mapping_plans_a_full_event(self, action_key: str) -> None:
        """What a user gets who maps only the required fields that have no default."""
        given = self._subject.full_event(action_key)
        run = self._subject.run(action_key, given, self._subject.indispensable(action_key))
        if run.payload is None:
            self._subject.fail(
                action_key,
                f"the default mapping makes no valid payload of a full {given['type']} event:",
                *(map(str, run.problems) if run.problems else (run.reason,)),
                f"Fix the defaults of these fields, or give destination_suite an event in events[{action_key!r}].",
            )

    def test_an_event_without_a_required_field_is_rejected(self, action_key: str, field_key: str) -> None:
        """It names the field, and nothing is sent."""
        mapping = {**self._subject.values(action_key), field_key: _NOWHERE}
        run = self._subject.run(action_key, self._subject.bare_event(action_key), mapping)
        self._expect_rejection(run, action_key, field_key, "is required, but an event without it")

    def test_a_value_of_the_wrong_type_is_rejected(self, action_key: str, field_key: str) -> None:
        """It names the field, and nothing is sent."""
        field = self.definition.actions[action_key].fields[field_key]
        wrong = {"@literal": [_WRONG[field.type]] if field.multiple else _WRONG[field.type]}
        run = self._subject.run(
            action_key, self._subject.bare_event(action_key), {**self._subject.values(action_key), field_key: wrong}
        )
        self._expect_rejection(run, action_key, field_key, f"is of type {field.type}, but {json_line(wrong)}")

    def test_a_batch_carries_what_its_events_would_carry_alone(self, action_key: str) -> None:
        """A batch of two events carries the same as two requests of one event."""
        destination, events = self._subject.pair(action_key)
        singles = [self._subject.only_request(action_key, destination.plan([one]), "one event") for one in events]
        batch = self._subject.only_request(action_key, destination.plan(events), "a batch of two events")
        self._expect_agreement(action_key, singles, batch)

    def test_code_changes_nothing_that_it_is_given(self, action_key: str) -> None:
        """Events, settings and payloads are shared with other subscriptions."""
        destination, events = self._subject.pair(action_key)
        (subscription,) = destination.compiled_subscriptions
        action, settings = subscription.action, destination.settings
        valid = [copy.deepcopy(subscription.valid_payload(one)) for one in events]
        prepared = [copy.deepcopy(subscription.prepared_payload(one, one)) for one in events]
        calls: list[tuple[str, Any, Callable[[], Any]]] = []
        if action.prepare is not None:
            alone = EventData(valid[0], settings, events[0])
            calls.append(("prepare", alone, lambda: action.prepare(alone)))  # type: ignore[misc]
        single = EventData(prepared[0], settings, events[0])
        calls.append(("perform", single, lambda: _started(action.perform, destination.request, single)))
        if action.perform_batch is not None:
            several = BatchData(prepared, settings, events)
            calls.append(
                ("perform_batch", several, lambda: _started(action.perform_batch, destination.request, several))
            )
        for name, data, call in calls:
            self._expect_unchanged(action_key, name, data, call)

    def test_planning_is_repeatable_and_does_no_io(self, action_key: str) -> None:
        """No socket, no file, no process; no clock and no chance either, as the second plan equals the first."""
        before, now = (
            self._shown_without_io(action_key, reading=False),
            self._shown_without_io(action_key, reading=True),
        )
        changes = list(differences(before, now))
        if changes:
            advice = "Take ids and times from the event: what is sent again must be the same."
            self._subject.fail(
                action_key, "the same event was planned twice and came out differently:", *changes, advice
            )

    def _shown_without_io(self, action_key: str, *, reading: bool) -> dict[str, Any]:
        """Plan an event, and two that may share a batch, and show what is sent."""
        with attempts(reading=reading) as found, suppress(AttemptedIOError):
            run = self._subject.run(action_key, self._subject.bare_event(action_key), self._subject.values(action_key))
            destination, events = self._subject.pair(action_key)
            requests = destination.plan(events).requests
        if found:
            advice = (
                "Build requests from the payload, the settings and the event alone; yield one to look something up."
            )
            self._subject.fail(
                action_key, "planning an event does no I/O, but it called:", *dict.fromkeys(found), advice
            )
        several = [shown_request(planned.request, destination.redactor, all_headers=True) for planned in requests]
        return {"one event": shown_run(run), "two events": several}

    def test_the_authentication_request_shows_no_secret_in_its_url(self) -> None:
        """Addresses end up in logs. Nothing is sent: the test builds a request, and the runner sends it."""
        destination, request = self._subject.authentication()
        url = "" if request is None else str(request.url)
        if destination.redactor.text(url) != url:
            advice = "Send the secret in a header."
            self._subject.fail(
                "", f"the authentication test has a secret in its URL: {destination.redactor.text(url)}", advice
            )

    @property
    def _subject(self) -> Subject:
        return Subject(self.definition, self.settings, self.events, self.answers)

    def _snapshot_name(self, recording: str) -> str:
        return f"{self._subject.short_name}-{recording}"

    def _expect_agreement(self, action_key: str, singles: Sequence[httpx.Request], batch: httpx.Request) -> None:
        carried = self.events_of(body_of(batch))
        if carried is None or len(carried) != len(singles):
            advice = "Send every event, or pass events_of to destination_suite to say where they are."
            self._subject.fail(action_key, "the body of a batch of two events does not hold two events", advice)
        found = list(disagreements([body_of(single) for single in singles], carried))
        found += [
            f"headers.{difference}"
            for difference in differences(_comparable_headers(singles[0]), _comparable_headers(batch))
        ]
        if found:
            advice = "Let perform and perform_batch send the same of each event, by the same headers."
            self._subject.fail(action_key, "perform and perform_batch disagree:", *found, advice)

    def _expect_rejection(self, run: ActionRun, action_key: str, field_key: str, what: str) -> None:
        place = spell((None, field_key))
        if any(
            problem.place == place or problem.place.startswith((f"{place}.", f"{place}[")) for problem in run.problems
        ):
            return
        became = f"was rejected without naming it ({run.reason})" if run.problems else "was planned"
        self._subject.fail(action_key, f"{field_key} {what} {became}", f"Look at the definition of {field_key}.")

    def _expect_unchanged(
        self, action_key: str, name: str, data: EventData | BatchData, call: Callable[[], Any]
    ) -> None:
        before = copy.deepcopy(_given(data))
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever an author's code may raise
            self._subject.fail(action_key, f"{name} failed: {type(error).__name__}: {error}", "Fix it.")
        changes = list(differences(before, _given(data)))
        if changes:
            advice = f"Let {name} build new values; what it is given is shared with other subscriptions."
            self._subject.fail(action_key, f"{name} changed what it was given:", *changes, advice)


def snapshot_path(test_file: Any, name: str) -> Any:
    """Name the file of a snapshot."""
    return snapshot_folder(test_file) / f"{name}.json"


def _started(function: Callable[..., Any] | None, *arguments: Any) -> Any:
    """Run an action's code as far as its first request."""
    made = None if function is None else function(*arguments)
    return next(made) if isinstance(made, Generator) else made


def _given(data: EventData | BatchData) -> dict[str, Any]:
    if isinstance(data, EventData):
        return {"payload": data.payload, "settings": dict(data.settings), "event": data.event}
    return {"payloads": list(data.payloads), "settings": dict(data.settings), "events": list(data.events)}


def _comparable_headers(request: httpx.Request) -> dict[str, str]:
    """Return the headers that do not follow from the size of the body, without values, which may be secret."""
    return {name: "" for name in request.headers if name != "content-length"}

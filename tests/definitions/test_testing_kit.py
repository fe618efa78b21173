"""The kit for authors: its suite is green on a good destination, and red on each fault, by a message that names it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.definitions import testing
from kable_destination.definitions.testing import AnyRfc3339, AnyText, AnyUuid, event, example_values, run_action
from kable_destination.destination import kable
from ledger_destination import ledger
from meter_destination import meter
from tally_destination import tally

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = '''
"""A destination as an author writes it."""

import socket

from kable_destination.definitions import (
    ActionDefinition,
    Authentication,
    BatchLimits,
    DestinationDefinition,
    InputField,
    Preset,
    RequestOptions,
)


def perform(request, data):
    return request("POST", "/one", json=data.payload)


def perform_batch(request, data):
    return request("POST", "/many", json={"items": data.payloads})


def authenticate(request, settings):
    return request("GET", "/me")


send = ActionDefinition(
    title="Send",
    description="Sends an event.",
    default_subscription='type = "track"',
    fields={
        "name": InputField(
            label="Name", description="What happened.", type="string", required=True, default={"@path": "$.event"}
        ),
        "units": InputField(
            label="Units", description="How much.", type="number", default={"@path": "$.properties.units"}
        ),
    },
    batch=BatchLimits(events=100, bytes=100_000),
    perform=perform,
    perform_batch=perform_batch,
)

abacus = DestinationDefinition(
    name="Abacus",
    slug="actions-abacus",
    description="Counts.",
    settings={"apiKey": InputField(label="API Key", description="The key.", type="password", required=True)},
    authentication=Authentication(fields=("apiKey",), test=authenticate),
    extend_request=lambda settings: RequestOptions(
        "https://abacus.example", headers={"Authorization": f"Bearer {settings['apiKey']}", "X-Version": "2"}
    ),
    actions={"send": send},
    presets=(Preset(name="All", partner_action="send", subscribe='type = "track"'),),
)
'''
SUITE = """
from abacus import abacus
from kable_destination.definitions.testing import destination_suite

TestAbacus = destination_suite(abacus)
"""
SETTINGS = '[tool.pytest.ini_options]\npythonpath = ["."]\nfilterwarnings = ["error"]\n'


def run_suite(folder: Path, *options: str, tests: str = "tests") -> subprocess.CompletedProcess[str]:
    """Run the tests of an author, as the author would."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "KABLE_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, tests],
        cwd=folder,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of an author whose snapshots are recorded."""
    folder = tmp_path_factory.mktemp("abacus")
    (folder / "tests").mkdir()
    (folder / "abacus.py").write_text(PLUGIN, encoding="utf-8")
    (folder / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "tests" / "test_abacus.py").write_text(SUITE, encoding="utf-8")
    unrecorded = run_suite(folder)
    assert "abacus-send-all-fields.json is not there" in unrecorded.stdout
    assert "--snapshot-update" in unrecorded.stdout
    done = run_suite(folder, "--snapshot-update")
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def project(recorded: Path, tmp_path: Path) -> Path:
    """A copy of it, to change."""
    shutil.copytree(recorded, tmp_path / "project")
    return tmp_path / "project"


def test_a_good_destination_passes_with_warnings_as_errors(project: Path) -> None:
    done = run_suite(project)
    assert done.returncode == 0, done.stdout
    assert {path.name for path in (project / "snapshots").iterdir()} == {
        "abacus-authentication.json",
        *(f"abacus-send-{what}.json" for what in ("required-fields", "all-fields", "default-mapping", "batch")),
    }
    assert all("••••••••" in path.read_text(encoding="utf-8") for path in (project / "snapshots").iterdir())


BUILD = 'return request("POST", "/one", json=data.payload)'
FAULTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "a required mapping is removed": (
        'required=True, default={"@path": "$.event"}',
        "required=True",
        ("KD201 actions.send.fields.name: is required and has no default", "body.name: was"),
    ),
    "a default is misspelt": (
        "$.properties.units",
        "$.propertes.units",
        ("KD203 actions.send.fields.units.default", 'did you mean "properties"?', "body.units: is gone; it was 7"),
    ),
    "a default leads nowhere": (
        "$.event",
        "$.properties.evnt",
        ("abacus send: the default mapping makes no valid payload of a full track event:", "name: Name is required"),
    ),
    "a default of an optional field leads nowhere": (
        "$.properties.units",
        "$.properties.unit",
        ("abacus send: what is sent (default mapping) is not what", "body.units: is gone; it was 7"),
    ),
    "a default does not compile": (
        '{"@path": "$.properties.units"}',
        '{"@pth": "$.properties.units"}',
        ("KD202 actions.send.fields.units.default", "abacus send: cannot be set up or run:", "did you mean @path?"),
    ),
    "a header is dropped": (
        ', "X-Version": "2"',
        "",
        ("abacus send: what is sent (required fields) is not what", 'headers.x-version: is gone; it was "2"'),
    ),
    "a body is changed": (
        BUILD,
        'return request("POST", "/one", json={**data.payload, "units": "many"})',
        ("abacus send: what is sent (all fields) is not what", "body.units: was", 'is now "many"'),
    ),
    "the address is changed": ('"/one"', '"/two"', ('url: was "https://abacus.example/one", is now',)),
    "a batch carries less": (
        '{"items": data.payloads}',
        '{"items": [{"name": payload["name"]} for payload in data.payloads]}',
        ("abacus send: perform and perform_batch disagree:", "event 1: perform sends {"),
    ),
    "a batch turns the order round": (
        '{"items": data.payloads}',
        '{"items": list(data.payloads)[::-1]}',
        ("abacus send: perform and perform_batch disagree:", "event 2: perform sends {"),
    ),
    "a batch leaves an event out": (
        '{"items": data.payloads}',
        '{"items": list(data.payloads)[:1]}',
        ("abacus send: the body of a batch of two events does not hold two events",),
    ),
    "a batch goes elsewhere": (
        '"/many"',
        '"/all"',
        ("abacus send: what is sent (batch) is not what", 'url: was "https://abacus.example/many", is now'),
    ),
    "a batch has another envelope": (
        '{"items": data.payloads}',
        '{"events": data.payloads}',
        ("abacus send: what is sent (batch) is not what", "body.items: is gone", "body.events: is new"),
    ),
    "a batch has a header of another value": (
        'json={"items": data.payloads}',
        'json={"items": data.payloads}, headers={"X-Version": "3"}',
        ("abacus send: what is sent (batch) is not what", 'headers.x-version: was "2", is now "3"'),
    ),
    "the authentication test goes elsewhere": (
        '"/me"',
        '"/you"',
        ("abacus: what is sent (authentication) is not what", 'url: was "https://abacus.example/me", is now'),
    ),
    "a payload is changed": (
        BUILD,
        f'data.payload["seen"] = True; {BUILD}',
        ("abacus send: perform changed what it was given:", "payload.seen: is new: true"),
    ),
    "an event is changed": (
        BUILD,
        f'data.event["seen"] = True; {BUILD}',
        ("abacus send: perform changed what it was given:", "event.seen: is new: true"),
    ),
    "a socket is opened": (
        BUILD,
        f'socket.create_connection(("127.0.0.1", 9)); {BUILD}',
        ("abacus send: planning an event does no I/O, but it called:", "socket.getaddrinfo(127.0.0.1, 9"),
    ),
    "a socket is opened and the error swallowed": (
        BUILD,
        f"""
    try:
        socket.socket()
    except Exception:
        pass
    {BUILD}""",
        ("abacus send: planning an event does no I/O, but it called:", "socket.__new__("),
    ),
    "a batch opens a socket": (
        'return request("POST", "/many"',
        'socket.socket(); return request("POST", "/many"',
        ("abacus send: planning an event does no I/O, but it called:", "socket.__new__("),
    ),
    "the authentication test sends something itself": (
        'return request("GET", "/me")',
        'socket.socket(); return request("GET", "/me")',
        ("abacus: the authentication test does no I/O, but it called:", "socket.__new__("),
    ),
    "a batch fails": (
        '{"items": data.payloads}',
        '{"items": data.payloads[0]["nothing"]}',
        ("abacus send: a batch of two events should make one request, but made 2", "perform_batch failed: KeyError"),
    ),
    "a file is read": (BUILD, f"open(__file__).close(); {BUILD}", ("but it called:", "open(", "abacus.py")),
    "a process is started": (BUILD, f'__import__("os").system("true"); {BUILD}', ("but it called:", "os.system(")),
    "an id is made by chance": (
        BUILD,
        'return request("POST", "/one", json={**data.payload, "id": str(__import__("uuid").uuid4())})',
        ("abacus send: the same event was planned twice and came out differently:", "body.id: was"),
    ),
    "the authentication test shows the key": (
        'request("GET", "/me")',
        'request("GET", "/me", params={"key": settings["apiKey"]})',
        ("abacus: the authentication test has a secret in its URL: https://abacus.example/me?key=••••••••",),
    ),
    "a secret is not a password": (
        'type="password"',
        'type="string"',
        ("KD204 settings.apiKey: looks like a secret but is of type string",),
    ),
    "a description is missing": ('description="How much.", ', "", ("KD102 actions.send.fields.units.description",)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_turns_the_suite_red_by_a_message_that_names_it(project: Path, fault: str) -> None:
    before, after, messages = FAULTS[fault]
    assert before in PLUGIN
    (project / "abacus.py").write_text(PLUGIN.replace(before, after), encoding="utf-8")
    done = run_suite(project)
    assert done.returncode == 1, done.stdout
    for message in messages:
        assert message in done.stdout


def test_a_finding_that_is_meant_can_be_accepted(project: Path) -> None:
    (project / "abacus.py").write_text(PLUGIN.replace('description="How much.", ', ""), encoding="utf-8")
    accepting = SUITE.replace("(abacus)", '(abacus, accepted=["KD102 actions.send.fields.units.description"])')
    (project / "tests" / "test_abacus.py").write_text(accepting, encoding="utf-8")
    done = run_suite(project)
    assert done.returncode == 0, done.stdout


def test_an_author_tells_where_the_events_of_a_batch_are(project: Path) -> None:
    odd = PLUGIN.replace('{"items": data.payloads}', '{"flags": [1, 2], "items": data.payloads}')
    (project / "abacus.py").write_text(odd, encoding="utf-8")
    assert "perform and perform_batch disagree" in run_suite(project).stdout
    telling = SUITE.replace("(abacus)", '(abacus, events_of=lambda body: body["items"])')
    (project / "tests" / "test_abacus.py").write_text(telling, encoding="utf-8")
    done = run_suite(project, "--snapshot-update")
    assert done.returncode == 0, done.stdout
    assert "1 snapshot updated" in done.stdout


def test_updating_one_suite_leaves_the_snapshots_of_another(project: Path) -> None:
    other = SUITE.replace("destination_suite(abacus)", 'destination_suite(abacus.model_copy(update={"slug": "other"}))')
    (project / "tests" / "test_other.py").write_text(other, encoding="utf-8")
    assert run_suite(project, "--snapshot-update").returncode == 0
    assert run_suite(project, "--snapshot-update", "-k", "test_other").returncode == 0
    assert run_suite(project, "--snapshot-update", tests="tests/test_other.py").returncode == 0
    assert len(list((project / "snapshots").iterdir())) == 10


def test_the_public_names_are_sorted_and_there() -> None:
    assert testing.__all__ == sorted(testing.__all__, key=lambda name: (not name[0].isupper(), name))
    assert all(hasattr(testing, name) for name in testing.__all__)


@pytest.mark.parametrize("call", ["track", "identify", "page", "screen", "group", "alias"])
def test_an_event_is_full_and_the_same_every_time(call: Any) -> None:
    made = event(call)
    assert made == event(call)
    assert made is not event(call)
    assert made["type"] == call
    assert {"messageId", "timestamp", "userId", "anonymousId", "context", "integrations"} <= made.keys()
    assert made["timestamp"] == AnyRfc3339()


def test_changes_are_merged_into_an_event() -> None:
    made = event("track", event="Called", userId=None, properties={"units": 3, "products": []})
    assert (made["event"], "userId" in made) == ("Called", False)
    assert made["properties"] == {**event("track")["properties"], "units": 3, "products": []}
    assert event("track")["properties"]["units"] == 7


def test_an_unknown_call_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(ValueError, match='there is no call "trak"; did you mean "track"'):
        event("trak")  # type: ignore[arg-type]


def test_an_action_runs_on_an_event_with_its_defaults() -> None:
    run = run_action(meter, "send", event("track", properties={"units": "3"}))
    assert (run.outcome.status, run.problems) == ("planned", ())
    assert run.payload == {"name": "Order Completed", "region": "eu", "units": 3}
    assert (run.request.method, str(run.request.url)) == ("PUT", "https://meter.example/one")
    assert run.body == {"item": run.payload}


def test_an_action_runs_with_a_mapping_and_settings_of_its_own() -> None:
    settings = {"apiKey": "sk_test.key-of-nobody", "kableClientId": "kci_1"}
    run = run_action(kable, "track", event(), settings=settings, mapping={"clientId": "c"})
    assert run.request.url.host == "test.kable.io"
    assert run.body["clientId"] == "c"


def test_a_rejected_event_tells_its_problems_and_has_no_request() -> None:
    run = run_action(kable, "track", event(userId=None))
    assert [problem.place for problem in run.problems] == ["clientId"]
    assert run.payload is None
    with pytest.raises(LookupError, match="track: no request was made: clientId: "):
        _ = run.request


def test_an_event_for_other_destinations_is_skipped() -> None:
    run = run_action(kable, "track", event(integrations={"All": False}))
    assert (run.outcome.status, run.outcome.reason, run.payload) == ("skipped", "integrations", None)


def test_an_action_of_several_requests_makes_one_for_each_answer() -> None:
    run = run_action(ledger, "record", event(), answers=[{"account": "acc_1"}])
    assert [(request.method, request.url.path) for request in run.requests] == [
        ("GET", "/accounts"),
        ("POST", "/accounts/acc_1/entries"),
    ]


def test_a_manifest_shows_its_payload_and_no_request() -> None:
    run = run_action(tally, "send", event())
    assert (run.payload, run.requests, run.problems) == ({"name": "Order Completed", "units": 7}, (), ())


@pytest.mark.parametrize("definition", [kable, meter, ledger, tally], ids=lambda one: one.name)
def test_example_values_are_valid_and_the_same_every_time(definition: Any) -> None:
    values = example_values(definition.settings, definition.slug)
    assert values == example_values(definition.settings, definition.slug)
    for key, action in definition.actions.items():
        assert run_action(definition, key, event(), mapping=example_values(action.fields, key)).problems == ()


def test_matchers_are_equal_to_any_value_of_their_kind() -> None:
    known = uuid.uuid4()
    assert {"id": str(known), "at": "2026-03-04T05:06:07.89+01:00"} == {"id": AnyUuid(), "at": AnyRfc3339()}
    assert known == AnyUuid(4)
    assert str(known) != AnyUuid(7)
    assert known.hex != AnyUuid()
    assert AnyRfc3339() not in ("2026-03-04", "2026-02-30T00:00:00Z", 5, None)
    assert AnyText(r"evt_\d+") == "evt_17"
    assert AnyText(r"evt_\d+") != "evt_17x"
    assert [repr(one) for one in (AnyUuid(), AnyUuid(4), AnyRfc3339(), AnyText("a"))] == [
        "AnyUuid()", "AnyUuid(4)", "AnyRfc3339()", "AnyText('a')",
    ]  # fmt: skip


def test_the_kit_is_not_imported_before_it_is_asked_for() -> None:
    """Pytest loads the plugin in every environment that has this package."""
    text = "import kable_destination.pytest_plugin, sys; print([n for n in sys.modules if n.startswith('kable_')])"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['kable_destination', 'kable_destination.pytest_plugin']"


REMEDY = "pip install 'kable-destination[testing]'"


def test_without_pytest_the_import_tells_the_remedy() -> None:
    text = (
        "import importlib.util as util; known = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'pytest' else known(name, *more)\n"
        "import kable_destination.definitions.testing"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert f"ImportError: kable_destination.definitions.testing needs pytest and syrupy: {REMEDY}" in done.stderr


def test_without_syrupy_the_snapshots_tell_the_remedy_and_all_else_works(project: Path) -> None:
    done = run_suite(project, "-p", "no:syrupy")
    assert f"snapshots need syrupy: {REMEDY}" in done.stdout
    assert "5 errors" in done.stdout
    assert "failed" not in done.stdout


def test_a_snapshot_writes_matchers_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(
        "from kable_destination.definitions.testing import AnyUuid\n"
        "def test_it(readable_snapshot):\n"
        '    assert {"id": AnyUuid()} == readable_snapshot(name="it")\n',
        encoding="utf-8",
    )
    done = run_suite(tmp_path, "--snapshot-update", "-W", "error")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "snapshots" / "it.json").read_text(encoding="utf-8") == '{\n  "id": "AnyUuid()"\n}\n'

"""The suite for authors is green on a good destination, and red on each fault, by a message that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from author_project import PLUGIN, SUITE

if TYPE_CHECKING:
    from pathlib import Path

    from author_project import AuthorSuite

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


def test_a_good_destination_passes_with_warnings_as_errors(project: Path, run_suite: AuthorSuite) -> None:
    done = run_suite(project)
    assert done.returncode == 0, done.stdout
    assert {path.name for path in (project / "snapshots").iterdir()} == {
        "abacus-authentication.json",
        *(f"abacus-send-{what}.json" for what in ("required-fields", "all-fields", "default-mapping", "batch")),
    }
    assert all("••••••••" in path.read_text(encoding="utf-8") for path in (project / "snapshots").iterdir())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_turns_the_suite_red_by_a_message_that_names_it(
    project: Path, run_suite: AuthorSuite, fault: str
) -> None:
    before, after, messages = FAULTS[fault]
    assert before in PLUGIN
    (project / "abacus.py").write_text(PLUGIN.replace(before, after), encoding="utf-8")
    done = run_suite(project)
    assert done.returncode == 1, done.stdout
    for message in messages:
        assert message in done.stdout


def test_a_finding_that_is_meant_can_be_accepted(project: Path, run_suite: AuthorSuite) -> None:
    (project / "abacus.py").write_text(PLUGIN.replace('description="How much.", ', ""), encoding="utf-8")
    accepting = SUITE.replace("(abacus)", '(abacus, accepted=["KD102 actions.send.fields.units.description"])')
    (project / "tests" / "test_abacus.py").write_text(accepting, encoding="utf-8")
    done = run_suite(project)
    assert done.returncode == 0, done.stdout


def test_an_author_tells_where_the_events_of_a_batch_are(project: Path, run_suite: AuthorSuite) -> None:
    odd = PLUGIN.replace('{"items": data.payloads}', '{"flags": [1, 2], "items": data.payloads}')
    (project / "abacus.py").write_text(odd, encoding="utf-8")
    assert "perform and perform_batch disagree" in run_suite(project).stdout
    telling = SUITE.replace("(abacus)", '(abacus, events_of=lambda body: body["items"])')
    (project / "tests" / "test_abacus.py").write_text(telling, encoding="utf-8")
    done = run_suite(project, "--snapshot-update")
    assert done.returncode == 0, done.stdout
    assert "1 snapshot updated" in done.stdout


def test_updating_one_suite_leaves_the_snapshots_of_another(project: Path, run_suite: AuthorSuite) -> None:
    other = SUITE.replace("destination_suite(abacus)", 'destination_suite(abacus.model_copy(update={"slug": "other"}))')
    (project / "tests" / "test_other.py").write_text(other, encoding="utf-8")
    assert run_suite(project, "--snapshot-update").returncode == 0
    assert run_suite(project, "--snapshot-update", "-k", "test_other").returncode == 0
    assert run_suite(project, "--snapshot-update", tests="tests/test_other.py").returncode == 0
    assert len(list((project / "snapshots").iterdir())) == 10

"""Live or Test: nothing is sent to real customers unless somebody has said that this is meant.

Live means a host that is not this machine, so a proxy on this machine stands in the way and refuses every connection:
what it is asked for is what would have been sent.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from command_line import CLIENT_ID
from command_tree import every_command
from raw_server import raw_server
from segment_events import ndjson, track
from source_tree import SourceTree
from terminal import CTRL_C, CTRL_D, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

ROOT = Path(__file__).parents[2]
KEY = "sk_live.of-nobody-S3cret"
REFUSED = (
    "error: Kable Live (live.kable.io) bills real customers, and you have not allowed it; use --live, set "
    "KABLE_LIVE=1, or write live = true under [delivery]\n"
)
QUESTION = "Bill real customers at live.kable.io? [y/N]"

SENDING = {
    "deliver": ("events.ndjson",),
    "dead-letters replay": (),
    "audience sync": ("--name", "Buyers", "members.txt"),
}
"""Commands that send events, with what they need. One that is new here must be refused without intent."""

NOT_SENDING = {
    "init": ("--force",),
    "status": (),
    "preview": ("event.json",),
    "bill": ("events.ndjson",),
    "snapshot": ("--events", "events.ndjson", "--dir", "snapshot"),
    "check": (),
    "doctor": (),
    "destinations": (),
    "config-schema": (),
    "new": ("acme",),
    "docs": (),
    "page": ("--port", "-1"),
    "sandbox": ("--port", "-1"),
    "dead-letters list": (),
    "dead-letters show": ("1",),
    "dead-letters export": ("fix.ndjson",),
    "dead-letters discard": ("--all",),
    "audience list": (),
    "audience show": ("Buyers",),
    "audience preview": ("--name", "Buyers", "members.txt"),
    "audience rename": ("Buyers", "Sellers"),
    "audience remove": ("Buyers",),
    "outbox backup": ("copy.sqlite",),
    "outbox copy": ("outbox.sqlite", "sqlite:copied.sqlite"),
    "outbox erase": ("--customer", "acme", "--yes"),
}
"""All others. `doctor` and `check --credentials` ask about the credentials, which bills nothing."""

ENDLESS = {"serve": ("--port", "0"), "work": ()}
"""Commands that run until they are ended. Without intent they start, and send nothing for a live account."""


class Blocked:
    """The way to Live, on which a proxy refuses everything and remembers what it was asked for."""

    def __init__(self, command_line: CommandLine, port: int, heads: list[bytes]) -> None:
        self.command_line = command_line
        self.heads = heads
        proxy = {"HTTPS_PROXY": f"http://127.0.0.1:{port}", "NO_PROXY": "", "no_proxy": ""}
        command_line.environment.update({**proxy, "KABLE_API_KEY": KEY})

    @property
    def was_asked(self) -> bool:
        """Whether anything was going to be sent since this was asked before."""
        found = [head for head in self.heads if head.startswith(b"CONNECT live.kable.io:443 ")]
        assert len(found) == len(self.heads)
        self.heads.clear()
        return bool(found)


@pytest.fixture
def live(command_line: CommandLine) -> Iterator[Blocked]:
    """A live key, and events to send."""
    (command_line.folder / "events.ndjson").write_bytes(ndjson(track(1)))
    (command_line.folder / "event.json").write_bytes(ndjson(track(1)))
    (command_line.folder / "members.txt").write_bytes(b"u1\n")
    with raw_server(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") as (port, heads):
        yield Blocked(command_line, port, heads)


def test_every_command_is_known_to_send_or_not() -> None:
    assert {*SENDING, *NOT_SENDING, *ENDLESS} == every_command().keys()


@pytest.mark.parametrize("path", ENDLESS)
def test_an_endless_command_sends_what_is_queued_only_with_intent(live: Blocked, path: str) -> None:
    command_line = live.command_line
    (command_line.folder / "kable.toml").write_text('[service.writeKeys]\nwk = "default"\n', encoding="utf-8")
    # The way to Live is blocked, so the event stays queued, as after a reload that has forbidden Live.
    assert command_line("deliver", "events.ndjson", "--live", "--wait", "0").code != 0
    assert live.was_asked
    for intent in ((), ("--live",)):
        with command_line.start(path, "--config", "kable.toml", *ENDLESS[path], *intent) as process:
            assert process.stdout is not None
            process.stdout.readline()
            while intent and not live.heads:
                assert process.poll() is None
            process.terminate()
            assert process.wait(timeout=60) == 0
        assert live.was_asked == bool(intent)


@pytest.mark.parametrize("path", SENDING)
def test_without_intent_a_command_that_sends_is_refused_before_anything_is_accepted(live: Blocked, path: str) -> None:
    command_line = live.command_line
    if path != "deliver":
        # A dead letter to replay.
        assert command_line("deliver", "-", "--base-url", "http://127.0.0.1:1", stdin=b"{oops").code == 1
    before = sorted(item.name for item in command_line.folder.iterdir())
    run = command_line(*path.split(), *SENDING[path])
    assert (run.code, run.out, run.err) == (2, "", REFUSED)
    assert sorted(item.name for item in command_line.folder.iterdir()) == before
    assert not live.was_asked


@pytest.mark.parametrize("path", NOT_SENDING)
def test_no_other_command_sends(live: Blocked, path: str) -> None:
    run = live.command_line(*path.split(), *NOT_SENDING[path])
    assert "Traceback" not in run.err
    assert live.was_asked == (path == "doctor")


def test_only_a_session_can_deliver() -> None:
    """Whatever sends events goes through `open_session`, which asks for intent."""
    tree = SourceTree(ROOT, ("definitions", "actions", "destination", "runner"))
    made = {
        (name, node.func.id)
        for name, syntax in tree.syntax.items()
        for node in ast.walk(syntax)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in {"Delivery", "Dispatcher", "Sender", "HttpTransport"}
    }
    assert made == {
        ("runner.session", "Delivery"),
        ("runner.session", "HttpTransport"),
        ("runner.delivery.delivery", "Dispatcher"),
        ("runner.delivery.delivery", "Sender"),
        # For the service, which begins no delivery of a live account without intent.
        ("runner.delivery.account_delivery", "Dispatcher"),
        ("runner.delivery.account_delivery", "Sender"),
        ("runner.doctor.network", "HttpTransport"),
    }


@pytest.mark.parametrize(
    ("options", "file", "variables"),
    [
        (("--live",), "", {}),
        ((), "", {"KABLE_LIVE": "1"}),
        ((), "", {"KABLE_LIVE": "true"}),
        ((), "[delivery]\nlive = true\n", {}),
    ],
)
def test_each_way_to_say_so_lets_it_be_sent(
    live: Blocked, options: tuple[str, ...], file: str, variables: dict[str, str]
) -> None:
    (live.command_line.folder / "kable.toml").write_text(file, encoding="utf-8")
    run = live.command_line("deliver", "events.ndjson", "--config", "kable.toml", *options, stdin=b"", **variables)
    assert run.out.startswith("delivering to Kable Live (live.kable.io): real customers are billed\n")
    assert "the proxy on the way to live.kable.io answered 403" in run.err
    assert live.was_asked


@pytest.mark.parametrize("variable", ["0", "false"])
def test_the_environment_can_take_it_back(live: Blocked, variable: str) -> None:
    (live.command_line.folder / "kable.toml").write_text("[delivery]\nlive = true\n", encoding="utf-8")
    run = live.command_line("deliver", "events.ndjson", "--config", "kable.toml", KABLE_LIVE=variable)
    assert (run.code, run.err) == (2, REFUSED)
    assert not live.was_asked


def test_yes_in_a_terminal_is_remembered_for_that_account(live: Blocked) -> None:
    with terminal(live.command_line, "deliver", "events.ndjson") as shown:
        shown.wait_for(QUESTION)
        shown.type("y\n")
        assert shown.end() == 2
    assert "delivering to Kable Live (live.kable.io)" in shown.shown
    assert live.was_asked
    with terminal(live.command_line, "deliver") as again:
        assert again.end() == 2
    assert QUESTION not in again.shown
    assert live.was_asked
    # Neither does anything else that uses this outbox need another answer.
    assert "403" in live.command_line("deliver").err
    assert live.was_asked
    assert live.command_line("dead-letters", "replay").err != REFUSED
    other = live.command_line("deliver", KABLE_CLIENT_ID="kci_another")
    assert (other.code, other.err) == (2, REFUSED)
    assert live.command_line("deliver", "events.ndjson", "--outbox", "other.sqlite").err == REFUSED
    kept = b"".join(path.read_bytes() for path in live.command_line.folder.glob("outbox.sqlite*"))
    assert b"live/Live actions-kable live.kable.io " + CLIENT_ID.encode() in kept
    assert KEY.encode() not in kept


@pytest.mark.parametrize("typed", ["n\n", "\n", "maybe\n", CTRL_D])
def test_anything_else_than_yes_sends_nothing(live: Blocked, typed: str) -> None:
    with terminal(live.command_line, "deliver", "events.ndjson") as shown:
        shown.wait_for(QUESTION)
        shown.type(typed)
        assert shown.end() == 2
    assert "error: you did not say yes, so nothing was sent" in shown.shown
    assert not (live.command_line.folder / "outbox.sqlite").exists()
    assert not live.was_asked


def test_ctrl_c_at_the_question_sends_nothing(live: Blocked) -> None:
    with terminal(live.command_line, "deliver", "events.ndjson") as shown:
        shown.wait_for(QUESTION)
        shown.type(CTRL_C)
        assert shown.end() == 130
    assert "Traceback" not in shown.shown
    assert not (live.command_line.folder / "outbox.sqlite").exists()
    assert not live.was_asked


def test_without_an_outbox_the_question_is_asked_each_time(live: Blocked) -> None:
    for _ in range(2):
        with terminal(live.command_line, "deliver", "events.ndjson", "--no-outbox", "--attempts", "1") as shown:
            shown.wait_for(QUESTION)
            shown.type("yes\n")
            assert shown.end() == 2
        assert live.was_asked


@pytest.mark.parametrize("arguments", [("deliver", "-"), ("dead-letters", "replay")])
def test_nobody_is_asked_where_the_answer_would_be_an_event(live: Blocked, arguments: tuple[str, ...]) -> None:
    """Nor by a replay: what it sends was accepted by a delivery, which has asked."""
    live.command_line("deliver", "-", "--base-url", "http://127.0.0.1:1", stdin=b"{oops")
    with terminal(live.command_line, *arguments) as shown:
        assert shown.end() == 2
    # A terminal breaks lines.
    assert " ".join(REFUSED.split()) in " ".join(shown.shown.split())
    assert not live.was_asked


def test_what_sends_nothing_to_live_needs_no_intent(live: Blocked, sandbox: RunningSandbox) -> None:
    """A dry run, this machine, and a Test key."""
    dry = live.command_line("deliver", "events.ndjson", "--dry-run")
    assert dry.code == 0
    assert "1 request printed, none sent · Kable Live (live.kable.io)\n" in dry.err
    here = live.command_line("deliver", "events.ndjson", "--base-url", sandbox.base_url)
    assert here.out.startswith("delivering to Kable Test (127.0.0.1:")
    assert not live.was_asked
    with terminal(live.command_line, "deliver", "--base-url", sandbox.base_url) as shown:
        shown.end()
    assert "real customers" not in shown.shown


def test_live_with_a_test_key_is_a_mistake(live: Blocked) -> None:
    run = live.command_line("deliver", "events.ndjson", "--live", KABLE_API_KEY="sk_test.of-nobody")
    assert run.code == 2
    assert run.err == (
        "error: --live: the key is a Test key, which bills nobody; use a Live key, or leave --live out\n"
    )


def test_environment_and_host_are_shown_wherever_something_is_sent_or_checked(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    host = sandbox.base_url.removeprefix("http://")
    (command_line.folder / "event.json").write_bytes(ndjson(track(1)))
    options = ("--base-url", sandbox.base_url)
    assert f"sends to Kable Test ({host})\n" in command_line("check", *options).out
    assert command_line("preview", "event.json", *options).out.startswith(f"for Kable Test ({host})\n")
    run = command_line.deliver(ndjson(track(1)), sandbox.base_url, "--log", "json")
    lines = run.out.splitlines()
    assert lines[0] == f"delivering to Kable Test ({host})"
    assert lines[2].endswith(f" · Kable Test ({host})")
    report = run.report
    assert (report["destination"], report["environment"], report["host"]) == ("Kable", "Test", host)
    started = json.loads(run.err.splitlines()[0])
    assert (started["event"], started["environment"], started["host"]) == ("started", "Test", host)
    assert f"actions-kable {host} {CLIENT_ID}, track, Test:" in command_line("status").out
    assert json.loads(command_line("status", "--json").out)["lanes"][0]["environment"] == "Test"
    findings = json.loads(command_line("doctor", "--json", *options).out)["findings"]
    assert {each["about"]: each["text"] for each in findings}["environment"] == f"Kable Test ({host})"

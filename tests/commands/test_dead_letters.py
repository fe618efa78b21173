"""`dead-letters`, as a user runs it: list, show, replay, discard."""

from __future__ import annotations

import asyncio
import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.delivery.delivery import account_of
from kable_destination.runner.queues.contract import DeadLetter, Put, Token
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sources.contract import Origin
from scripted_server import scripted_server
from segment_events import ndjson, track
from virtual_run import SETTINGS

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

CULPRIT = track(5, properties={"units": 13})


def refuse_thirteen(number: int, bodies: list[bytes]) -> tuple[int, dict[str, str], bytes]:
    """Answer as Kable does when a list holds the event with 13 units."""
    if b'"units":13' in bodies[number]:
        return 400, {"Content-Type": "application/json", "x-request-id": f"r-{number}"}, b'{"message": "not valid"}'
    return 200, {}, b""


@pytest.fixture
def refused(command_line: CommandLine) -> CommandLine:
    """A folder whose outbox holds one refused event of ten, one rejected and one unreadable."""
    lines = [CULPRIT if number == 5 else track(number, properties={"units": 1}) for number in range(10)]
    nobody = {key: value for key, value in track(11).items() if key != "userId"}
    with scripted_server(lambda number: refuse_thirteen(number, server.bodies)) as server:
        run = command_line.deliver(ndjson(*lines, nobody, b"{oops"), server.base_url)
    assert run.report["dead_lettered"] == {"unreadable": 1, "rejected": 1, "refused": 1, "exhausted": 0}
    return command_line


def replay(command_line: CommandLine, base_url: str, *options: str) -> Any:
    """Replay the dead letters of the outbox that a delivery to another port has filled."""
    return command_line("dead-letters", "replay", "--base-url", base_url, *options)


def test_the_outbox_is_for_its_owner_alone(refused: CommandLine) -> None:
    """It holds the events of customers."""
    for path in refused.folder.glob("outbox.sqlite*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_they_are_listed_by_what_they_say(refused: CommandLine) -> None:
    run = refused("dead-letters", "list")
    assert run.code == 0, run.err
    assert "dead letters: 1 refused, 1 rejected, 1 unreadable" in run.out
    assert "clientId: Client ID is required" in run.out
    assert "request id" not in run.out, "it differs with each letter, and would part what says the same"
    only = refused("dead-letters", "list", "--reason", "refused")
    assert only.out.splitlines()[-3:] == [
        "    ID 3",
        "dead letters: 1 refused",
        "to look at one: kable-destination dead-letters show 3",
    ]
    assert refused("dead-letters", "list", "--since", "2099-01-01").out == "no dead letters\n"
    assert refused("dead-letters", "list", "--since", "1h").out == run.out
    wrong = refused("dead-letters", "list", "--since", "yesterday")
    assert wrong.code == 2
    assert "is not a time" in wrong.err


def test_one_is_shown_whole(refused: CommandLine) -> None:
    shown = json.loads(refused("dead-letters", "show", "3").out)
    assert shown["reason"] == "refused"
    assert shown["event"] == CULPRIT
    assert shown["payload"]["data"]["units"] == 13
    assert (shown["file"], shown["line"], shown["status"]) == ("events.ndjson", 6, 400)
    missing = refused("dead-letters", "show", "99")
    assert (missing.code, missing.err) == (2, "error: ID: there is no dead letter 99\n")


def test_a_replay_sends_what_can_be_sent_once(command_line: CommandLine) -> None:
    """The server takes the event now; a second replay sends nothing."""
    is_mended = False

    def answer(number: int) -> tuple[int, dict[str, str], bytes]:
        return (200, {}, b"") if is_mended else refuse_thirteen(number, server.bodies)

    with scripted_server(answer) as server:
        events = [CULPRIT if number == 5 else track(number, properties={"units": 1}) for number in range(10)]
        assert command_line.deliver(ndjson(*events), server.base_url).code == 1
        before = len(server.requests)
        is_mended = True
        dry = replay(command_line, server.base_url, "--dry-run")
        assert (dry.code, dry.out) == (0, "would be sent again: 1\n")
        assert len(server.requests) == before
        first = replay(command_line, server.base_url)
        assert first.code == 0, first.err
        assert "1 delivered" in first.out
        assert [json.loads(body)["transactionId"] for body in server.bodies[before:]] == [CULPRIT["messageId"]]
        second = replay(command_line, server.base_url)
        assert second.out == "no dead letters to replay\n"
        assert len(server.requests) == before + 1


def test_a_replay_maps_anew_what_was_rejected(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """Once the mapping is fixed, a rejected event is delivered under it."""
    nobody = {**track(1, properties={"who": "u9"}), "userId": ""}
    assert command_line.deliver(ndjson(nobody), sandbox.base_url).code == 1
    still = replay(command_line, sandbox.base_url)
    assert still.code == 1
    assert "rejected again: 1, kept; fix the mapping first" in still.out
    (command_line.folder / "kable.toml").write_text(
        "[[subscriptions]]\nname = 'Record usage'\npartnerAction = 'track'\nsubscribe = 'type = \"track\"'\n"
        "mapping.clientId = {'@path' = '$.properties.who'}\n"
    )
    fixed = replay(command_line, sandbox.base_url, "--config", "kable.toml")
    assert fixed.code == 0, fixed.err
    assert [event["clientId"] for event in sandbox.ledger.events] == ["u9"]


def two_subscriptions(client_id: str) -> str:
    """Configure two subscriptions that want the same event; the second takes the client id from a path."""
    return "\n".join(
        f"[[subscriptions]]\nname = '{name}'\npartnerAction = 'track'\nsubscribe = 'type = \"track\"'\n"
        f"mapping.transactionId = {{'@template' = '{{{{messageId}}}}-{name}'}}\n"
        f"mapping.clientId = {{'@path' = '{path}'}}\n"
        for name, path in (("one", "$.userId"), ("two", client_id))
    )


@pytest.fixture
def whole_letter(command_line: CommandLine, sandbox: RunningSandbox) -> CommandLine:
    """A folder whose outbox holds the letter of an event that was rejected before any subscription saw it."""
    account = account_of(Destination(kable, SETTINGS, base_url=sandbox.base_url))
    event = json.dumps(track(1, properties={"who": "u9"})).encode()

    async def put() -> None:
        outbox = open_queue(command_line.folder / "outbox.sqlite", clock=SystemClock())
        letter = DeadLetter("rejected", "no", Origin("events.ndjson", 1), event, account=account)
        await outbox.put(Put(Token(1, 1), dead_letters=[letter]))
        await outbox.close()

    asyncio.run(put())
    return command_line


def test_a_replay_sends_an_event_under_each_subscription_that_wants_it(
    whole_letter: CommandLine, sandbox: RunningSandbox
) -> None:
    (whole_letter.folder / "kable.toml").write_text(two_subscriptions("$.properties.who"))
    run = replay(whole_letter, sandbox.base_url, "--config", "kable.toml")
    assert run.code == 0, run.err
    assert "sent again: 2" in run.out
    assert sorted((event["transactionId"], event["clientId"]) for event in sandbox.ledger.events) == [
        ("message-000001-one", "customer_1"),
        ("message-000001-two", "u9"),
    ]
    assert whole_letter("dead-letters", "list").out == "no dead letters\n"


def test_a_letter_that_one_of_its_subscriptions_rejects_stays_whole(
    whole_letter: CommandLine, sandbox: RunningSandbox
) -> None:
    """Nothing of it is sent, so nothing of it is forgotten, and nothing is sent twice when the mapping is fixed."""
    (whole_letter.folder / "kable.toml").write_text(two_subscriptions("$.properties.nobody"))
    still = replay(whole_letter, sandbox.base_url, "--config", "kable.toml")
    assert (still.code, len(sandbox.ledger.events)) == (1, 0)
    assert "rejected again: 1, kept" in still.out
    (whole_letter.folder / "kable.toml").write_text(two_subscriptions("$.properties.who"))
    assert replay(whole_letter, sandbox.base_url, "--config", "kable.toml").code == 0
    assert (len(sandbox.ledger.events), sandbox.ledger.duplicates) == (2, 0)


def test_a_replay_keeps_to_its_account(refused: CommandLine, sandbox: RunningSandbox) -> None:
    """An event of the Live account never goes to the Test account."""
    run = replay(refused, sandbox.base_url)
    assert run.code == 1
    assert "of another account: 3, kept" in run.out
    assert sandbox.ledger.events == []


def test_what_was_delivered_under_the_same_id_is_not_sent_again(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    """The event came again, fixed, and was delivered before anybody replayed the letter, which is gone since then."""
    assert command_line.deliver(ndjson({**track(1), "userId": ""}), sandbox.base_url).code == 1
    assert command_line.deliver(ndjson(track(1)), sandbox.base_url).code == 0
    (command_line.folder / "kable.toml").write_text(
        "[[subscriptions]]\nname = 'Record usage'\npartnerAction = 'track'\nsubscribe = 'type = \"track\"'\n"
        "mapping.clientId = {'@literal' = 'u9'}\n"
    )
    run = replay(command_line, sandbox.base_url, "--config", "kable.toml")
    assert run.out == "no dead letters to replay\n"
    assert len(sandbox.ledger.events) == 1
    assert sandbox.ledger.duplicates == 0


def test_discarded_ones_are_as_though_never_seen(refused: CommandLine, sandbox: RunningSandbox) -> None:
    nothing = refused("dead-letters", "discard")
    assert (nothing.code, nothing.err) == (
        2,
        "error: discard: say which: numbers, or --reason and --since, or --all\n",
    )
    assert refused("dead-letters", "discard", "1").out == "1 dead letter discarded\n"
    assert refused("dead-letters", "discard", "--reason", "refused").out == "1 dead letter discarded\n"
    assert refused("dead-letters", "discard", "--all").out == "1 dead letter discarded\n"
    assert refused("dead-letters", "list").out == "no dead letters\n"
    assert sandbox.ledger.events == []


def test_an_event_that_was_discarded_can_come_again(command_line: CommandLine) -> None:
    """It is sent, and not taken for one that was delivered."""
    is_mended = False

    def answer(number: int) -> tuple[int, dict[str, str], bytes]:
        return (200, {}, b"") if is_mended else refuse_thirteen(number, server.bodies)

    with scripted_server(answer) as server:
        assert command_line.deliver(ndjson(CULPRIT), server.base_url).code == 1
        command_line("dead-letters", "discard", "--all")
        is_mended = True
        again = command_line.deliver(ndjson(track(77), CULPRIT), server.base_url)
        assert again.report["delivered"] == 2
        assert again.report["duplicates"] == 0


@pytest.mark.parametrize("command", [("dead-letters", "list"), ("dead-letters", "replay")])
def test_without_an_outbox_they_say_so(command_line: CommandLine, command: tuple[str, ...]) -> None:
    run = command_line(*command)
    assert run.code == 2
    assert "there is no outbox at outbox.sqlite; deliver makes one" in run.err
    assert list(command_line.folder.iterdir()) == []

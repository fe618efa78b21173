"""`audience`: what a sync sends, refuses and remembers, as the ledger of the sandbox has it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.runner.audience.sync import held
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sandbox import Faults

if TYPE_CHECKING:
    from collections.abc import Iterable

    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox

NAME = "Order Completed Last 30 Days"
KEY = "order_completed_last_30_days"


class Synced:
    """An audience that is synced again and again."""

    def __init__(self, command_line: CommandLine, sandbox: RunningSandbox) -> None:
        self.command_line = command_line
        self.sandbox = sandbox

    def __call__(self, members: Iterable[str] | bytes, *options: str, name: str = NAME, file: str = "m.txt") -> Run:
        """Sync a list of members."""
        content = members if isinstance(members, bytes) else "".join(f"{member}\n" for member in members).encode()
        (self.command_line.folder / file).write_bytes(content)
        which = () if any(option.startswith("--trait") for option in options) else ("--name", name)
        return self.run("sync", *which, file, "--base-url", self.sandbox.base_url, *options)

    def run(self, *arguments: str) -> Run:
        """Run a command about audiences."""
        return self.command_line("audience", *arguments)

    def new(self) -> list[tuple[str, Any]]:
        """Return who was sent what since this was asked before."""
        events = [*self.sandbox.ledger.events]
        ids = [event["transactionId"] for event in events]
        assert len(set(ids)) == len(ids)
        assert self.sandbox.ledger.duplicates == 0
        self.sandbox.ledger.reset()
        return sorted([(event["clientId"], event["data"]) for event in events], key=str)

    def shown(self, name: str = NAME) -> dict[str, Any]:
        """Return what `audience show` says."""
        found: dict[str, Any] = json.loads(self.run("show", name, "--json").out)["audience"]
        return found


@pytest.fixture
def synced(command_line: CommandLine, sandbox: RunningSandbox) -> Synced:
    """An audience that was never synced."""
    return Synced(command_line, sandbox)


def test_the_first_sync_sends_everybody_and_later_ones_who_changed(synced: Synced) -> None:
    assert synced(["u1", "u2", "u3"]).code == 0
    assert synced.new() == [("u1", {KEY: True}), ("u2", {KEY: True}), ("u3", {KEY: True})]
    assert synced(["u3", "u2", "u1", "u2"]).code == 0
    assert synced.new() == []
    assert synced(["u2", "u4"]).code == 0
    assert synced.new() == [("u1", {KEY: False}), ("u3", {KEY: False}), ("u4", {KEY: True})]
    # Who enters again is sent again.
    run = synced(["u1", "u2", "u4"])
    assert (run.code, synced.new()) == (0, [("u1", {KEY: True})])
    assert f"audience {NAME} ({KEY}), sync 4\n3 rows in m.txt\n1 entered, 0 left, 2 unchanged\n" in run.out
    shown = synced.shown()
    assert (shown["members"], shown["next_sync"], shown["under_way"]) == (3, 5, None)
    assert shown["latest"] == {"entered": 1, "left": 0, "changed": 0}


def test_an_event_is_an_identify_call_as_engage_makes_it(synced: Synced) -> None:
    assert synced(["u1"]).code == 0
    (sent,) = synced.sandbox.ledger.events
    shown = synced.shown()
    assert re.fullmatch(r"aud_[0-9A-Za-z]{27}", shown["id"])
    assert re.fullmatch(r"spa_[0-9A-Za-z]{22}", shown["space"])
    preview = json.loads(
        synced.run("preview", "--name", NAME, "--base-url", synced.sandbox.base_url, "empty.csv", "--json").out or "{}"
    )
    assert preview == {}
    (synced.command_line.folder / "more.txt").write_bytes(b"u1\nu2\n")
    arguments = ("preview", "--name", NAME, "--base-url", synced.sandbox.base_url, "more.txt", "--json")
    (event,) = json.loads(synced.run(*arguments).out)["events"]
    told = json.loads(event["event"])
    moment = told["timestamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert re.fullmatch(r"personas_[0-9a-f]{32}", told.pop("messageId"))
    assert told == {
        "type": "identify",
        "channel": "server",
        "userId": "u2",
        "traits": {KEY: True},
        "context": {
            "personas": {
                "computation_class": "audience",
                "computation_id": shown["id"],
                "computation_key": KEY,
                "namespace": shown["space"],
                "space_id": shown["space"],
            }
        },
        "integrations": {"All": False, "Kable": True},
        "originalTimestamp": moment,
        "receivedAt": moment,
        "sentAt": None,
        "timestamp": moment,
    }
    assert event["change"] == "enters"
    assert event["preview"]["subscriptions"][1]["matches"]
    assert sent["transactionId"].startswith("personas_")


def test_a_computed_trait_sends_values_and_null_for_who_left(synced: Synced) -> None:
    trait = ("--trait", "Total spend=spend")
    assert synced(b"id,spend\nu1,5\nu2,gold\nu3,\nu4,true\n", *trait, file="m.csv").code == 0
    assert synced.new() == [("u1", {"total_spend": 5}), ("u2", {"total_spend": "gold"}), ("u4", {"total_spend": True})]
    run = synced(b"id,spend\nu1,5.0\nu2,silver\nu3,1\n", *trait, file="m.csv")
    assert (run.code, synced.new()) == (
        0,
        [("u1", {"total_spend": 5.0}), ("u2", {"total_spend": "silver"}), ("u3", {"total_spend": 1}),
         ("u4", {"total_spend": None})],
    )  # fmt: skip
    assert "computed trait Total spend (total_spend), sync 2" in run.out
    assert "1 entered, 1 left, 2 changed, 0 unchanged" in run.out
    assert re.fullmatch(r"tra_[0-9A-Za-z]{27}", synced.shown("Total spend")["id"])


def test_a_renamed_audience_sends_the_same_trait_and_nothing_new(synced: Synced) -> None:
    assert synced(["u1", "u2"]).code == 0
    synced.new()
    before = synced.shown()
    assert synced.run("rename", NAME, "Recent orders").code == 0
    assert synced.shown("Recent orders") == {**before, "name": "Recent orders"}
    assert synced(["u1", "u2", "u3"], "--key", KEY, name="Recent orders").code == 0
    assert synced.new() == [("u3", {KEY: True})]
    run = synced.run("show", NAME)
    assert (run.code, "there is no audience" in run.err) == (2, True)


def test_a_renamed_audience_needs_no_key(synced: Synced) -> None:
    """Its key is the one that it had: who does not know it need not name it."""
    assert synced(["u1"]).code == 0
    synced.new()
    assert synced.run("rename", NAME, "Recent orders").code == 0
    assert synced(["u1", "u2"], name="Recent orders").code == 0
    assert synced.new() == [("u2", {KEY: True})]
    run = synced(["u1"], "--key", "other", name="Recent orders")
    assert (run.code, "its key cannot be changed" in run.err) == (2, True)


def test_a_removed_audience_is_forgotten_and_notifies_only_if_asked_to(synced: Synced) -> None:
    assert synced(["u1", "u2"]).code == 0
    first = synced.shown()["id"]
    synced.new()
    assert synced.run("remove", NAME).code == 0
    assert (synced.new(), json.loads(synced.run("list", "--json").out)["audiences"]) == ([], [])
    assert synced(["u2"]).code == 0
    assert synced.new() == [("u2", {KEY: True})]
    assert synced.shown()["id"] != first
    run = synced.run("remove", NAME, "--notify", "--base-url", synced.sandbox.base_url)
    assert (run.code, synced.new()) == (0, [("u2", {KEY: False})])
    assert f"{NAME} is removed" in run.out
    assert synced.run("remove", NAME).code == 2


def test_a_dry_run_prints_who_enters_and_leaves_and_changes_nothing(synced: Synced) -> None:
    assert synced(["u1", "u2"]).code == 0
    before = synced.shown()
    synced.new()
    run = synced(["u2", "u3"], "--dry-run")
    assert (run.code, run.out) == (0, "- u1\n+ u3\n")
    assert "would be: 1 entered, 1 left; nothing was changed" in run.err
    printed = json.loads(synced(["u2", "u3"], "--dry-run", "--json").out)
    assert printed["changes"] == [
        {"member": "u1", "value": None, "before": "true"},
        {"member": "u3", "value": "true", "before": None},
    ]
    assert (synced.new(), synced.shown()) == ([], before)


def test_a_dry_run_makes_no_outbox(synced: Synced) -> None:
    assert synced(["u1"], "--dry-run").out == "+ u1\n"
    assert not [*synced.command_line.folder.glob("outbox*")]


PEOPLE = [f"u{number:03}" for number in range(200)]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"", (), "m.txt has no members, so nothing was changed"),
        (b"\n\n", (), "m.txt has no members"),
        ("".join(f"{each}\n" for each in PEOPLE)[:500].encode(), (), "more than 20 %|no more than 20 % may"),
        ("".join(f"{each}\n" for each in PEOPLE[:140]).encode(), ("--max-removed", "29"), "60 of 200 .*30.0 %"),
        ("".join(f"{each}\nnull\n" for each in PEOPLE).encode(), (), "200 rows of 400 that cannot be used"),
        ("".join(f"{each},x\n" for each in ["id", *PEOPLE]).encode(), (), "looks like a CSV table"),
    ],
)
def test_a_list_that_looks_wrong_is_refused_and_changes_nothing(
    synced: Synced, content: bytes, options: tuple[str, ...], message: str
) -> None:
    assert synced(PEOPLE).code == 0
    synced.new()
    before = synced.shown()
    run = synced(content, *options)
    assert (run.code, run.out.partition("\n")[2]) == (2, "")
    assert re.search(message, run.err), run.err
    assert (synced.new(), synced.shown()) == ([], before)
    # The audience is free again.
    assert synced(PEOPLE).code == 0


def test_max_removed_allows_more_and_few_may_always_leave(synced: Synced) -> None:
    assert synced(PEOPLE).code == 0
    assert synced(PEOPLE[:140], "--max-removed", "30").code == 0
    assert synced.shown()["members"] == 140
    assert synced(PEOPLE[:90]).code == 0
    assert synced(PEOPLE[:41], "--max-removed", "0").code == 0
    synced.new()
    assert synced([], "--max-removed", "100").code == 0
    assert synced.new() == [(each, {KEY: False}) for each in PEOPLE[:41]]


def test_members_whose_event_is_rejected_keep_their_state_and_are_tried_again(synced: Synced) -> None:
    (synced.command_line.folder / "kable.toml").write_text(
        '[[subscriptions]]\nname = "only"\npartnerAction = "identify"\nsubscribe = "type = \\"identify\\""\n'
        'mapping = { clientId = { "@path" = "$.traits.only" } }\n',
        encoding="utf-8",
    )
    config = ("--config", "kable.toml", "--trait", "only=v")
    run = synced(b'{"id":"a","v":"A"}\n{"id":"b","v":{}}\n', *config, file="m.ndjson")
    assert run.code == 1
    assert "1 member not sent, such as b: " in run.err
    assert synced.new() == [("A", {"only": "A"})]
    shown = synced.shown("only")
    assert (shown["members"], shown["next_sync"]) == (1, 2)
    assert json.loads(synced.command_line("status", "--json").out)["dead"] == {}
    assert synced(b'{"id":"a","v":"A"}\n{"id":"b","v":"B"}\n', *config, file="m.ndjson").code == 0
    assert synced.new() == [("B", {"only": "B"})]


def test_what_a_trigger_does_not_want_counts_as_sent(synced: Synced) -> None:
    (synced.command_line.folder / "kable.toml").write_text(
        '[[subscriptions]]\nname = "entering"\npartnerAction = "identify"\n'
        f'subscribe = "type = \\"identify\\" and traits.{KEY} = true"\n',
        encoding="utf-8",
    )
    for members, sent in ((["a", "b"], 2), (["a"], 0), (["a"], 0), (["a", "b"], 1)):
        assert synced(members, "--config", "kable.toml").code == 0
        assert len(synced.new()) == sent


def test_a_sync_that_nothing_is_sent_of_is_refused(synced: Synced) -> None:
    (synced.command_line.folder / "kable.toml").write_text(
        '[[subscriptions]]\nname = "tracks"\npartnerAction = "track"\nsubscribe = "type = \\"track\\""\n',
        encoding="utf-8",
    )
    run = synced(["a"], "--config", "kable.toml")
    assert (run.code, "no subscription takes the Identify calls" in run.err) == (2, True)
    assert not [*synced.command_line.folder.glob("outbox*")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--name", "A", "--trait", "b=c", "m.txt"), "--name: names an audience"),
        (("m.txt",), "--name: names an audience"),
        (("--name", "Größe", "m.txt"), "give the trait with --key"),
        (("--name", "", "m.txt"), "--name: is blank"),
        (("--trait", "b", "m.txt"), "must be NAME=COLUMN"),
        (("--name", "A"), "who is a member?"),
        (("--name", "A", "m.txt", "--query", "SELECT 1"), "there is no file beside it"),
        (("--name", "A", "--query", "SELECT 1"), "--database: is missing"),
        (("--name", "A", "m.txt", "--format", "xml"), "must be one of ids, csv, ndjson, parquet"),
        (("--name", "A", "m.txt", "--report", "m.txt"), "would be overwritten"),
    ],
)
def test_wrong_options_are_refused(synced: Synced, options: tuple[str, ...], message: str) -> None:
    (synced.command_line.folder / "m.txt").write_bytes(b"u1\n")
    run = synced.run("sync", *options)
    assert (run.code, message in run.err) == (2, True), run.err


def test_two_audiences_cannot_send_the_same_trait(synced: Synced) -> None:
    assert synced(["a"], name="Big spenders").code == 0
    run = synced(["a"], name="big  spenders!")
    assert (run.code, "sends big_spenders already" in run.err) == (2, True)
    assert synced(["a"], "--key", "more", name="big  spenders!").code == 0
    assert synced.run("list").out.splitlines()[0].split() == ["name", "trait", "members", "syncs", "latest"]


def test_members_come_by_standard_input(synced: Synced) -> None:
    arguments = ("audience", "sync", "--name", "A", "-", "--base-url", synced.sandbox.base_url)
    assert synced.command_line(*arguments, stdin=b"u1\nu2\n").code == 0
    csv = synced.command_line(*arguments, "--format", "csv", "--column", "who", stdin=b"n,who\n1,u2\n2,u3\n")
    assert csv.code == 0
    assert synced.new() == [("u1", {"a": False}), ("u1", {"a": True}), ("u2", {"a": True}), ("u3", {"a": True})]


def test_a_full_outbox_takes_a_sync_bit_by_bit(synced: Synced) -> None:
    (synced.command_line.folder / "kable.toml").write_text("[delivery]\noutboxMegabytes = 1\n", encoding="utf-8")
    people = [f"u{number}" for number in range(5_000)]
    assert synced(people, "--config", "kable.toml", "--batch-size", "100").code == 0
    assert len(synced.new()) == 5_000
    assert synced.shown()["members"] == 5_000


def test_erasing_a_customer_takes_them_off(synced: Synced) -> None:
    assert synced(["u1", "u2"]).code == 0
    run = synced.command_line("outbox", "erase", "--customer", "u1", "--yes")
    assert (run.code, "1 membership of u1 erased" in run.out) == (0, True)
    assert synced.shown()["members"] == 1


def test_one_sync_at_a_time_holds_an_audience(synced: Synced) -> None:
    assert synced(["a"]).code == 0
    synced.new()

    async def hold_meanwhile() -> list[Run]:
        queue = open_queue(synced.command_line.folder / "outbox.sqlite", clock=SystemClock())
        (stored,) = await queue.audiences.all()
        async with held(queue.audiences, stored, SystemClock(), create=False):
            runs = [synced(["a", "b"]), synced.run("rename", NAME, "Other"), synced.run("remove", NAME)]
        await queue.close()
        return runs

    for run in asyncio.run(hold_meanwhile()):
        assert (run.code, f"a sync of the audience '{NAME}' is running" in run.err) == (2, True), run.err
    assert synced.new() == []
    assert synced(["a", "b"]).code == 0
    assert synced.new() == [("b", {KEY: True})]


def test_an_interrupted_sync_says_so_and_the_next_one_continues(synced: Synced) -> None:
    people = [f"u{number:05}" for number in range(12_000)]
    (synced.command_line.folder / "kable.toml").write_text("[delivery]\ngrace = 0\n", encoding="utf-8")
    (synced.command_line.folder / "m.txt").write_text("\n".join(people), encoding="utf-8")
    # So slow that the sync waits for the delivery: no more than some thousand events are put ahead.
    synced.sandbox.faults.set(Faults(latency=4))
    options = ("--concurrency", "1", "--config", "kable.toml")
    sync = ("sync", "--name", NAME, "m.txt", "--base-url", synced.sandbox.base_url)
    with synced.command_line.start("audience", *sync, *options) as process:
        while not synced.sandbox.ledger.requests:
            assert process.poll() is None
            time.sleep(0.01)
        while synced.shown()["members"] < 8_000:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr is not None
        assert b"the sync is not complete; run the same command again" in process.stderr.read()
    shown = synced.shown()
    assert 0 < shown["members"] < len(people)
    assert (shown["next_sync"], shown["under_way"]["entered"]) == (1, shown["members"])
    synced.sandbox.faults.set(Faults())
    assert synced.run(*sync, "--config", "kable.toml").code == 0
    assert {event["clientId"] for event in synced.sandbox.ledger.events} == {*people}
    assert synced.shown()["next_sync"] == 2

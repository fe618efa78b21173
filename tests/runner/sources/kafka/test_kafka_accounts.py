"""Events of several accounts in one topic: each is billed to the account that a header names, and to no other."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from kable_destination.runner.sandbox import running_sandbox
from kable_destination.runner.sources.kafka.accounts import AccountFilter
from kafka_workers import event, new_topic, running_workers
from publishing_service import batch, serving

if TYPE_CHECKING:
    from command_line import CommandLine
    from kafka_cluster import Cluster

CONFIGURATION = """
[accounts.a]
apiKeyEnv = "KEY_OF_A"
clientId = "kci_a"
[accounts.b]
apiKeyEnv = "KEY_OF_B"
clientId = "kci_b"
[service]
port = 0
[service.writeKeys]
write-a = "a"
write-b = "b"
"""
CLIENTS = {"a": "kci_a", "b": "kci_b"}
KEYS = {"KEY_OF_A": "sk_test.a", "KEY_OF_B": "sk_test.b"}


def test_events_go_to_the_account_that_serve_has_named(cluster: Cluster, command_line: CommandLine) -> None:
    topic = new_topic()
    cluster.create_topic(topic)
    address = f"kafka://{cluster.brokers}/{topic}?accounts=account"
    with serving(command_line, address, CONFIGURATION, **KEYS) as client:
        for name, numbers in {"a": range(10), "b": range(10, 30)}.items():
            answer = client.post("/v1/batch", json=batch(*numbers), auth=httpx.BasicAuth(f"write-{name}", ""))
            assert answer.status_code == 200
    # Others publish to it, too.
    cluster.publish(topic, [event(30)])
    cluster.publish(topic, [event(31)], headers=[("account", b"c")])
    cluster.publish(topic, [event(32)], headers=[("account", b"a"), ("account", b"b")])
    with ExitStack() as stack:
        ledgers = {
            name: stack.enter_context(running_sandbox(client_id=CLIENTS[name], api_key=f"sk_test.{name}"))
            for name in CLIENTS
        }
        for name, sandbox in ledgers.items():
            run = command_line(
                *("deliver", "--config", "kable.toml", "--account", name, "--from", f"{address}&group=g"),
                *("--base-url", sandbox.base_url, "--dead-letters", f"{name}.ndjson"),
                KEY_OF_A="sk_test.a",
                KEY_OF_B="sk_test.b",
            )
            letters = (command_line.folder / f"{name}.ndjson").read_text().splitlines()
            told = sorted(json.loads(letter)["message"] for letter in letters)
            assert told == [
                'the header "account" does not name one account of the configuration: a, b',
                'the header "account" does not name one account of the configuration: c',
                'the message has no header "account", which names the account',
            ], run.out
        arrived = {
            name: sorted(found["transactionId"] for found in sandbox.ledger.events) for name, sandbox in ledgers.items()
        }
    assert arrived == {
        "a": sorted(f"message {number}" for number in range(10)),
        "b": sorted(f"message {number}" for number in range(10, 30)),
    }


def test_a_worker_reads_a_topic_for_all_accounts(cluster: Cluster, command_line: CommandLine) -> None:
    (command_line.folder / "kable.toml").write_text(CONFIGURATION)
    topic = new_topic()
    cluster.create_topic(topic)
    for number in range(20):
        cluster.publish(topic, [event(number)], headers=[("account", "ab"[number % 2].encode())])
    with (
        running_sandbox(client_id="kci_a", api_key="sk_test.a") as sandbox,
        running_workers(cluster, sandbox, command_line.folder, topic=topic) as workers,
    ):
        workers.variables = KEYS
        workers.start(options=("--config", "kable.toml"), query="&accounts=account")
        workers.until_delivered(range(0, 20, 2))
        # This server does not know the other one, whose events wait under its name.
        workers.until(lambda: queued(command_line) == {"kci_b": 10})
        workers.end()


def queued(command_line: CommandLine) -> dict[str, int]:
    """Return how many events are queued for each client ID."""
    lanes = json.loads(command_line("status", "--json", "--outbox", "outbox.sqlite").out)["lanes"]
    return {lane["account"].split()[-1]: lane["queued"] for lane in lanes if lane["queued"]}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("account", b"a")], True),
        ([("account", b"b")], False),
        ([("account", b"a"), ("account", "a")], True),
        ([("account", b"a"), ("account", b"b")], "does not name one account"),
        ([("account", b"A")], "does not name one account"),
        ([("account", b"\xff")], "does not name one account"),
        ([("account", None)], "does not name one account"),
        ([("Account", b"a")], "has no header"),
        (None, "has no header"),
    ],
)
def test_a_message_that_names_no_account_is_kept_by_one_reader(
    headers: list[tuple[str, str | bytes | None]] | None, expected: bool | str
) -> None:
    known = frozenset({"a", "b"})
    found = AccountFilter("account", "a", known, keeps_strangers=True).takes(headers)
    if isinstance(expected, str):
        assert expected in str(found)
        assert AccountFilter("account", "a", known, keeps_strangers=False).takes(headers) is False
    else:
        assert found is expected

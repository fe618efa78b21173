"""Credentials of customers outlive the process that took them, encrypted, and reach the process that sends."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY, CLIENT_ID
from direct_calls import basic, call, event, settings_header
from kable_destination.runner.configuration.secrets_keys import new_key
from many_customers import many_customers
from running_service import running_service, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    import httpx

    from command_line import CommandLine
    from kable_destination.runner.delivery.notices import Notice
    from kable_destination.runner.sandbox import RunningSandbox
    from many_customers import ManyCustomers
    from running_service import RunningService

KEYS = {"kci_a": "sk_test.Aq7-Zx9_Mw2.Lk5", "kci_b": "sk_test.Bv3+Nc8/Rt6=Jh1"}
"""The key of each customer."""


@pytest.fixture
def customers() -> Iterator[ManyCustomers]:
    with many_customers(**KEYS) as server:
        yield server


def send(service: RunningService, client: str, message_id: str, key: str | None = None) -> httpx.Response:
    """Send an event of a customer, as Segment does."""
    return call(service, event(message_id), key=key or KEYS[client], settings={"kableClientId": client})


class Services:
    """Starts one service after the other with one outbox, and gathers their notices."""

    def __init__(self, folder: Path, sandbox: RunningSandbox, customers: ManyCustomers) -> None:
        self.folder = folder
        self.notices: list[Notice] = []
        self._sandbox = sandbox
        self._base_url = customers.base_url

    def __call__(self, keys: str = "", *, delivers: bool = True) -> AbstractContextManager[RunningService]:
        """Run a service with these keys."""
        return running_service(
            self.folder,
            self._sandbox,
            configuration="",
            environment={"KABLE_SECRETS_KEY": keys},
            observers=[self.notices.append],
            delivers=delivers,
            base_url=self._base_url,
        )

    @property
    def stopped(self) -> list[Notice]:
        """The notices that an account waits for a person."""
        return [notice for notice in self.notices if notice.kind == "stopped"]

    def records(self) -> dict[str, bytes]:
        """Return what is stored in the outbox."""
        with closing(sqlite3.connect(self.folder / "outbox.sqlite")) as outbox:
            return dict(outbox.execute("SELECT key, value FROM records WHERE key LIKE 'credentials/%'").fetchall())


@pytest.fixture
def services(tmp_path: Path, emptied_sandbox: RunningSandbox, customers: ManyCustomers) -> Services:
    return Services(tmp_path, emptied_sandbox, customers)


def accept_of_both(services: Services, keys: str) -> None:
    """Accept an event of each customer, and deliver none."""
    with services(keys, delivers=False) as accepting:
        for client in KEYS:
            assert send(accepting, client, f"m-{client}").status_code == 202


def secret_parts(secret: str) -> Iterator[bytes]:
    """Yield what shows that a secret is somewhere: any eight letters of it after its prefix, and its base64."""
    raw = secret.encode()
    yield from (raw[at : at + 8] for at in range(8, len(raw) - 7))
    for before in range(3):
        yield b64encode(bytes(before) + raw)[4:-4]


def test_delivery_resumes_after_a_restart_for_every_customer_with_its_own_key(
    services: Services, customers: ManyCustomers
) -> None:
    keys = new_key()
    accept_of_both(services, keys)
    checks = customers.checks
    with services(keys):
        assert customers.billed(2) == {f"m-{client}": key for client, key in KEYS.items()}
    assert customers.checks == checks, "a stored key needs no check"


def test_another_process_delivers_for_customers_that_come_while_it_runs(
    services: Services, customers: ManyCustomers, command_line: CommandLine
) -> None:
    keys = new_key()
    environment = {name: text for name, text in command_line.environment.items() if name != "KABLE_CLIENT_ID"}
    worker = replace(command_line, environment={**environment, "KABLE_SECRETS_KEY": keys, "KABLE_CLIENT_ID": ""})
    with services(keys, delivers=False) as accepting:
        arguments = ("--base-url", customers.base_url, "--outbox", str(accepting.outbox), "--config", "kable.toml")
        with worker.start("work", *arguments) as working:
            try:
                assert working.stdout is not None
                assert b"delivering what" in working.stdout.readline()
                assert send(accepting, "kci_a", "m-1").status_code == 202
                assert customers.billed(1) == {"m-1": KEYS["kci_a"]}
                # The worker learns of another key, too.
                customers.keys["kci_a"] = {"sk_test.another-key"}
                assert send(accepting, "kci_a", "m-2", "sk_test.another-key").status_code == 202
                assert customers.billed(2) == {"m-1": KEYS["kci_a"], "m-2": "sk_test.another-key"}
            finally:
                working.terminate()
                assert working.wait(30) == 0


def test_no_secret_is_in_the_files_of_the_outbox(services: Services) -> None:
    keys = new_key()
    with services(keys, delivers=False) as accepting:
        for client in KEYS:
            assert send(accepting, client, f"m-{client}").status_code == 202
        files = [*services.folder.glob("outbox.sqlite*")]
        assert {file.name for file in files} >= {"outbox.sqlite", "outbox.sqlite-wal"}
        content = b"".join(file.read_bytes() for file in files)
    content += (services.folder / "outbox.sqlite").read_bytes()
    assert b"kci_a" in content, "the account is named"
    found = [part for secret in (*KEYS.values(), keys) for part in secret_parts(secret) if part in content]
    assert found == []


def test_a_new_key_replaces_the_stored_one_only_after_kable_has_accepted_it(
    services: Services, customers: ManyCustomers
) -> None:
    keys, new = new_key(), "sk_test.new-key-of-a"
    with services(keys, delivers=False) as accepting:
        assert send(accepting, "kci_a", "m-1").status_code == 202
        before = services.records()
        assert send(accepting, "kci_a", "m-2", new).status_code == 401
        assert services.records() == before
        customers.keys["kci_a"] = {new}
    with services(keys, delivers=False) as accepting:
        assert send(accepting, "kci_a", "m-3", new).status_code == 202
        assert services.records() != before
    with services(keys):
        assert customers.billed(2) == {"m-1": new, "m-3": new}


def test_records_of_an_older_key_are_encrypted_again_with_the_newest(
    services: Services, customers: ManyCustomers
) -> None:
    old, new = new_key(), new_key()
    accept_of_both(services, old)
    before = services.records()
    with services(f"{new},{old}", delivers=False):
        after = services.records()
    assert before.keys() == after.keys()
    assert not {*before.values()} & {*after.values()}
    with services(new):
        assert customers.billed(2) == {f"m-{client}": key for client, key in KEYS.items()}
    assert services.stopped == []


@pytest.mark.parametrize("keys", ["", "A" * 43 + "="], ids=["no key", "another key"])
def test_a_record_that_no_key_opens_is_kept_and_its_account_waits(
    services: Services, customers: ManyCustomers, keys: str
) -> None:
    right = new_key()
    accept_of_both(services, right)
    before = services.records()
    with services(keys):
        until(lambda: len(services.stopped), lambda count: count >= 2)
    assert services.records() == before
    assert [notice.account for notice in services.stopped] == [
        f"actions-kable {customers.base_url.removeprefix('http://')} {client}" for client in KEYS
    ]
    (message,) = {notice.error for notice in services.stopped}
    assert message.startswith("the stored credentials of this account cannot be used, so its events wait: ")
    assert "KABLE_SECRETS_KEY" in message
    assert not any(secret in message for secret in (*KEYS.values(), right, *filter(None, [keys])))
    with services(right):
        assert customers.billed(2) == {f"m-{client}": key for client, key in KEYS.items()}


def test_a_caller_with_an_accepted_key_replaces_a_record_that_no_key_opens(
    services: Services, customers: ManyCustomers
) -> None:
    accept_of_both(services, new_key())
    with services(new_key()) as running:
        assert send(running, "kci_a", "m-new").status_code == 202
        assert customers.billed(2) == {"m-kci_a": KEYS["kci_a"], "m-new": KEYS["kci_a"]}


def test_a_record_under_the_name_of_another_account_is_not_used(services: Services, customers: ManyCustomers) -> None:
    keys = new_key()
    accept_of_both(services, keys)
    one, other = services.records().items()
    with closing(sqlite3.connect(services.folder / "outbox.sqlite")) as outbox:
        for name, value in ((one[0], other[1]), (other[0], one[1])):
            outbox.execute("UPDATE records SET value = ? WHERE key = ?", (value, name))
        outbox.commit()
    with services(keys):
        until(lambda: len(services.stopped), lambda count: count >= 2)
    assert {notice.error.rpartition(": ")[2] for notice in services.stopped} == {"they were stored for another account"}
    assert customers.billed(0) == {}


def test_stored_credentials_survive_erasing_and_backups(
    services: Services, customers: ManyCustomers, command_line: CommandLine
) -> None:
    keys = new_key()
    accept_of_both(services, keys)
    outbox = str(services.folder / "outbox.sqlite")
    backup = services.folder / "backup.sqlite"
    copied = command_line("outbox", "backup", str(backup), "--outbox", outbox)
    assert copied.code == 0, copied.err
    erased = command_line("outbox", "erase", "--customer", "acme", "--outbox", outbox, "--yes")
    assert erased.code == 0, erased.err
    assert not any(secret in erased.out + copied.out for secret in KEYS.values())
    assert len(services.records()) == 2
    (services.folder / "outbox.sqlite").unlink()
    backup.rename(outbox)
    with services(keys):
        assert customers.billed(2) == {f"m-{client}": key for client, key in KEYS.items()}


def test_a_configured_account_keeps_sending_with_its_configured_key(
    tmp_path: Path, emptied_sandbox: RunningSandbox, customers: ManyCustomers
) -> None:
    customers.keys[CLIENT_ID] = {API_KEY, "sk_test.second-key"}
    with running_service(
        tmp_path,
        emptied_sandbox,
        configuration=f'[settings]\nkableClientId = "{CLIENT_ID}"',
        environment={"KABLE_SECRETS_KEY": new_key()},
        base_url=customers.base_url,
    ) as running:
        body: dict[str, Any] = {"type": "track", "userId": "u", "messageId": "m", "timestamp": "2026-11-20T06:00:00Z"}
        headers = {
            "Authorization": basic("sk_test.second-key"),
            "X-Segment-Settings": settings_header({"kableClientId": CLIENT_ID}),
        }
        answer = running.client.post("/segment", json={**body, "event": "e", "properties": {"n": 1}}, headers=headers)
        assert answer.status_code == 202
        assert customers.billed(1) == {"m": API_KEY}

"""API keys of many customers of a Direct Destination: checked once, and never mixed up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from direct_calls import call, event
from kable_destination.runner.configuration.secrets_keys import new_key
from kable_destination.runner.sandbox import running_sandbox
from many_customers import many_customers
from running_service import running_service, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from many_customers import ManyCustomers
    from running_service import RunningService


@pytest.fixture(scope="module")
def customers() -> Iterator[ManyCustomers]:
    with many_customers() as server:
        yield server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, customers: ManyCustomers) -> Iterator[RunningService]:
    """A service for many customers."""
    folder, environment = tmp_path_factory.mktemp("many"), {"KABLE_SECRETS_KEY": new_key()}
    with (
        running_sandbox() as unused,
        running_service(
            folder, unused, configuration="", environment=environment, base_url=customers.base_url
        ) as running,
    ):
        yield running


def test_callers_with_one_new_key_share_one_check_and_a_known_key_needs_none(
    shared: RunningService, customers: ManyCustomers
) -> None:
    customers.keys["kci_a"] = {"sk_test.aaaaaaaa"}
    before, barrier = customers.checks, threading.Barrier(8)

    def send(number: int) -> int:
        barrier.wait()
        return call(
            shared, event(f"a-{number}"), key="sk_test.aaaaaaaa", settings={"kableClientId": "kci_a"}
        ).status_code

    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(send, range(8))] == [202] * 8
    assert call(shared, event("a-8"), key="sk_test.aaaaaaaa", settings={"kableClientId": "kci_a"}).status_code == 202
    assert customers.checks - before == 1


def test_a_refused_key_is_not_checked_for_each_event(shared: RunningService, customers: ManyCustomers) -> None:
    before = customers.checks
    for number in range(20):
        answer = call(shared, event(f"w-{number}"), key="sk_test.wrongwrong", settings={"kableClientId": "kci_w"})
        assert answer.status_code == 401
    assert customers.checks - before == 1


def test_no_event_reaches_the_key_of_another_customer(shared: RunningService, customers: ManyCustomers) -> None:
    for name in ("x", "y"):
        customers.keys[f"kci_{name}"] = {f"sk_test.{name * 8}"}
    for number in range(10):
        for name in ("x", "y"):
            settings = {"kableClientId": f"kci_{name}"}
            answer = call(shared, event(f"{name}-{number}"), key=f"sk_test.{name * 8}", settings=settings)
            assert answer.status_code == 202
    # The key of one customer is no key of another.
    answer = call(shared, event("x-by-y"), key="sk_test.yyyyyyyy", settings={"kableClientId": "kci_x"})
    assert answer.status_code == 401

    wanted = {f"{name}-{number}" for name in ("x", "y") for number in range(10)}
    billed = until(lambda: customers.billed(0), lambda found: wanted <= found.keys())
    assert {identity: key for identity, key in billed.items() if identity in wanted} == {
        identity: f"sk_test.{identity[0] * 8}" for identity in wanted
    }


def test_two_valid_keys_in_turn_are_not_checked_for_each_event(
    shared: RunningService, customers: ManyCustomers
) -> None:
    customers.keys["kci_two"] = {"sk_test.firstfirst", "sk_test.secondsecond"}
    before = customers.checks
    for number in range(6):
        key = ("sk_test.firstfirst", "sk_test.secondsecond")[number % 2]
        answer = call(shared, event(f"two-{number}"), key=key, settings={"kableClientId": "kci_two"})
        assert answer.status_code == 202
    assert customers.checks - before == 2


def test_a_key_that_kable_no_longer_accepts_is_401_and_a_new_one_resumes_delivery(
    shared: RunningService, customers: ManyCustomers
) -> None:
    settings, old, new = {"kableClientId": "kci_r"}, "sk_test.oldoldold", "sk_test.newnewnew"
    customers.keys["kci_r"] = {old}
    assert call(shared, event("r-1"), key=old, settings=settings).status_code == 202
    until(lambda: customers.billed(0), lambda found: "r-1" in found)
    customers.keys["kci_r"] = {new}
    # The first may be accepted with the key as it is known; once Kable has refused it, the caller hears so.
    numbers = iter(range(2, 1_000))
    sent: list[str] = []

    def send() -> int:
        sent.append(f"r-{next(numbers)}")
        status = call(shared, event(sent[-1]), key=old, settings=settings).status_code
        if status != 202:
            sent.pop()
        return status

    until(send, lambda status: status == 401)
    assert call(shared, event("r-new"), key=new, settings=settings).status_code == 202
    wanted = {*sent, "r-new"}
    billed = until(lambda: customers.billed(0), lambda found: wanted <= found.keys())
    assert {billed[identity] for identity in wanted} == {new}

"""How often a key is checked at the destination, as time passes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.service.answers import AnswerError
from kable_destination.runner.service.key_checks import ACCEPTED_SECONDS, REFUSED_SECONDS, KeyChecks
from kable_destination.runner.transports.http import HttpTransport
from many_customers import many_customers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from many_customers import ManyCustomers

GOOD, BAD = "sk_test.good-key", "sk_test.bad-key"


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        """Return the moment."""
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        """Return the seconds."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.seconds += seconds


@pytest.fixture
def customers() -> Iterator[ManyCustomers]:
    with many_customers(kci_a=GOOD) as server:
        yield server


def counts(customers: ManyCustomers, *steps: tuple[str, float, bool], base_url: str | None = None) -> list[str]:
    """Check keys, each after some seconds; return the outcome of each and how many checks there were until then."""
    found: list[str] = []

    async def run() -> None:
        clock = SetClock()
        async with HttpTransport(connections=4, timeout=5, trust_environment=False) as transport:
            checks = KeyChecks(transport, clock)
            for key, seconds, is_stopped in steps:
                clock.seconds += seconds
                settings = {"apiKey": key, "kableClientId": "kci_a"}
                destination = Destination(kable, settings, base_url=base_url or customers.base_url)
                try:
                    is_fresh = await checks.check("account", key, destination, is_stopped=is_stopped)
                except AnswerError as error:
                    found.append(f"{error.status} {customers.checks}")
                else:
                    found.append(f"{'fresh' if is_fresh else 'known'} {customers.checks}")
            await checks.close()

    asyncio.run(run())
    return found


def test_a_refused_key_is_checked_again_after_some_seconds_so_a_corrected_one_works(customers: ManyCustomers) -> None:
    steps = (BAD, 0.0, False), (BAD, REFUSED_SECONDS - 1, False), (BAD, 1.0, False)
    assert counts(customers, *steps) == ["401 1", "401 1", "401 2"]


def test_an_accepted_key_is_known_for_some_minutes(customers: ManyCustomers) -> None:
    steps = (GOOD, 0.0, False), (GOOD, ACCEPTED_SECONDS - 1, False), (GOOD, 1.0, False)
    assert counts(customers, *steps) == ["fresh 1", "known 1", "fresh 2"]


def test_the_key_of_an_account_that_has_stopped_is_checked_again_but_once_a_second_at_most(
    customers: ManyCustomers,
) -> None:
    steps = (GOOD, 0.0, True), (GOOD, 0.5, True), (GOOD, 0.5, True)
    assert counts(customers, *steps) == ["fresh 1", "known 1", "fresh 2"]


def test_a_key_that_could_not_be_checked_is_tried_again_a_second_later(customers: ManyCustomers) -> None:
    with many_customers() as gone:
        base_url = gone.base_url
    steps = (GOOD, 0.0, False), (GOOD, 0.5, False), (GOOD, 1.0, False)
    assert [outcome[:3] for outcome in counts(customers, *steps, base_url=base_url)] == ["503"] * 3


def test_only_so_many_keys_are_checked_at_a_time_and_others_are_told_to_come_back(customers: ManyCustomers) -> None:
    async def run() -> list[str]:
        async with HttpTransport(connections=4, timeout=5, trust_environment=False) as transport:
            checks = KeyChecks(transport, SetClock())

            async def check(number: int) -> str:
                key = f"sk_test.bad-key-{number}"
                destination = Destination(kable, {"apiKey": key, "kableClientId": "kci_a"}, base_url=customers.base_url)
                with pytest.raises(AnswerError) as raised:
                    await checks.check("account", key, destination)
                return f"{raised.value.status} {raised.value.retry_after}"

            return await asyncio.gather(*map(check, range(40)))

    found = asyncio.run(run())
    assert (found.count("401 None"), found.count("503 1"), customers.checks) == (32, 8, 32)

"""Live or Test: the key decides, a key of neither goes nowhere, and a loopback host is never Live."""

from __future__ import annotations

import pytest

from kable_destination.definitions import Destination, SetupError
from kable_destination.destination import kable


def destination(key: str, base_url: str | None = None) -> Destination:
    """Set Kable up with a key."""
    return Destination(kable, {"apiKey": key, "kableClientId": "kci_1"}, base_url=base_url)


@pytest.mark.parametrize(
    ("key", "base_url", "host", "name"),
    [
        ("sk_live.a", None, "live.kable.io", "Live"),
        ("sk_live_a", None, "live.kable.io", "Live"),
        ("sk_test.a", None, "test.kable.io", "Test"),
        ("sk_live.a", "https://relay.example", "relay.example", "Live"),
        ("sk_live.a", "http://127.0.0.1:1", "127.0.0.1", "Test"),
        ("sk_live.a", "http://localhost:1", "localhost", "Test"),
        ("sk_live.a", "https://[::1]:1", "::1", "Test"),
        ("sk_test.a", "https://live.kable.io", "live.kable.io", "Test"),
        ("another.key", "https://relay.example", "relay.example", "Test"),
    ],
)
def test_the_key_and_the_host_say_whether_events_are_billed(
    key: str, base_url: str | None, host: str, name: str
) -> None:
    ready = destination(key, base_url)
    assert ready.request.url("/").host == host
    assert ready.environment is not None
    assert (ready.environment.name, ready.is_live) == (name, name == "Live")


@pytest.mark.parametrize("key", ["another.key", "SK_LIVE.a", " sk_test.a", "sk_te.st", "pk_live.a", "sk-live.a"])
def test_a_key_of_no_environment_is_refused_without_a_base_url(key: str) -> None:
    with pytest.raises(SetupError) as caught:
        destination(key)
    (problem,) = caught.value.problems
    assert problem.place == "settings.apiKey"
    assert "should begin with sk_live or sk_test" in problem.message
    assert key not in problem.message


def test_a_missing_key_is_one_problem() -> None:
    with pytest.raises(SetupError) as caught:
        Destination(kable, {"kableClientId": "kci_1"})
    assert [problem.place for problem in caught.value.problems] == ["settings.apiKey"]

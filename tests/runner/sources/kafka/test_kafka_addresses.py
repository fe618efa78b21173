"""Addresses of topics: what they may say, and that nothing secret is in them or in a message about them."""

from __future__ import annotations

import pytest

from kable_destination.definitions import SetupError
from kable_destination.runner.configuration.kafka_options import OPTIONS, client_options, secrets_of
from kable_destination.runner.sources.kafka.address import EARLIEST, LATEST, Bound, KafkaAddress, read_address


def test_an_address_says_brokers_topic_and_how_to_read() -> None:
    assert read_address("kafka://a:9092,[::1]:9093,c/usage.v1?group=bill", "--from") == KafkaAddress(
        "a:9092,[::1]:9093,c", "usage.v1", group="bill"
    )
    found = read_address("kafka://a/t?group=g&start=latest&lost=continue&sasl.mechanism=PLAIN", "--from")
    assert (found.start, found.continues, found.options) == (LATEST, True, {"sasl.mechanism": "PLAIN"})
    found = read_address("kafka://a/t?from=0:5,2:7&to=2026-11-01T00:00:00%2B01:00", "--from")
    assert (found.begin, found.end) == (Bound(offsets={0: 5, 2: 7}), Bound(time=1_793_487_600_000))
    assert found.range == "0:5,2:7..2026-11-01T00:00:00+01:00"
    assert read_address("kafka://a/t?from=earliest", "--from").begin == EARLIEST


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("kafka://a/t", "group: is missing"),
        ("kafka:///t?group=g", "names no broker"),
        ("kafka://a b/t?group=g", "names no broker"),
        ("kafka://a/?group=g", "names no topic"),
        ("kafka://a/t/u?group=g", "names no topic"),
        ("kafka://a/..?group=g", "names no topic"),
        ("kafka://a/t?group=g&group=h", "is given twice"),
        ("kafka://a/t?grup=g&group=g", 'did you mean "group"?'),
        ("kafka://a/t?group=g&start=0:5", "start: is earliest, latest or a time"),
        ("kafka://a/t?group=g&start=2026-11-01", "a time with its zone"),
        ("kafka://a/t?group=g&accounts=a%20b", "accounts: is the name of a header"),
        ("kafka://a/t?group=g&lost=skip", "lost: is stop or continue"),
        ("kafka://a/t?group=g&enable.auto.commit=true", "enable.auto.commit: is not an option of Kafka"),
        ("kafka://a/t?group=g&auto.offset.reset=latest", "auto.offset.reset: is not an option"),
        ("kafka://a/t?group=g&sasl.kerberos.kinit.cmd=rm", "is not an option"),
        ("kafka://user:hidden@a/t?group=g", "has a user or a password in it"),
        ("kafka://a/t?group=g&sasl.password=hidden", "is a secret; name the variable that holds it: sasl.password.env"),
        (f"kafka://a/t?group={'g' * 250}", "is not a name of up to 249 letters"),
        (f"kafka://a/t?group=g&client.id={'x' * 10_000}", "is not the address of a topic"),
        ("https://hidden@a/t", 'is not the address of a topic ("https")'),
    ],
)
def test_a_wrong_address_is_refused_with_the_reason(address: str, message: str) -> None:
    with pytest.raises(SetupError) as raised:
        read_address(address, "--from")
    told = str(raised.value)
    assert message in told
    assert "hidden" not in told


def test_secrets_come_from_variables_and_options_of_the_other_kind_are_left_out() -> None:
    options = {"sasl.password.env": "PASSWORD", "linger.ms": 5, "fetch.min.bytes": 2, "socket.keepalive.enable": True}
    variables = {"PASSWORD": "hidden"}
    assert client_options(options, variables, "kafka.", consumes=True) == {
        "sasl.password": "hidden",
        "fetch.min.bytes": "2",
        "socket.keepalive.enable": "true",
    }
    assert "linger.ms" in client_options(options, variables, "kafka.", consumes=False)
    assert list(secrets_of(options, variables)) == ["hidden"]
    with pytest.raises(SetupError, match="the variable PASSWORD is not set"):
        client_options(options, {}, "kafka.", consumes=True)


def test_no_option_loads_a_library_or_runs_a_program() -> None:
    assert not [
        name for name in OPTIONS if "cmd" in name or "library" in name or "engine" in name or "provider" in name
    ]

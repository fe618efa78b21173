"""Logins, TLS and rules of access on a real cluster: what is refused is said, and never with a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from certificates import make_certificate
from kafka_properties import PASSWORD, USER
from kafka_workers import event, new_topic

if TYPE_CHECKING:
    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox
    from kafka_cluster import Cluster

_WRONG = "wrong-S3cr3t"
_PLAIN = """
[kafka]
"security.protocol" = "SASL_PLAINTEXT"
"sasl.mechanism" = "PLAIN"
"""
_SCRAM = """
[kafka]
"security.protocol" = "SASL_SSL"
"sasl.mechanism" = "SCRAM-SHA-512"
"ssl.ca.location" = "ca.pem"
"""


class Delivering:
    """Runs `deliver --from` for a topic with one event, at a listener that needs a login."""

    def __init__(self, command_line: CommandLine, sandbox: RunningSandbox, cluster: Cluster) -> None:
        self.topic = new_topic()
        cluster.create_topic(self.topic, 1)
        cluster.publish(self.topic, [event(0)])
        self._command_line = command_line
        self._sandbox = sandbox

    def __call__(self, brokers: str, configuration: str, password: str | None = PASSWORD) -> Run:
        """Run it, with a password in the environment."""
        login = f'"sasl.username" = "{USER}"\n"sasl.password.env" = "KABLE_KAFKA_PASSWORD"\n'
        (self._command_line.folder / "kable.toml").write_text(configuration + login)
        address = f"kafka://{brokers}/{self.topic}?group={self.topic}"
        command = ("deliver", "--from", address, "--config", "kable.toml", "--base-url", self._sandbox.base_url)
        if password is None:
            run = self._command_line(*command)
        else:
            run = self._command_line(*command, KABLE_KAFKA_PASSWORD=password)
        assert "S3cr3t" not in run.out + run.err
        return run

    @property
    def delivered(self) -> int:
        """How many events have arrived."""
        return len(self._sandbox.ledger.events)


@pytest.fixture
def deliver(command_line: CommandLine, sandbox: RunningSandbox, cluster: Cluster) -> Delivering:
    """A delivery of a topic of its own."""
    return Delivering(command_line, sandbox, cluster)


def test_a_login_has_its_password_from_a_variable_and_no_message_has_it(cluster: Cluster, deliver: Delivering) -> None:
    wrong = deliver(cluster.brokers_with_login, _PLAIN, _WRONG)
    assert wrong.code == 2
    assert "Authentication failed" in wrong.out + wrong.err
    assert deliver(cluster.brokers_with_login, _PLAIN, None).code == 2
    run = deliver(cluster.brokers_with_login, _PLAIN)
    assert (run.code, deliver.delivered) == (0, 1), run.out + run.err


def test_brokers_are_trusted_by_their_certificate_and_a_login_by_scram(
    cluster: Cluster, deliver: Delivering, command_line: CommandLine
) -> None:
    cluster.let_in()
    authority = command_line.folder / "ca.pem"
    authority.write_bytes(make_certificate(command_line.folder).file.read_bytes())
    run = deliver(cluster.brokers_with_tls, _SCRAM)
    assert run.code == 2
    assert "certificate verify failed" in run.out + run.err
    authority.write_bytes(cluster.certificate.read_bytes())
    # The certificate is for localhost.
    run = deliver(cluster.brokers_with_tls.replace("localhost", "127.0.0.1"), _SCRAM)
    assert run.code == 2
    assert "certificate verify failed" in run.out + run.err
    run = deliver(cluster.brokers_with_tls, _SCRAM, _WRONG)
    assert run.code == 2
    assert "Authentication failed" in run.out + run.err
    assert deliver.delivered == 0
    run = deliver(cluster.brokers_with_tls, _SCRAM)
    assert (run.code, deliver.delivered) == (0, 1), run.out + run.err
    authority.unlink()
    run = deliver(cluster.brokers_with_tls, _SCRAM)
    assert run.code == 2
    assert 'ssl.ca.location: there is no file "ca.pem"' in run.err


@pytest.mark.parametrize(
    ("kind", "message"), [("TOPIC", "Topic authorization failed"), ("GROUP", "Group authorization failed")]
)
def test_a_rule_that_denies_reading_is_said(cluster: Cluster, deliver: Delivering, kind: str, message: str) -> None:
    rule = AclBinding(
        ResourceType[kind],
        deliver.topic,
        ResourcePatternType.LITERAL,
        f"User:{USER}",
        "*",
        AclOperation.READ,
        AclPermissionType.DENY,
    )
    cluster.admin.create_acls([rule])[rule].result()
    run = deliver(cluster.brokers_with_login, _PLAIN)
    assert run.code != 0
    assert message in run.out + run.err
    assert deliver.delivered == 0

"""A service reads its configuration again, or keeps the one that it has and says why."""

from __future__ import annotations

import json
import signal
import ssl
from typing import TYPE_CHECKING

import httpx
import pytest

from certificates import make_certificate
from command_line import CLIENT_ID
from running_service import CONFIGURATION, WRITE_KEY, running_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from running_service import RunningService

EVENT = {"userId": "u1", "event": "X", "timestamp": "2026-11-30T06:00:00Z"}


@pytest.fixture
def service(tmp_path: Path, sandbox: RunningSandbox) -> Iterator[RunningService]:
    with running_service(tmp_path, sandbox) as running:
        yield running


def test_write_keys_and_limits_change_at_once(service: RunningService) -> None:
    changed = f"{CONFIGURATION.replace(WRITE_KEY, 'wk_new')}\n[service]\nrequireMessageId = true\n"
    assert service.reload(changed) == "the configuration is reloaded"
    assert service.post("/v1/track", {**EVENT, "messageId": "m1"}).status_code == 400
    auth = ("wk_new", "")
    assert service.post("/v1/track", EVENT, auth=auth).status_code == 200
    assert service.post("/v1/track", {**EVENT, "messageId": "m2"}, auth=auth).status_code == 200
    assert [event["transactionId"] for event in service.delivered(1)] == ["m2"]
    (letter,) = service.dead_letters()
    assert letter.message.startswith("messageId is missing")


def test_settings_of_an_account_that_is_served_change_at_once(service: RunningService) -> None:
    assert service.post("/v1/track", {**EVENT, "messageId": "m1"}).status_code == 200
    changed = CONFIGURATION.replace("[settings]", '[settings]\nclientIdField = "context.groupId"')
    assert service.reload(changed) == "the configuration is reloaded"
    assert service.post("/v1/track", {**EVENT, "messageId": "m2", "context": {"groupId": "g1"}}).status_code == 200
    assert [event["clientId"] for event in service.delivered(2)] == ["u1", "g1"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("[settings", "is not valid TOML"),
        (CONFIGURATION.replace('"default"', '"nobody"'), 'there is no account "nobody"'),
        (CONFIGURATION + '[service]\nanalyticsJs = "missing.js"\n', "missing.js cannot be read"),
    ],
)
def test_a_mistake_keeps_the_present_configuration_and_is_reported(
    service: RunningService, broken: str, reason: str
) -> None:
    told = service.reload(broken)
    assert told.startswith("the configuration is not reloaded, and the present one stays: ")
    assert reason in told
    assert service.post("/v1/track", {**EVENT, "messageId": "m1"}).status_code == 200
    service.delivered(1)


def test_what_takes_effect_at_the_next_start_is_named(service: RunningService) -> None:
    service.reload(CONFIGURATION.replace("[settings]", "[delivery]\nconcurrency = 2\n\n[settings]"))
    assert service.reports[1:] == ["these take effect at the next start: delivery"]


def test_a_renewed_certificate_is_used_for_new_connections(tmp_path: Path, sandbox: RunningSandbox) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    first, second = map(make_certificate, folders)
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(first.file.read_bytes())
    key.write_bytes(first.key.read_bytes())
    options = {"certificate": str(certificate), "certificateKey": str(key), "host": "localhost"}
    with running_service(tmp_path, sandbox, service=options) as service:
        assert service.running.base_url.startswith("https://")
        url = f"https://localhost:{service.running.base_url.rpartition(':')[2]}/healthz"
        assert httpx.get(url, verify=ssl.create_default_context(cafile=first.file)).status_code == 200
        certificate.write_bytes(second.file.read_bytes())
        key.write_bytes(second.key.read_bytes())
        assert service.reload(CONFIGURATION) == "the configuration is reloaded"
        assert httpx.get(url, verify=ssl.create_default_context(cafile=second.file)).status_code == 200


def test_sighup_reloads_and_sigterm_ends_in_order(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    file = command_line.folder / "kable.toml"
    file.write_text(CONFIGURATION, encoding="utf-8")
    command = ("serve", "--config", "kable.toml", "--port", "0", "--json", "--base-url", sandbox.base_url)
    with command_line.start(*command) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = json.loads(process.stdout.readline())["base_url"]
        file.write_text(CONFIGURATION.replace(WRITE_KEY, "wk_new"), encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        while b"the configuration is reloaded" not in process.stderr.readline():
            assert process.poll() is None
        event = {**EVENT, "messageId": "m1", "writeKey": "wk_new"}
        assert httpx.post(f"{url}/v1/track", json=event).status_code == 200
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert CLIENT_ID in command_line("status").out

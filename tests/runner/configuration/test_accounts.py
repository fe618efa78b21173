"""Accounts under names: their keys stay out of the file, and their environment is checked."""

from __future__ import annotations

import os
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from kable_destination.definitions import SetupError
from kable_destination.runner.configuration.configuration import Configuration

if TYPE_CHECKING:
    from pathlib import Path

LIVE, TEST = "sk_live.S3cret-of-nobody", "sk_test.S3cret-of-nobody"
ACCOUNTS = """
[settings]
kableClientId = "kci_file"
clientIdField = "context.groupId"

[accounts.production]
environment = "Live"
clientId = "kci_live"
apiKeyEnv = "PRODUCTION_KEY"

[accounts.trial]
environment = "Test"
clientId = "kci_test"
apiKeyFile = "keys/trial"
"""
VARIABLES = {"PRODUCTION_KEY": LIVE, "KABLE_API_KEY": "sk_test.of-the-environment", "KABLE_CLIENT_ID": "kci_env"}


def configuration(
    folder: Path, account: str | None = None, text: str = ACCOUNTS, environment: dict[str, str] | None = None
) -> Configuration:
    """Read a configuration with accounts, and the file of a key."""
    (folder / "keys").mkdir(exist_ok=True)
    (folder / "keys" / "trial").write_text(f"{TEST}\r\n", encoding="utf-8", newline="")
    path = folder / "kable.toml"
    path.write_text(text, encoding="utf-8")
    return Configuration(path, environment=VARIABLES if environment is None else environment, account=account)


@pytest.mark.parametrize(
    ("account", "key", "client", "origin"),
    [
        (None, "sk_test.of-the-environment", "kci_env", "KABLE_API_KEY"),
        ("production", LIVE, "kci_live", "accounts.production.apiKeyEnv: PRODUCTION_KEY"),
        ("trial", TEST, "kci_test", "accounts.trial.apiKeyFile: keys/trial"),
    ],
)
def test_an_account_that_is_chosen_wins_over_file_and_environment(
    tmp_path: Path, account: str | None, key: str, client: str, origin: str
) -> None:
    read = configuration(tmp_path, account)
    assert read.set_up().settings == {"apiKey": key, "kableClientId": client, "clientIdField": "context.groupId"}
    assert read.origins.of("settings.apiKey") == origin


def test_a_variable_of_an_account_may_be_in_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"KABLE_PRODUCTION_KEY={LIVE}\n", encoding="utf-8")
    (tmp_path / ".env").chmod(0o600)
    text = ACCOUNTS.replace("PRODUCTION_KEY", "KABLE_PRODUCTION_KEY")
    read = configuration(tmp_path, "production", text, {})
    assert read.set_up().settings["apiKey"] == LIVE
    assert read.warnings == [], "its name is known"


@pytest.mark.parametrize(
    ("account", "text", "told"),
    [
        ("producton", ACCOUNTS, '--account: there is no account "producton"; did you mean "production"?'),
        ("x", ACCOUNTS, '--account: there is no account "x"; there are production, trial'),
        ("x", "", '--account: there is no account "x"; there is no [accounts.NAME]'),
        (
            "production",
            ACCOUNTS.replace("PRODUCTION_KEY", "NOWHERE"),
            "accounts.production.apiKeyEnv: the variable NOWHERE is not set",
        ),
        ("trial", ACCOUNTS.replace("keys/trial", "keys/none"), "keys/none cannot be read: No such file or directory"),
        ("trial", ACCOUNTS.replace("keys/trial", "keys"), "keys cannot be read: Is a directory"),
        (
            "trial",
            ACCOUNTS.replace('"Test"', '"Live"'),
            "accounts.trial.apiKeyFile: keys/trial: is a Test key, but the account trial is Live; correct one of them",
        ),
    ],
)
def test_what_is_wrong_with_the_chosen_account_is_told(tmp_path: Path, account: str, text: str, told: str) -> None:
    with pytest.raises(SetupError) as caught:
        configuration(tmp_path, account, text).set_up()
    assert told in str(caught.value)
    assert "S3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('environment = "live"', "accounts.a.environment: should be Live or Test"),
        ("clientId = 5", "accounts.a.clientId: should be a text that is not empty"),
        ('clientID = "x"', 'accounts.a.clientID: there is no such key; did you mean "clientId"?'),
        ('apiKey = "x"', "a secret stays out of this file"),
        ('apiKeyEnv = "X"\napiKeyFile = "y"', "accounts.a: has apiKeyEnv and apiKeyFile; one of them says"),
    ],
)
def test_every_account_is_checked_though_none_is_chosen(tmp_path: Path, table: str, told: str) -> None:
    with pytest.raises(SetupError) as caught:
        configuration(tmp_path, None, f"[accounts.a]\n{table}\n").set_up()
    assert told in str(caught.value)


def test_a_missing_setting_names_the_accounts(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as caught:
        configuration(tmp_path, environment={}).set_up()
    assert "set KABLE_API_KEY or choose an account (--account production|trial)" in str(caught.value)


def test_the_keys_of_all_accounts_are_masked(tmp_path: Path) -> None:
    redactor = configuration(tmp_path).redactor()
    assert redactor.text(f"{LIVE} {TEST} {VARIABLES['KABLE_API_KEY']} kci_live").replace("•", "") == "   kci_live"


def test_a_key_may_come_through_a_pipe(tmp_path: Path) -> None:
    """It is read once, and only if its account is chosen."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = ACCOUNTS.replace("keys/trial", str(pipe))
    assert configuration(tmp_path, None, text).redactor().text(LIVE) != LIVE
    writer = Thread(target=pipe.write_text, args=(f"{TEST}\n",))
    writer.start()
    read = configuration(tmp_path, "trial", text)
    writer.join()
    assert read.set_up().settings["apiKey"] == TEST
    assert read.redactor().text(TEST) != TEST


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://usage.example.com/", None),
        ("http://127.0.0.1:8080", None),
        ("http://usage.example.com", "publicUrl: should begin with https://"),
        ("usage.example.com", "publicUrl: should be a URL such as"),
        ("https://ada:x@usage.example.com", "publicUrl: should hold neither credentials"),
    ],
)
def test_the_public_url_is_checked(tmp_path: Path, url: str, told: str | None) -> None:
    read = configuration(tmp_path, None, f'publicUrl = "{url}"\n')
    if told is None:
        read.set_up()
        assert read.public_url == url.rstrip("/")
        return
    with pytest.raises(SetupError) as caught:
        read.set_up()
    assert told in str(caught.value)
    with pytest.raises(SetupError, match=r"publicUrl \(KABLE_PUBLIC_URL\): should be a URL"):
        Configuration(environment={**VARIABLES, "KABLE_PUBLIC_URL": "x"}).set_up()

"""The keys that encrypt stored credentials: where they come from, and what is wrong with them."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from command_line import API_KEY, CLIENT_ID
from kable_destination.definitions import Problem, SetupError
from kable_destination.runner.configuration.secrets_keys import new_key, read_secrets_keys, write_new_key
from kable_destination.runner.configuration.service_configuration import read_service_configuration
from kable_destination.runner.secrets import Keyring

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, text: str = "") -> tuple[tuple[str, ...], list[Problem]]:
    """Read the keys of a variable and of a file."""
    problems: list[Problem] = []
    return read_secrets_keys(path, {"KABLE_SECRETS_KEY": text}, problems), problems


def test_without_a_variable_and_a_file_there_are_no_keys(tmp_path: Path) -> None:
    assert read(tmp_path / "secrets.key") == ((), [])


def test_a_new_file_is_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    assert write_new_key(path)
    text = path.read_text(encoding="ascii")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not write_new_key(path)
    assert path.read_text(encoding="ascii") == text
    assert read(path) == ((text.strip(),), [])


def test_a_link_is_not_followed_to_make_a_key(tmp_path: Path) -> None:
    (tmp_path / "secrets.key").symlink_to(tmp_path / "elsewhere")
    assert not write_new_key(tmp_path / "secrets.key")
    assert not (tmp_path / "elsewhere").exists()
    keys, (problem,) = read(tmp_path / "secrets.key")
    assert (keys, problem.message) == ((), "cannot be read: No such file or directory")


def test_the_variable_wins_and_the_newest_key_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    write_new_key(path)
    new, old = new_key(), new_key()
    assert read(path, f" {new} ,\n{old},{new},") == ((new, old), [])
    path.write_text(f"{new}\r\n\n{old}\n", encoding="ascii")
    assert read(path) == ((new, old), [])


@pytest.mark.parametrize("text", ["short", "A" * 43, "A" * 43 + "==", "é" * 44, "!" * 44, API_KEY])
def test_a_malformed_key_is_a_problem_with_the_place_and_a_remedy(tmp_path: Path, text: str) -> None:
    keys, (problem,) = read(tmp_path / "none", f"{new_key()},{text}")
    assert (keys, problem.place) == ((), "KABLE_SECRETS_KEY")
    assert problem.message.startswith("key 2 of 2 is not 32 bytes in URL-safe base64; `kable-destination init` makes")
    assert text not in problem.message
    path = tmp_path / "secrets.key"
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    keys, (problem,) = read(path)
    assert (keys, problem.place) == ((), str(path))
    assert problem.message.startswith("the key is not 32 bytes in URL-safe base64")


def test_a_file_that_others_can_read_or_that_is_empty_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    write_new_key(path)
    path.chmod(0o640)
    assert [problem.message for problem in read(path)[1]] == [
        f"can be read by others; make it yours alone: chmod 600 {path}"
    ]
    path.chmod(0o600)
    path.write_text("", encoding="ascii")
    assert [problem.message for problem in read(path)[1]] == [f"{path} is empty"]


def test_the_service_does_not_start_with_a_malformed_key(tmp_path: Path) -> None:
    path = tmp_path / "kable.toml"
    path.write_text(f'[settings]\nkableClientId = "{CLIENT_ID}"', encoding="utf-8")
    environment = {"KABLE_API_KEY": API_KEY, "KABLE_SECRETS_KEY": "wrong-key-that-is-secret"}
    with pytest.raises(SetupError, match="KABLE_SECRETS_KEY: the key is not 32 bytes") as raised:
        read_service_configuration(path, environment=environment)
    assert "wrong-key" not in str(raised.value)


def test_the_keys_are_not_shown_with_the_configuration(tmp_path: Path) -> None:
    path, key = tmp_path / "kable.toml", new_key()
    path.write_text(f'[settings]\nkableClientId = "{CLIENT_ID}"', encoding="utf-8")
    environment = {"KABLE_API_KEY": API_KEY, "KABLE_SECRETS_KEY": key}
    configuration = read_service_configuration(path, environment=environment)
    assert key not in repr(configuration)
    assert key in configuration.secrets


def test_the_variable_may_be_in_the_env_file(tmp_path: Path) -> None:
    path, key = tmp_path / "kable.toml", new_key()
    path.write_text(f'[settings]\nkableClientId = "{CLIENT_ID}"', encoding="utf-8")
    (tmp_path / ".env").write_text(f"KABLE_SECRETS_KEY={key}\n", encoding="utf-8")
    configuration = read_service_configuration(path, environment={"KABLE_API_KEY": API_KEY})
    assert list(configuration.secrets_keys) == [key]
    assert not any("SECRETS" in warning for warning in configuration.warnings)


def test_each_key_opens_what_it_encrypted_and_a_changed_content_is_opened_by_none() -> None:
    old, new = new_key(), new_key()
    encrypted = Keyring([old]).encrypt(b"content")
    opened = Keyring([new, old]).decrypt(encrypted)
    assert opened is not None
    assert (opened.content, opened.is_newest) == (b"content", False)
    again = Keyring([old, new]).decrypt(encrypted)
    assert again is not None
    assert again.is_newest
    assert Keyring([new]).decrypt(encrypted) is None
    for at in (0, 20, len(encrypted) - 9):
        changed = encrypted[:at] + (b"A" if encrypted[at : at + 1] != b"A" else b"B") + encrypted[at + 1 :]
        assert Keyring([old, new]).decrypt(changed) is None
    for hostile in (b"", b"x", b"\xff" * 100, encrypted[:50]):
        assert Keyring([old, new]).decrypt(hostile) is None

"""The file `.env` beside a configuration: which variables are read, and what wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kable_destination.definitions import SetupError
from kable_destination.runner.configuration.configuration import Configuration
from kable_destination.runner.configuration.env_file import read_env_file, write_env_file

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.definitions import Problem

KEY = "sk_test.S3cret-of-nobody"


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    """Write `.env`, and an empty configuration beside it."""
    (folder / "kable.toml").write_text("", encoding="utf-8")
    path = folder / ".env"
    path.write_text(text, encoding="utf-8", newline="")
    path.chmod(mode)
    return path


def read(path: Path) -> tuple[dict[str, str], list[Problem], list[str]]:
    """Read a file, and return the variables, the problems and the warnings."""
    problems: list[Problem] = []
    warnings: list[str] = []
    return read_env_file(path, "KABLE_", problems, warnings), problems, warnings


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (f"KABLE_API_KEY={KEY}", KEY),
        (f"KABLE_API_KEY={KEY}\r", KEY),
        (f"export KABLE_API_KEY = {KEY}  ", KEY),
        (f'KABLE_API_KEY="{KEY}" # of nobody', KEY),
        (f"KABLE_API_KEY='{KEY}'", KEY),
        (f"KABLE_API_KEY={KEY} # of nobody", KEY),
        (f"\ufeffKABLE_API_KEY={KEY}", KEY),
        ("KABLE_API_KEY=a=b#c", "a=b#c"),
        ("KABLE_API_KEY=", ""),
    ],
)
def test_a_line_is_read_as_people_write_it(tmp_path: Path, line: str, value: str) -> None:
    variables, problems, warnings = read(written(tmp_path, f"{line}\n# a comment\n\nOTHER=1\nPATH=/tmp\n"))
    assert (variables, problems, warnings) == ({"KABLE_API_KEY": value}, [], [])


@pytest.mark.parametrize("line", [KEY, f'KABLE_API_KEY="{KEY}', f"KABLE_API_KEY='{KEY}' {KEY}", f"KABLE API_KEY={KEY}"])
def test_a_line_that_cannot_be_read_is_named_and_not_shown(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, f"KABLE_CLIENT_ID=kci_1\n{line}\n")
    with pytest.raises(SetupError) as caught:
        Configuration(tmp_path / "kable.toml", environment={}).set_up()
    assert f"{path}, line 2: should read NAME=value" in str(caught.value)
    assert KEY not in str(caught.value)


def test_the_environment_wins(tmp_path: Path) -> None:
    written(tmp_path, f"KABLE_API_KEY={KEY}\nKABLE_CLIENT_ID=kci_file\nKABLE_CONCURRENCY=3\n")
    given = {"KABLE_CLIENT_ID": "kci_environment", "KABLE_API_KEY": ""}
    configuration = Configuration(tmp_path / "kable.toml", environment=given)
    assert configuration.set_up().settings == {"apiKey": KEY, "kableClientId": "kci_environment"}
    assert configuration.delivery.concurrency == 3
    assert configuration.origins.of("settings.apiKey") == f"KABLE_API_KEY in {tmp_path / '.env'}"
    assert configuration.origins.of("settings.kableClientId") == "KABLE_CLIENT_ID"


def test_it_is_read_beside_a_configuration_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, f"KABLE_API_KEY={KEY}\n")
    monkeypatch.chdir(tmp_path)
    assert "apiKey" not in Configuration(environment={}).settings


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_permissions_that_let_others_read_it_are_warned_of(tmp_path: Path, mode: int, *, warned: bool) -> None:
    path = written(tmp_path, f"KABLE_API_KEY={KEY}\n", mode)
    _, problems, warnings = read(path)
    expected = f"others may use {path}, which holds settings (its mode is {mode:04o}); chmod 600 {path}"
    assert (problems, warnings) == ([], [expected] if warned else [])


def test_what_has_none_of_our_variables_is_nobodys_business(tmp_path: Path) -> None:
    assert read(written(tmp_path, "DATABASE_URL=postgres://x\n", 0o644)) == ({}, [], [])
    assert read(tmp_path / "nowhere" / ".env") == ({}, [], [])
    assert read(tmp_path) == ({}, [], [])


@pytest.mark.parametrize("value", [KEY, "a b", "a#b", 'a"b', "a'b", "$HOME", "größe"])
def test_what_is_written_is_read_again(tmp_path: Path, value: str) -> None:
    path = tmp_path / ".env"
    write_env_file(path, {"KABLE_API_KEY": value})
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")
    write_env_file(path, {"KABLE_CLIENT_ID": value})
    assert read(path)[0] == {"KABLE_API_KEY": value, "KABLE_CLIENT_ID": value}


def test_a_value_that_no_line_holds_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be printed"):
        write_env_file(tmp_path / ".env", {"KABLE_API_KEY": "a\nb"})

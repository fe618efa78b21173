"""Accounts of a destination under names: `[accounts.NAME]` in a configuration, chosen by `--account NAME`.

Their keys stay out of the file: it names a variable of the environment, or another file, that holds them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...definitions import Problem, nearest, quoted
from .environment import environment_name
from .secret_file import read_secret_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ...definitions import DestinationDefinition

ENVIRONMENT = "environment"
"""The key of an account that names its environment, such as Live."""


@dataclass(frozen=True, slots=True)
class AccountKey:
    """A key of the table of an account: the setting that it fills, and `suffix`, how that is found.

    "" is the value itself, `Env` the name of a variable that holds it, `File` the path of a file that does.
    """

    name: str
    setting: str
    suffix: str = ""


@dataclass(slots=True)
class Account:
    """The settings of an account, where each comes from, and the environment that the file says it belongs to."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    environment: str | None = None


def account_keys(destination: str, definition: DestinationDefinition) -> Iterator[AccountKey]:
    """Yield the keys of an account: those of the settings that say whose the events are.

    The name of the destination is left out: for `kable`, the setting `kableClientId` has the key `clientId`. The secret
    `apiKey` has `apiKeyEnv` and `apiKeyFile`.
    """
    for key, setting in definition.settings.items():
        if key not in definition.authentication.fields and setting.type != "password":
            continue
        name = _short(destination, key)
        if setting.type == "password":
            yield AccountKey(f"{name}Env", key, "Env")
            yield AccountKey(f"{name}File", key, "File")
        else:
            yield AccountKey(name, key)


class Accounts:
    """The accounts of a file. Problems are added to a list, each with its place."""

    def __init__(
        self,
        tables: Mapping[str, Any],
        destination: str,
        definition: DestinationDefinition,
        variables: Mapping[str, str],
        folder: Path,
    ) -> None:
        self._tables = tables
        self._keys = {key.name: key for key in account_keys(destination, definition)}
        environments = definition.environments
        self._environments = [] if environments is None else [choice.name for choice in environments.choices]
        self._variables = variables
        self._folder = folder
        self._secrets = {key for key, setting in definition.settings.items() if setting.type == "password"}
        self._contents: dict[Path, str] = {}

    @property
    def names(self) -> list[str]:
        """The names of all accounts."""
        return list(self._tables)

    def check(self, problems: list[Problem]) -> None:
        """Add the problems of all tables, also those of accounts that are not used. Secrets are not looked for."""
        for name, table in self._tables.items():
            place = f"accounts.{name}"
            if isinstance(table, dict):
                problems.extend(self._table_problems(place, table))
            else:
                problems.append(Problem(place, f"should be a table: [{place}]"))

    def read(self, name: str, problems: list[Problem], *, is_chosen: bool = True) -> Account:
        """Return an account, with its secrets.

        Of an account that is not chosen, only regular files are read: a pipe can be read only once.
        """
        account = Account(name)
        if name not in self._tables:
            known = f"; there are {', '.join(self.names)}" if self.names else "; there is no [accounts.NAME]"
            message = f"there is no account {quoted(name)}{nearest(name, self.names) or known}"
            problems.append(Problem("--account", message))
        table = self._tables.get(name)
        if not isinstance(table, dict):
            return account
        environment = table.get(ENVIRONMENT)
        account.environment = environment if environment in self._environments else None
        for key in self._keys.values():
            text = table.get(key.name)
            if isinstance(text, str) and text:
                self._fill(account, key, text, problems, is_chosen=is_chosen)
        return account

    def secrets(self) -> Iterator[str]:
        """Yield the secrets of all accounts, as far as they can be found."""
        for name in self._tables:
            settings = self.read(name, [], is_chosen=False).settings
            yield from (settings[key] for key in self._secrets if key in settings)

    def variables(self) -> Iterator[str]:
        """Yield the variables that accounts name."""
        for table in self._tables.values():
            for key in self._keys.values():
                text = table.get(key.name) if isinstance(table, dict) else None
                if key.suffix == "Env" and isinstance(text, str):
                    yield text

    def _table_problems(self, place: str, table: Mapping[str, Any]) -> Iterator[Problem]:
        known = (ENVIRONMENT, *self._keys) if self._environments else tuple(self._keys)
        for key, value in table.items():
            if key not in known:
                hint = nearest(key, known) or f"; there are {', '.join(known)}"
                yield Problem(f"{place}.{key}", f"there is no such key{hint}{self._about_secrets(key)}")
            elif not isinstance(value, str) or not value:
                yield Problem(f"{place}.{key}", "should be a text that is not empty")
            elif key == ENVIRONMENT and value not in self._environments:
                yield Problem(f"{place}.{key}", f"should be {' or '.join(self._environments)}")
        for setting in self._secrets:
            given = [key.name for key in self._keys.values() if key.setting == setting and key.name in table]
            if len(given) > 1:
                yield Problem(place, f"has {' and '.join(given)}; one of them says where the key is")

    def _about_secrets(self, key: str) -> str:
        is_secret = any(key == name.removesuffix("Env") for name in self._keys)
        return "; a secret stays out of this file" if is_secret else ""

    def _fill(self, account: Account, key: AccountKey, text: str, problems: list[Problem], *, is_chosen: bool) -> None:
        place = f"accounts.{account.name}.{key.name}"
        origin, value = place, text
        if key.suffix == "Env":
            origin, value = f"{place}: {text}", self._variables.get(text, "")
            if not value:
                problems.append(Problem(place, f"the variable {text} is not set"))
        elif key.suffix == "File":
            path = self._folder / text
            if is_chosen or path in self._contents or os.path.isfile(path):  # noqa: PTH113 - of any text
                origin, value = f"{place}: {text}", self._from_file(place, path, problems)
            else:
                value = ""
        if value:
            account.settings[key.setting], account.origins[key.setting] = value, origin

    def _from_file(self, place: str, path: Path, problems: list[Problem]) -> str:
        """Return what a file holds, without the end of its last line. It is read only once, since it may be a pipe."""
        if path in self._contents:
            return self._contents[path]
        content = read_secret_file(place, path, problems)
        if not content:
            return ""
        self._contents[path] = content
        return content


def _short(destination: str, setting: str) -> str:
    """Return the name of a setting without that of its destination, as its variable has it only once."""
    variable, prefix = environment_name(destination, setting), environment_name(destination, "")
    words = variable.removeprefix(prefix).split("_")
    length = sum(map(len, words))
    short = setting[len(setting) - length :]
    return short[:1].lower() + short[1:]

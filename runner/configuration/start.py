"""The first configuration of a user: what is known, what is missing, and the files to write."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...definitions import Destination, Problem, SetupError, nearest, placeholder_value
from . import plugins
from .configuration import DEFAULT_DESTINATION
from .env_file import ENV_FILE, read_env_file, write_env_file
from .environment import environment_name, settings_from
from .schema import configuration_schema
from .secrets_keys import KEY_FILE, write_new_key
from .template import configuration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PLAIN_TYPES = frozenset({"string", "text", "datetime", "password"})


class Start:
    """What `init` knows: the settings in the environment, in `.env` beside the file to write, and as options.

    Raises SetupError.
    """

    def __init__(
        self, destination: str | None, path: Path | None, options: Sequence[str], *, base_url: str | None
    ) -> None:
        self._given_name = destination or DEFAULT_DESTINATION
        self.definition = plugins.load(self._given_name)
        self._name = plugins.short_name(self._given_name, self.definition)
        self.path = Path(f"{self._name}.toml") if path is None else path
        if not self.path.name or not self.path.name.isprintable():
            raise SetupError.of([Problem("--config", "should name a file, in letters that can be printed")])
        self._env_file = self.path.with_name(ENV_FILE)
        self._schema = self.path.with_name(f"{self.path.stem}.schema.json")
        self._secrets_key = self.path.with_name(KEY_FILE)
        self._base_url = base_url
        self._secrets = {key for key, field in self.definition.settings.items() if field.type == "password"}
        self._typed: dict[str, str] = {}
        problems: list[Problem] = []
        in_environment = settings_from(os.environ, self._name, self.definition, problems)
        self._from_environment = dict(in_environment)
        prefix = environment_name(self._name, "")
        beside = read_env_file(self._env_file, prefix, problems, [])
        self._from_env_file = dict(settings_from(beside, self._name, self.definition, problems))
        self._options = dict(self._read_options(options, problems))
        if problems:
            raise SetupError.of(problems)

    @property
    def settings(self) -> dict[str, Any]:
        """All settings that are known."""
        return {**self._from_env_file, **self._from_environment, **self._options, **self._typed}

    def existing(self) -> list[Path]:
        """Return the files that would be overwritten."""
        return [path for path in (self.path, self._schema) if os.path.lexists(path)]

    def overridden(self) -> list[str]:
        """Return the variables that win over an option with another value."""
        return [
            environment_name(self._name, key)
            for key, value in self._options.items()
            if self._from_environment.get(key, value) != value
        ]

    def missing(self) -> list[str]:
        """Return the settings that are required and not known."""
        return [
            key
            for key, field in self.definition.settings.items()
            if field.required is True and field.default is None and key not in self.settings
        ]

    def how_to_give(self, key: str) -> Problem:
        """Return what is missing, and how to give it where nobody can be asked."""
        variable = environment_name(self._name, key)
        way = f"set {variable}" if key in self._secrets else f"add --set {key}=…, or set {variable}"
        return Problem(f"settings.{key}", f"{self.definition.settings[key].label} is required; {way}")

    def answer(self, key: str, text: str) -> str | None:
        """Take the answer of a user; return what is wrong with it, or None."""
        fault = self._fault(key, text)
        if fault is None:
            self._typed[key] = text
        return fault

    def write(self, *, save_secrets: bool) -> Iterator[Path]:
        """Write the files, and yield their paths. Raises SetupError."""
        public = {key: value for key, value in self.settings.items() if key not in self._secrets}
        is_ours = self._given_name == DEFAULT_DESTINATION
        text = configuration_text(
            self.definition,
            None if is_ours else self._given_name,
            self._name,
            public,
            schema=f"./{self._schema.name}",
            base_url=self._base_url,
        )
        yield self._written(self.path, text)
        yield self._written(self._schema, configuration_schema(self.definition, self._name))
        if self._make_secrets_key():
            yield self._secrets_key
        saved = {**(self._from_environment if save_secrets else {}), **self._typed}
        secrets = {
            environment_name(self._name, key): value
            for key, value in saved.items()
            if key in self._secrets and self._from_env_file.get(key) != value
        }
        if secrets:
            try:
                write_env_file(self._env_file, secrets)
            except OSError as error:
                raise SetupError.of([Problem(str(self._env_file), f"cannot be written: {error.strerror}")]) from None
            except ValueError as error:
                raise SetupError.of([Problem(str(self._env_file), f"cannot hold {error}")]) from None
            yield self._env_file

    def _make_secrets_key(self) -> bool:
        """Make the key that the service encrypts stored credentials with; return whether there was none yet."""
        try:
            return write_new_key(self._secrets_key)
        except OSError as error:
            raise SetupError.of([Problem(str(self._secrets_key), f"cannot be written: {error.strerror}")]) from None

    def _written(self, path: Path, text: str) -> Path:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise SetupError.of([Problem(str(path), f"cannot be written: {error.strerror}")]) from None
        return path

    def _fault(self, key: str, text: str) -> str | None:
        """Return what is wrong with one setting, whatever the others are."""
        others = {
            other: placeholder_value(other, field)
            for other, field in self.definition.settings.items()
            if field.required is True and field.default is None
        }
        try:
            Destination(self.definition, {**others, key: text}, base_url=self._base_url)
        except SetupError as error:
            own = (problem.message for problem in error.problems if problem.place.startswith(f"settings.{key}"))
            return next(own, None)
        return None

    def _read_options(self, options: Sequence[str], problems: list[Problem]) -> Iterator[tuple[str, Any]]:
        for option in options:
            key, sign, text = option.partition("=")
            field = self.definition.settings.get(key)
            if not sign:
                problems.append(Problem("--set", "should read KEY=VALUE"))
            elif field is None:
                hint = nearest(key, self.definition.settings) or f"; there are {', '.join(self.definition.settings)}"
                problems.append(Problem("--set", f'there is no setting "{key}"{hint}'))
            elif field.type == "password":
                variable = environment_name(self._name, key)
                problems.append(Problem("--set", f"{key} is a secret, which others could see there; set {variable}"))
            else:
                yield key, text if field.type in _PLAIN_TYPES else self._read_json(key, text, problems)

    def _read_json(self, key: str, text: str, problems: list[Problem]) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            problems.append(Problem("--set", f"{key} should be JSON"))
            return None

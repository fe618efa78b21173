"""The configuration of a run: a TOML file, overridden by environment variables, overridden by options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...definitions import (
    Destination,
    Problem,
    Redactor,
    SetupError,
    Subscription,
    listed,
    read_base_url,
)
from . import plugins
from .accounts import Account, Accounts
from .delivery_options import DeliveryOptions
from .env_file import ENV_FILE, read_env_file
from .environment import environment_name, misspelt_variables, options_from, settings_from
from .in_part import set_up_in_part
from .kafka_options import option_problems, secrets_of
from .origins import Origins, option_name
from .recipe import Recipe
from .secret_file import read_secret_file
from .secrets_keys import SECRETS_KEY
from .service_options import ServiceOptions
from .toml_file import read_toml, table_of, tables_of, text_of
from .validation import unknown_keys, validated

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from ...definitions import DestinationDefinition

DEFAULT_DESTINATION = "kable"
PUBLIC_URL = "publicUrl"
SECTIONS = ("destination", PUBLIC_URL, "settings", "accounts", "subscriptions", "delivery", "service", "kafka")


class Configuration:
    """A destination, its settings, its subscriptions (None: the presets), and the delivery options.

    The destination is named, or given as the path of a manifest; its variables begin with `destination_name`. They are
    also read from a file `.env` beside the configuration; the environment wins. The settings of a named `account` win
    over all. Variables that are `hidden` are not read. `warnings` are probable mistakes, and `origins` says where each
    value comes from.
    Raises SetupError with every problem of the file and of the environment at once.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        environment: Mapping[str, str],
        destination: str | None = None,
        account: str | None = None,
        delivery: Mapping[str, Any] | None = None,
        service: Mapping[str, Any] | None = None,
        hidden: Collection[str] = (),
    ) -> None:
        document = {} if path is None else read_toml(path)
        self.path = path
        self.warnings: list[str] = []
        self.origins = Origins(str(path))
        self._problems = problems = list(unknown_keys(document, SECTIONS))
        given_name = destination or text_of(document, "destination", problems) or DEFAULT_DESTINATION
        self.given_name = given_name
        self.manifest = given_name if plugins.is_manifest(given_name) else None
        self.definition = plugins.load(given_name)
        self.destination_name = plugins.short_name(given_name, self.definition)
        self._variables, self._env_file, self._from_env_file = self._read_variables(environment, hidden)
        tables = table_of(document, "accounts", problems)
        self._accounts = Accounts(tables, self.destination_name, self.definition, self._variables, self.folder)
        self._account = self._read_account(account)
        self.settings = self._read_settings(table_of(document, "settings", problems))
        self.public_url = self._read_public_url(text_of(document, PUBLIC_URL, problems))
        self.subscriptions = _subscriptions(document, problems)
        earlier = len(problems)
        read = self._read_options(table_of(document, "delivery", problems), delivery or {})
        self._delivery = read or DeliveryOptions()
        self._delivery_problems = problems[earlier:]
        self.kafka = table_of(document, "kafka", problems)
        problems += option_problems(self.kafka, "kafka.")
        self.service = self._read_service(table_of(document, "service", problems), service or {})
        known = (*self.definition.settings, *DeliveryOptions.model_fields, PUBLIC_URL)
        variables = (*map(self.variable, known), SECRETS_KEY, *self._accounts.variables())
        self.warnings += misspelt_variables(self._variables, self.destination_name, variables)

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with the file and the environment, without what only `set_up` finds."""
        return tuple(self._problems)

    @property
    def delivery(self) -> DeliveryOptions:
        """The delivery options. Raises SetupError if they are not valid: a default may name another outbox."""
        if self._delivery_problems:
            raise SetupError.of(self._delivery_problems)
        return self._delivery

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the file begin at."""
        return Path() if self.path is None else self.path.parent

    @property
    def account_name(self) -> str:
        """The name of the account that was chosen; empty without one."""
        return self._account.name

    @property
    def account_names(self) -> list[str]:
        """The names under `[accounts]`."""
        return self._accounts.names

    @property
    def live_advice(self) -> str:
        """What to do if billing real customers is meant."""
        return f"use --live, set {self.variable('live')}=1, or write live = true under [delivery]"

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables of the environment that are set, and those of `.env`."""
        return self._variables

    def variable(self, key: str) -> str:
        """Return the environment variable of a setting or an option."""
        return environment_name(self.destination_name, key)

    def set_up(self) -> Destination:
        """Validate and compile everything. Raises SetupError with all problems, those of the file included."""
        problems = list(self._problems)
        destination = None
        try:
            destination = Destination(
                self.definition, self.settings, self.subscriptions, base_url=self._delivery.base_url
            )
        except SetupError as error:
            problems.extend(self._explained(problem) for problem in error.problems)
        problems.extend(_too_large(self.definition, self._delivery))
        problems.extend(self._environment_faults())
        if problems or destination is None:
            raise SetupError.of(problems)
        return destination

    def secret(self, place: str, variable: str | None, file: str | None, problems: list[Problem]) -> str | None:
        """Return a secret from a variable or from a file; None if neither is named, or after adding a problem."""
        if variable is not None and file is not None:
            problems.append(Problem(place, f"has {place}Env and {place}File; one of them says where it is"))
        if variable is not None:
            found = self._variables.get(variable)
            if not found:
                problems.append(Problem(f"{place}Env", f"the variable {variable} is not set"))
            return found
        return (file and read_secret_file(f"{place}File", self.folder / file, problems)) or None

    def recipe(self) -> Recipe:
        """Return what another process needs to set up the same destination. It holds secrets."""
        return Recipe(
            self.given_name,
            None if self.manifest is None else self.definition.to_manifest(),
            self.settings,
            self.subscriptions,
            self._delivery.base_url,
        )

    def set_up_in_part(self) -> Destination | None:
        """Return a destination of what is valid, in which more mistakes can be found; None if none can be made.

        It has placeholders for settings that are missing or wrong, and only the valid ones of the subscriptions. It is
        not for sending.
        """
        found = set_up_in_part(self.definition, self.settings, self.subscriptions, self._delivery.base_url)
        return found.destination

    def redactor(self) -> Redactor:
        """Return a redactor of all secrets that are known, those of other accounts included.

        If the settings are not valid, any text in them may be a secret.
        """
        settings, secret = self.settings, set(self.settings)
        try:
            settings = dict(self.set_up().settings)
        except SetupError:
            pass
        else:
            secret = {key for key, field in self.definition.settings.items() if field.type == "password"}
        own = (value for key, value in settings.items() if key in secret and isinstance(value, str))
        return Redactor([*own, *self._accounts.secrets(), *secrets_of(self.kafka, self._variables)])

    def _read_variables(
        self, environment: Mapping[str, str], hidden: Collection[str]
    ) -> tuple[dict[str, str], Path, Collection[str]]:
        """Return the variables, the file that may hold some, and those that it holds."""
        file, beside = Path(ENV_FILE), dict[str, str]()
        if self.path is not None:
            file = self.path.with_name(ENV_FILE)
            beside = read_env_file(file, environment_name(self.destination_name, ""), self._problems, self.warnings)
        filled = {name: text for name, text in environment.items() if text}
        variables = {name: text for name, text in {**beside, **filled}.items() if name not in hidden}
        return variables, file, beside.keys() - filled.keys()

    def _read_account(self, name: str | None) -> Account:
        """Return the account that was chosen; without one, an empty account."""
        self._accounts.check(self._problems)
        return Account("") if name is None else self._accounts.read(name, self._problems)

    def _read_settings(self, in_file: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings: those of the file, below those of variables, below those of the account."""
        found = settings_from(self._variables, self.destination_name, self.definition, self._problems)
        from_variables = dict(found)
        self.origins.note_file("settings", in_file)
        self.origins.note("settings", from_variables, self._variable_origin)
        self.origins.note("settings", self._account.settings, self._account.origins.__getitem__)
        return {**in_file, **from_variables, **self._account.settings}

    def _read_options(self, in_file: Mapping[str, Any], options: Mapping[str, Any]) -> DeliveryOptions | None:
        """Return the delivery options; None after adding their problems."""
        aliases = {name: field.alias or name for name, field in DeliveryOptions.model_fields.items()}
        found = dict(options_from(self._variables, self.destination_name, aliases, self._problems))
        from_variables = {aliases[name]: text for name, text in found.items()}
        from_options = {aliases[name]: value for name, value in options.items() if value is not None}
        self.origins.note_file("delivery", in_file)
        self.origins.note("delivery", from_variables, self._variable_origin)
        self.origins.note("delivery", from_options, option_name)
        problems: list[Problem] = []
        read = validated(DeliveryOptions, {**in_file, **from_variables, **from_options}, "delivery", problems)
        self._problems.extend(map(self.origins.placed, problems))
        return read

    def _read_service(self, in_file: Mapping[str, Any], options: Mapping[str, Any]) -> ServiceOptions:
        """Return the options of the service; the defaults after adding problems."""
        given = {key: value for key, value in options.items() if value is not None}
        self.origins.note_file("service", in_file)
        self.origins.note("service", given, option_name)
        problems: list[Problem] = []
        read = validated(ServiceOptions, {**in_file, **given}, "service", problems)
        self._problems.extend(map(self.origins.placed, problems))
        return read or ServiceOptions()

    def _read_public_url(self, in_file: str | None) -> str | None:
        """Return the address at which others reach this program, without a slash at its end."""
        from_variable = self._variables.get(self.variable(PUBLIC_URL))
        text = from_variable or in_file
        if text is None:
            return None
        if from_variable:
            self.origins.note("", [PUBLIC_URL], self._variable_origin)
        else:
            self.origins.note_file("", [PUBLIC_URL])
        try:
            return read_base_url(text).text
        except SetupError as error:
            found = (Problem(PUBLIC_URL, problem.message) for problem in error.problems)
            self._problems.extend(map(self.origins.placed, found))
            return None

    def _variable_origin(self, key: str) -> str:
        variable = self.variable(key)
        return f"{variable} in {self._env_file}" if variable in self._from_env_file else variable

    def _explained(self, problem: Problem) -> Problem:
        """Return a problem that says where the value comes from, or what to set if there is none."""
        table, _, setting = problem.place.partition(".")
        field = self.definition.settings.get(setting) if table == "settings" else None
        if field is None or not field.required or self.settings.get(setting) not in (None, ""):
            return self.origins.placed(problem)
        ways = [f"set {self.variable(setting)}"]
        if field.type != "password":
            ways.append(f"write {setting} under [settings]")
        if self._accounts.names:
            ways.append(f"choose an account (--account {'|'.join(self._accounts.names)})")
        return Problem(problem.place, f"{problem.message}; {listed(ways, 'or')}")

    def _environment_faults(self) -> Iterator[Problem]:
        """Yield a problem if the key belongs to another environment than an account or an option says."""
        environments = self.definition.environments
        chosen = None if environments is None else environments.of(self.settings)
        if environments is None or chosen is None:
            return
        expected = self._account.environment
        if expected is not None and expected != chosen.name:
            place = self.origins.of(f"settings.{environments.setting}") or environments.setting
            message = f"is a {chosen.name} key, but the account {self._account.name} is {expected}; correct one of them"
            yield Problem(place, message)
        if self.origins.of("delivery.live") == "--live" and not chosen.is_live:
            live = listed([choice.name for choice in environments.choices if choice.is_live], "or")
            message = f"the key is a {chosen.name} key, which bills nobody; use a {live} key, or leave --live out"
            yield Problem("--live", message)


def _subscriptions(document: Mapping[str, Any], problems: list[Problem]) -> tuple[Subscription, ...] | None:
    tables = tables_of(document, "subscriptions", problems)
    if tables is None:
        return None
    models = [validated(Subscription, table, f"subscriptions[{at}]", problems) for at, table in enumerate(tables)]
    return tuple(model for model in models if model is not None)


def _too_large(definition: DestinationDefinition, delivery: DeliveryOptions) -> Iterator[Problem]:
    for action in definition.actions.values():
        if action.batch is not None and (delivery.batch_size or 0) > action.batch.events:
            most = action.batch.events
            yield Problem("delivery.batchSize", f"{definition.name} takes at most {most} events a request")
            return

"""The configuration of a run: a TOML file, overridden by environment variables, overridden by options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...definitions import BASE_URL, Destination, Problem, Redactor, SetupError, Subscription
from . import plugins
from .delivery_options import DeliveryOptions
from .environment import environment_name, options_from, settings_from
from .recipe import Recipe
from .toml_file import read_toml, table_of, tables_of, text_of
from .validation import unknown_keys, validated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ...definitions import DestinationDefinition

DEFAULT_DESTINATION = "kable"
_SECTIONS = ("destination", "settings", "subscriptions", "delivery")


class Configuration:
    """A destination, its settings, its subscriptions (None: the presets), and the delivery options.

    The destination is named, or given as the path of a manifest; its variables begin with `destination_name`.
    Raises SetupError with every problem of the file and of the environment at once.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        environment: Mapping[str, str],
        destination: str | None = None,
        delivery: Mapping[str, Any] | None = None,
    ) -> None:
        document = {} if path is None else read_toml(path)
        problems = list(unknown_keys(document, _SECTIONS))
        given_name = destination or text_of(document, "destination", problems) or DEFAULT_DESTINATION
        self.definition = plugins.load(given_name)
        self.destination_name = plugins.short_name(given_name, self.definition)
        self.settings = dict(table_of(document, "settings", problems))
        self.settings.update(settings_from(environment, self.destination_name, self.definition, problems))
        self.subscriptions = _subscriptions(document, problems)
        given = _by_field_name(table_of(document, "delivery", problems))
        fields = DeliveryOptions.model_fields
        from_environment = dict(options_from(environment, self.destination_name, fields, problems))
        from_options = {key: value for key, value in (delivery or {}).items() if value is not None}
        given.update(from_environment)
        given.update(from_options)
        variable = environment_name(self.destination_name, "baseUrl")
        self._base_url_place = (
            "--base-url" if "base_url" in from_options else variable if "base_url" in from_environment else "baseUrl"
        )
        earlier = len(problems)
        self._delivery = validated(DeliveryOptions, given, "delivery", problems) or DeliveryOptions()
        self._delivery_problems = problems[earlier:]
        self._problems = problems
        self.path = path
        self._given_name = given_name
        self.manifest = given_name if given_name.endswith(".json") else None

    @property
    def delivery(self) -> DeliveryOptions:
        """The delivery options. Raises SetupError if they are not valid: a default may name another outbox."""
        if self._delivery_problems:
            raise SetupError.of(self._delivery_problems)
        return self._delivery

    def set_up(self) -> Destination:
        """Validate and compile everything. Raises SetupError with all problems, those of the file included."""
        problems = list(self._problems)
        destination = None
        try:
            destination = Destination(
                self.definition, self.settings, self.subscriptions, base_url=self._delivery.base_url
            )
        except SetupError as error:
            problems.extend(
                Problem(f"{BASE_URL} ({self._base_url_place})", problem.message)
                if problem.place == BASE_URL
                else problem
                for problem in error.problems
            )
        problems.extend(_too_large(self.definition, self._delivery))
        if problems or destination is None:
            raise SetupError.of(problems)
        return destination

    def recipe(self) -> Recipe:
        """Return what another process needs to set up the same destination. It holds secrets."""
        return Recipe(
            self._given_name,
            None if self.manifest is None else self.definition.to_manifest(),
            self.settings,
            self.subscriptions,
            self._delivery.base_url,
        )

    def redactor(self) -> Redactor:
        """Return a redactor of the secrets in the settings, even if the settings are not valid."""
        try:
            return self.set_up().redactor
        except SetupError:
            return Redactor(value for value in self.settings.values() if isinstance(value, str))


def _by_field_name(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table with the names of Python, so that the environment and the options can override it."""
    names = {field.alias: name for name, field in DeliveryOptions.model_fields.items()}
    return {names.get(key, key): value for key, value in table.items()}


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

"""What a run is configured with: a TOML file, overridden by environment variables, overridden by options."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from ...definitions import Destination, Problem, SetupError, Subscription, nearest
from . import plugins

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...definitions import DestinationDefinition, InputField

DEFAULT_DESTINATION = "kable"
DEFAULT_OUTBOX = "outbox.sqlite"
_SECTIONS = ("destination", "settings", "subscriptions", "delivery")
_MAX_FILE = 1024 * 1024
M = TypeVar("M", bound=BaseModel)


class DeliveryOptions(BaseModel):
    """How a run sends: where to, how many events a request, how many requests at once, how patiently."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    base_url: str | None = Field(
        default=None, description="Where to send instead of the destination's own host: https, or http on a loopback."
    )
    batch_size: int | None = Field(
        default=None, ge=1, description="The most events in one request; all that it may carry by default."
    )
    outbox: str | Literal[False] = Field(
        default=DEFAULT_OUTBOX, description="The file of the outbox; `false` means none."
    )
    outbox_megabytes: int | None = Field(
        default=None, ge=1, description="How large the file of the outbox may become; without a bound by default."
    )
    concurrency: int = Field(default=4, ge=1, le=64, description="The most requests at once, for each lane.")
    rate: float | None = Field(
        default=None, gt=0, description="The most requests a second, for each lane; any number by default."
    )
    attempts: int = Field(default=4, ge=1, le=20, description="How often a request is tried when there is no outbox.")
    give_up_hours: float = Field(
        default=72, gt=0, description="How long after its acceptance a usage event is given up, with an outbox."
    )
    wait: float = Field(
        default=60, ge=0, description="A run ends when all that is left is due later than so many seconds."
    )
    grace: float = Field(
        default=10, ge=0, description="How many seconds what is in flight may take when a run is interrupted."
    )
    timeout: float = Field(default=30, gt=0, le=600, description="Seconds, for each wait of an exchange.")

    @field_validator("outbox", mode="before")
    @classmethod
    def _read_false(cls, value: Any) -> Any:
        """Read what means no outbox from the environment, where everything is text."""
        return False if value == "false" else value

    @property
    def outbox_path(self) -> Path | None:
        """The file of the outbox; None where there is none."""
        return Path(self.outbox) if self.outbox else None


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
        document = {} if path is None else _read_toml(path)
        problems = list(_unknown(document, _SECTIONS, ""))
        given_name = destination or _text(document, "destination", problems) or DEFAULT_DESTINATION
        self.definition = plugins.load(given_name)
        self.destination_name = plugins.short_name(given_name, self.definition)
        self.settings = dict(_table(document, "settings", problems))
        self.settings.update(_settings_from(environment, self.destination_name, self.definition, problems))
        self.subscriptions = _subscriptions(document, problems)
        given = _by_name(DeliveryOptions, _table(document, "delivery", problems))
        given.update(_delivery_from(environment, self.destination_name))
        given.update({key: value for key, value in (delivery or {}).items() if value is not None})
        self.delivery = _model(DeliveryOptions, given, "delivery", problems) or DeliveryOptions()
        self._problems = problems

    def set_up(self) -> Destination:
        """Validate and compile everything. Raises SetupError with all problems, those of the file included."""
        problems = list(self._problems)
        destination = None
        try:
            destination = Destination(
                self.definition, self.settings, self.subscriptions, base_url=self.delivery.base_url
            )
        except SetupError as error:
            problems.extend(error.problems)
        problems.extend(_too_large(self.definition, self.delivery))
        if problems or destination is None:
            raise SetupError.of(problems)
        return destination


def environment_name(destination: str, setting: str) -> str:
    """Name the variable of a setting: for `kable`, `apiKey` is KABLE_API_KEY and `kableClientId` KABLE_CLIENT_ID."""
    snake = re.sub(r"\W", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", setting)).upper()
    prefix = re.sub(r"\W", "_", destination).upper()
    return snake if snake.startswith(f"{prefix}_") else f"{prefix}_{snake}"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_FILE:
            raise SetupError.of([Problem(str(path), "is larger than 1 MiB, so it is hardly a configuration")])
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError.of([Problem(str(path), f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise SetupError.of([Problem(str(path), "is not UTF-8 text")]) from None
    except tomllib.TOMLDecodeError as error:
        raise SetupError.of([Problem(str(path), f"is not valid TOML: {error}")]) from None


def _unknown(table: Mapping[str, Any], known: tuple[str, ...], place: str) -> Iterator[Problem]:
    for key in table:
        if key not in known:
            hint = nearest(key, known) or f"; there are {', '.join(known)}"
            yield Problem(f"{place}.{key}" if place else key, f"there is no such key{hint}")


def _text(document: Mapping[str, Any], key: str, problems: list[Problem]) -> str | None:
    value = document.get(key)
    if value is None or isinstance(value, str):
        return value
    problems.append(Problem(key, "should be a text"))
    return None


def _table(document: Mapping[str, Any], key: str, problems: list[Problem]) -> Mapping[str, Any]:
    value = document.get(key, {})
    if isinstance(value, dict):
        return value
    problems.append(Problem(key, f"should be a table: [{key}]"))
    return {}


def _by_name(cls: type[BaseModel], table: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.alias: name for name, field in cls.model_fields.items()}
    return {names.get(key, key): value for key, value in table.items()}


def _settings_from(
    environment: Mapping[str, str], name: str, definition: DestinationDefinition, problems: list[Problem]
) -> Iterator[tuple[str, Any]]:
    for key, field in definition.settings.items():
        variable = environment_name(name, key)
        if text := environment.get(variable):
            yield key, _parsed(text, field, variable, problems)


def _parsed(text: str, field: InputField, variable: str, problems: list[Problem]) -> Any:
    if field.type not in {"object", "text-map"}:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        problems.append(Problem(variable, 'should be a JSON object, such as {"segmentX": "kableX"}'))
        return {}


def _delivery_from(environment: Mapping[str, str], name: str) -> Iterator[tuple[str, str]]:
    for key in DeliveryOptions.model_fields:
        if text := environment.get(environment_name(name, key)):
            yield key, text


def _subscriptions(document: Mapping[str, Any], problems: list[Problem]) -> tuple[Subscription, ...] | None:
    tables = document.get("subscriptions")
    if tables is None:
        return None
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append(Problem("subscriptions", "should be a list of tables: [[subscriptions]]"))
        return ()
    models = [_model(Subscription, table, f"subscriptions[{at}]", problems) for at, table in enumerate(tables)]
    return tuple(model for model in models if model is not None)


def _model(cls: type[M], table: Mapping[str, Any], place: str, problems: list[Problem]) -> M | None:
    try:
        return cls.model_validate(table)
    except ValidationError as error:
        problems.extend(_problem(cls, found["type"], found["loc"], found["msg"], place) for found in error.errors())
        return None


def _problem(cls: type[BaseModel], kind: str, location: tuple[int | str, ...], message: str, place: str) -> Problem:
    where = ".".join((place, *(str(part) for part in location)))
    if kind != "extra_forbidden":
        return Problem(where, message[:1].lower() + message[1:])
    known = tuple(field.alias or name for name, field in cls.model_fields.items())
    hint = nearest(str(location[-1]), known) or f"; there are {', '.join(known)}"
    return Problem(where, f"there is no such key{hint}")


def _too_large(definition: DestinationDefinition, delivery: DeliveryOptions) -> Iterator[Problem]:
    for action in definition.actions.values():
        if action.batch is not None and (delivery.batch_size or 0) > action.batch.events:
            most = action.batch.events
            yield Problem("delivery.batchSize", f"{definition.name} takes at most {most} events a request")
            return

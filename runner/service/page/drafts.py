"""A draft: the destination, settings and subscriptions that somebody edits on the page, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import ValidationError

from ....definitions import Destination, Problem, Redactor, SetupError, Subscription
from ...configuration import plugins
from ...configuration.in_part import InPart, counted_as_given, set_up_in_part
from .messages import Asked, PageError, places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ....definitions import DestinationDefinition
    from ...configuration.page_configuration import PageConfiguration

_MOST_SUBSCRIPTIONS = 200
_MOST_DEFINITIONS = 20


class DraftSubscription(Asked, frozen=True, kw_only=True):
    """A subscription as it is edited."""

    partner_action: str
    subscribe: str = ""
    name: str = ""
    mapping: dict[str, Any] = msgspec.field(default_factory=dict)
    enabled: bool = True


class Draft(Asked, frozen=True, kw_only=True):
    """What somebody edits.

    `destination` is an installed name, or the path of a manifest that the page was started with. `account` is a
    configured account. Its secrets fill those that are left out; `settings` hold none. Without `subscriptions`, the
    presets apply.
    """

    destination: str
    account: str | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    secrets: dict[str, str] = msgspec.field(default_factory=dict)
    subscriptions: list[DraftSubscription] | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What can be made of a draft.

    - `found`: the destination, and what is wrong with the draft.
    - `positions`: for each subscription of the destination, its place in the draft, or among the presets.
    - `has_secrets`: no secret is a placeholder.
    - `uses_stored`: a secret of the configuration is used.
    """

    definition: DestinationDefinition
    found: InPart
    positions: Sequence[int]
    redactor: Redactor
    has_secrets: bool
    uses_stored: bool

    @property
    def destination(self) -> Destination | None:
        """The destination, perhaps with placeholders; None if none can be made."""
        return self.found.destination

    @property
    def is_complete(self) -> bool:
        """Whether it can send: nothing is wrong with it."""
        return self.has_secrets and not self.problems

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong; places count the subscriptions of the draft."""
        return self.found.problems


class Drafts:
    """Makes destinations of drafts, with the configuration behind them."""

    def __init__(self, configuration: PageConfiguration) -> None:
        self.configuration = configuration
        self.redactor = Redactor(configuration.secrets)
        # The page asks for the same draft with every letter that is typed into an event.
        self._made = lru_cache(maxsize=4)(self._make)
        self._definition = lru_cache(maxsize=_MOST_DEFINITIONS)(plugins.load)

    def definition(self, name: str) -> DestinationDefinition:
        """Return the definition of a name. Raises PageError; no other file than the given ones is read."""
        configuration = self.configuration
        if name == configuration.given_name:
            return configuration.definition
        if name in configuration.manifests:
            return configuration.manifests[name]
        if name not in plugins.installed():
            raise PageError(404, "no_such_destination", f"There is no destination {name[:100]!r} here.")
        try:
            return self._definition(name)
        except SetupError as error:
            raise PageError(400, "unusable_destination", error.message, places(error.problems)) from None

    def stored(self, draft: Draft) -> Mapping[str, str]:
        """Return the secrets that the configuration has for a draft."""
        configuration = self.configuration
        if draft.destination != configuration.given_name:
            return {}
        account = draft.account or configuration.first_account
        if account not in configuration.accounts:
            raise PageError(400, "no_such_account", f"There is no account {account[:100]!r} in the configuration.")
        settings, fields = configuration.accounts[account], configuration.definition.settings
        secret = (key for key, field in fields.items() if field.type == "password")
        return {key: value for key in secret if isinstance(value := settings.get(key), str) and value}

    def prepare(self, draft: Draft) -> Prepared:
        """Return what can be made of a draft. Raises PageError if it names what is not there."""
        return self._made(msgspec.json.encode(draft))

    def _make(self, text: bytes) -> Prepared:
        draft = _read_draft(text)
        definition = self.definition(draft.destination)
        secret = {key for key, field in definition.settings.items() if field.type == "password"}
        if wrong := sorted(secret & draft.settings.keys()):
            raise PageError(400, "secret_in_settings", f"{wrong[0]} is a secret, and belongs under secrets.")
        if wrong := sorted(draft.secrets.keys() - secret):
            raise PageError(400, "no_such_secret", f"The destination has no secret {wrong[0][:100]!r}.")
        typed = {key: value for key, value in draft.secrets.items() if value}
        stored = {key: value for key, value in self.stored(draft).items() if key not in typed}
        problems: list[Problem] = []
        given = _subscriptions(draft, problems)
        own = draft.destination == self.configuration.given_name
        base_url = self.configuration.delivery.base_url if own else None
        subscriptions = None if given is None else [each for _, each in given]
        found = set_up_in_part(definition, {**draft.settings, **stored, **typed}, subscriptions, base_url)
        positions = None if given is None else [position for position, each in given if each.enabled]
        without = {f"settings.{key}" for key in secret - typed.keys() - stored.keys()}
        told = [counted_as_given(problem, positions) for problem in found.problems if problem.place not in without]
        problems += told
        destination = found.destination
        secrets = [*self.configuration.secrets, *typed.values()]
        if destination is not None:
            secrets += [value for key in secret if isinstance(value := destination.settings.get(key), str)]
        return Prepared(
            definition,
            InPart(destination, tuple(problems), found.positions),
            tuple(position if positions is None else positions[position] for position in found.positions),
            Redactor(secrets),
            has_secrets=len(told) == len(found.problems),
            uses_stored=bool(stored),
        )


_read_draft = msgspec.json.Decoder(Draft).decode


def _subscriptions(draft: Draft, problems: list[Problem]) -> list[tuple[int, Subscription]] | None:
    """Return the subscriptions of a draft with their places, or None for the presets."""
    if draft.subscriptions is None:
        return None
    if len(draft.subscriptions) > _MOST_SUBSCRIPTIONS:
        raise PageError(400, "too_large", f"There are more than {_MOST_SUBSCRIPTIONS} subscriptions.")
    made = []
    for position, each in enumerate(draft.subscriptions):
        try:
            subscription = Subscription(
                name=each.name,
                partner_action=each.partner_action,
                subscribe=each.subscribe,
                mapping=each.mapping,
                enabled=each.enabled,
            )
        except ValidationError as error:
            problems.append(Problem(f"subscriptions[{position}]", str(error.errors()[0]["msg"])))
        else:
            made.append((position, subscription))
    return made

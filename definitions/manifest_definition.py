"""The part of a destination that its manifest holds: all that is data, and the test of its credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from .action import ActionDefinition, Settings  # noqa: TC001 - pydantic reads it at run time
from .input_field import InputField, ManifestPart

if TYPE_CHECKING:
    import httpx

    from .request import RequestBuilder

    AuthenticationTest = Callable[[RequestBuilder, Settings], httpx.Request]
else:
    # As with the functions of an action.
    AuthenticationTest = Callable[..., Any]


class Authentication(ManifestPart):
    """How a destination identifies its user. `test` builds a request that bills nothing."""

    scheme: Literal["custom", "basic", "oauth2", "oauth-managed"] = "custom"
    fields: tuple[str, ...] = ()
    test: AuthenticationTest | None = None


class Preset(ManifestPart):
    """A subscription that is part of a destination. `mapping` overrides the action's defaults, field by field."""

    name: str
    partner_action: str
    type: Literal["automatic", "specificEvent"] = "automatic"
    subscribe: str | None = None
    event_slug: str | None = None
    mapping: dict[str, Any] | None = None


class ManifestDefinition(ManifestPart):
    """What the manifest of a destination describes; `DestinationDefinition` adds the code."""

    name: str
    slug: str
    description: str = ""
    mode: Literal["cloud", "device", "warehouse"] = "cloud"
    settings: Mapping[str, InputField] = Field(default_factory=dict)
    authentication: Authentication = Authentication()
    actions: Mapping[str, ActionDefinition]
    presets: tuple[Preset, ...] = ()
    audience_config: Mapping[str, Any] | None = None

    @property
    def automatic_presets(self) -> tuple[Preset, ...]:
        """The presets that apply until a user writes subscriptions.

        A preset of a manifest may name an action that only the browser's half of the destination has; it never applies.
        """
        presets = (preset for preset in self.presets if preset.type == "automatic")
        return tuple(preset for preset in presets if preset.partner_action in self.actions)

"""A subscription: which events go to which action, and how their fields are mapped."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ..input_field import DefinitionModel


class Subscription(DefinitionModel):
    """A user's choice: events that `subscribe` (FQL) matches go to the action `partner_action`.

    `mapping` holds directives by field. A field that it leaves out keeps the default that the action declares.
    """

    partner_action: str = Field(description="The key of the action that the events go to.")
    subscribe: str = Field(description='Which events: a trigger in FQL, such as `type = "track"`.')
    name: str = Field(default="", description="What previews, warnings and dead letters call it; the action otherwise.")
    mapping: dict[str, Any] = Field(
        default_factory=dict, description="Directives by field. A field that is left out keeps the action's default."
    )
    enabled: bool = Field(default=True, description="Whether it applies.")

"""A subscription: which events go to which action, and how their fields are mapped."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .input_field import DefinitionModel


class Subscription(DefinitionModel):
    """A user's choice: events that `subscribe` (FQL) matches go to the action `partner_action`.

    `mapping` holds directives by field. A field that it leaves out keeps the default that the action declares.
    """

    partner_action: str
    subscribe: str
    name: str = ""
    mapping: dict[str, Any] = Field(default_factory=dict)
    enabled: bool = True

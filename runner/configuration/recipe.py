"""What another process needs to set up the same destination as this one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...definitions import Destination, DestinationDefinition
from . import plugins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...definitions import Subscription


@dataclass(frozen=True, slots=True)
class Recipe:
    """A destination by the name of its plugin, or by its manifest; what the user has set; where it is sent to.

    It holds secrets. It can be pickled, since it holds no code.
    """

    plugin: str
    manifest: Mapping[str, Any] | None
    settings: Mapping[str, Any] = field(repr=False)
    subscriptions: Sequence[Subscription] | None
    base_url: str | None

    def set_up(self) -> Destination:
        """Validate and compile everything. Raises SetupError."""
        if self.manifest is None:
            definition = plugins.load(self.plugin)
        else:
            definition = DestinationDefinition.from_manifest(self.manifest)
        return Destination(definition, self.settings, self.subscriptions, base_url=self.base_url)

"""The subscriptions that Kable comes with."""

from __future__ import annotations

from ..actions import identify, track
from ..definitions import Preset

presets = (
    Preset(name="Record usage", partner_action="track", subscribe=track.default_subscription),
    Preset(name="Record membership", partner_action="identify", subscribe=identify.default_subscription),
)

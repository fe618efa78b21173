"""Where each setting comes from, and what is wrong with the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...definitions import SetupError, json_line, shortened
from ..configuration.targets import shown_target
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...definitions import Destination
    from ..configuration.configuration import Configuration
    from ..configuration.delivery_options import DeliveryOptions

_LONGEST_VALUE = 60
MASK = "(hidden)"


def settings(configuration: Configuration) -> Iterator[Finding]:
    """Yield each setting and option that is given, secrets hidden, and then every problem."""
    if configuration.path is not None:
        yield Finding("configuration", "ok", str(configuration.path.absolute()))
    for place, origin in configuration.origins.items():
        yield Finding(place, "ok", f"{_value(configuration, place)}from {origin}")
    for warning in configuration.warnings:
        yield Finding("configuration", "warning", warning)
    try:
        ready = configuration.set_up()
    except SetupError as error:
        for problem in error.problems:
            yield Finding(problem.place or "configuration", "failed", problem.message)
        return
    for mistake in ready.setting_mistakes():
        yield Finding(mistake.place, "failed", mistake.message)
    for mistake in ready.probable_mistakes():
        yield Finding(mistake.place, "warning", mistake.message)
    if not ready.compiled_subscriptions:
        yield Finding("subscriptions", "warning", "there is none that is enabled, so every event is skipped")


def target(destination: Destination, options: DeliveryOptions, live_advice: str) -> Finding:
    """Return where events would go."""
    text = shown_target(destination)
    if destination.is_live and not options.live:
        text += f"; to allow it, {live_advice}"
    return Finding("environment", "ok", text)


def _value(configuration: Configuration, place: str) -> str:
    """Return the value of a setting as it may be shown; nothing of what is not a setting."""
    table, _, key = place.partition(".")
    field = configuration.definition.settings.get(key)
    if table != "settings" or field is None:
        return ""
    if field.type == "password":
        return f"{MASK} "
    masked = configuration.redactor().text(json_line(configuration.settings.get(key)))
    return f"{shortened(masked, _LONGEST_VALUE)} "

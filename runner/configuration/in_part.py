"""A destination of what is valid in a configuration: previews and checks find more in it than in none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...definitions import BASE_URL, Destination, Problem, SetupError, placeholder_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...definitions import DestinationDefinition, Subscription

_ATTEMPTS = 3
"""More problems may be found once the first are out of the way."""


@dataclass(frozen=True, slots=True)
class InPart:
    """What could be set up, and what is wrong with the rest.

    - `destination`: None if none can be made at all. It is not for sending if there are `problems`.
    - `problems`: all that is wrong; their places count the enabled subscriptions.
    - `positions`: for each subscription of the destination, its place among the enabled ones that were given.
    """

    destination: Destination | None
    problems: Sequence[Problem] = ()
    positions: Sequence[int] = field(default_factory=tuple)


def set_up_in_part(
    definition: DestinationDefinition,
    settings: Mapping[str, Any],
    subscriptions: Sequence[Subscription] | None,
    base_url: str | None,
) -> InPart:
    """Return a destination with placeholders for settings that are missing or wrong, and the valid subscriptions."""
    settings, problems = dict(settings), dict[Problem, None]()
    kept = None if subscriptions is None else [*enumerate(each for each in subscriptions if each.enabled)]
    for _ in range(_ATTEMPTS):
        given = None if kept is None else [subscription for _, subscription in kept]
        positions = None if kept is None else [position for position, _ in kept]
        try:
            destination = Destination(definition, settings, given, base_url=base_url)
        except SetupError as error:
            found = error.problems
        else:
            positions = positions if positions is not None else [*range(len(destination.compiled_subscriptions))]
            return InPart(destination, tuple(problems), tuple(positions))
        problems |= dict.fromkeys(counted_as_given(problem, positions) for problem in found)
        places = [problem.place for problem in found]
        wrong = {place.split(".")[1] for place in places if place.startswith("settings.")}
        settings = {key: value for key, value in settings.items() if key not in wrong}
        for key in wrong & definition.settings.keys():
            settings[key] = placeholder_value(key, definition.settings[key])
        if BASE_URL in places:
            base_url = None
        if kept is not None:
            kept = [
                item
                for at, item in enumerate(kept)
                if not any(place.startswith(f"subscriptions[{at}]") for place in places)
            ]
    return InPart(None, tuple(problems))


def counted_as_given(problem: Problem, positions: Sequence[int] | None) -> Problem:
    """Return a problem whose place counts the subscriptions as they were given. Some may be out by now."""
    start, bracket, rest = problem.place.partition("]")
    number = start.removeprefix("subscriptions[")
    if positions is None or not bracket or number == start or not number.isdigit():
        return problem
    return Problem(f"subscriptions[{positions[int(number)]}]{rest}", problem.message)

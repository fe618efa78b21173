"""What a definition asks for and this runtime lacks. It is reported, never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..definition import DestinationDefinition

NO_CODE = Problem(
    "",
    "the destination was read from a manifest, which holds no code: it can be previewed and checked, not delivered",
)


def delivery_obstacles(definition: DestinationDefinition, action_key: str) -> Iterator[Problem]:
    """Yield the reasons why no event can be delivered to an action, though it can be previewed and checked."""
    yield from request_obstacles(definition)
    if definition.extend_request is None:
        yield from unsupported(definition, action_key)


def request_obstacles(definition: DestinationDefinition) -> Iterator[Problem]:
    """Yield the reasons why no request of a destination can be made at all."""
    if definition.extend_request is None:
        yield NO_CODE
    scheme = definition.authentication.scheme
    if scheme in {"oauth2", "oauth-managed"}:
        yield Problem("authentication", f'the scheme "{scheme}" needs tokens, which this runtime does not obtain')


def unsupported(definition: DestinationDefinition, action_key: str) -> Iterator[Problem]:
    """Yield what an action's code relies on and this program does not do. An action without code relies on nothing."""
    action = definition.actions[action_key]
    name = f'the action "{action_key}"'
    if definition.mode != "cloud":
        yield Problem("mode", f'{definition.name} works in the mode "{definition.mode}"; this runtime has "cloud" only')
    if action.platform != "cloud":
        yield Problem("platform", f'{name} is for the platform "{action.platform}"; this runtime has "cloud" only')
    if action.sync_mode is not None:
        yield Problem("syncMode", f"{name} asks for a sync mode, and this runtime has none")
    if action.hooks:
        yield Problem("hooks", f"{name} has hooks ({', '.join(action.hooks)}), which this runtime does not run")
    if definition.audience_config is not None:
        yield Problem("audienceConfig", f"{definition.name} keeps audiences, which this runtime does not create")

"""What a destination is: settings, authentication, actions, presets, answers. All of it data, none of it I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field, model_validator

from .action import Settings
from .answers.status_table import SEGMENT_ANSWERS, Answer
from .environment import Environments  # noqa: TC001 - pydantic reads it at run time
from .fields import json_schema
from .input_field import DefinitionModel
from .manifest import read_manifest, write_manifest
from .manifest_definition import ManifestDefinition
from .request_options import RequestOptions

ExtendRequest = Callable[[Settings], RequestOptions]


class WorkedExample(DefinitionModel):
    """An event that shows what a destination does; the documentation plans it with the engine that delivers.

    `settings` are those of a made-up user, with secrets, which are masked like real ones. A required setting that is
    not given gets its default, its placeholder or a value of its type.
    """

    title: str
    text: str = ""
    event: Mapping[str, Any]
    settings: Mapping[str, Any] = Field(default_factory=dict)


class Documentation(DefinitionModel):
    """What the page about a destination says beyond the definition itself. Plain text: nothing in it is markup.

    - `owner`: who keeps the destination; `support`: the address for questions; `website`: the partner's.
    - `getting_started`: the steps to the first event, in order.
    - `examples`: worked examples.
    - `engage`: how audiences and computed traits arrive, a paragraph each.
    """

    owner: str = ""
    support: str = ""
    website: str = ""
    getting_started: tuple[str, ...] = ()
    examples: tuple[WorkedExample, ...] = ()
    engage: tuple[str, ...] = ()


class DestinationDefinition(ManifestDefinition):
    """A destination. An entry point of the group `destination_actions` names one.

    - `settings`: what a user fills in once.
    - `extend_request`: host and headers of every request, from the settings.
      A destination that was read from a manifest has none, and its actions have no `perform`.
    - `environments`: the hosts among which the settings choose, None if there is only one.
    - `answers`: what the destination's status codes mean.
    - `request_id_header`: the header of its answers with the ID that its support asks for.
    - `documentation`: what its page says beyond all this; it is not in the manifest.
    - `audience_config`: that of the manifest.
    """

    extend_request: ExtendRequest | None = None
    environments: Environments | None = None
    answers: tuple[Answer, ...] = SEGMENT_ANSWERS
    request_id_header: str | None = None
    documentation: Documentation = Documentation()

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> DestinationDefinition:
        """Read a manifest, in the shape of Segment's public `metadata.json`.

        It holds no code: the definition can be previewed and checked, not delivered. Raises DefinitionError,
        with every problem and its place.
        """
        return read_manifest(cls, manifest)

    def to_manifest(self) -> dict[str, Any]:
        """Write the manifest, in the shape of Segment's public `metadata.json`; it shares nothing with this."""
        return write_manifest(self)

    def settings_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the settings."""
        return json_schema(self.settings)

    @model_validator(mode="after")
    def _has_all_its_code_or_none(self) -> DestinationDefinition:
        for key, action in self.actions.items():
            if action.perform is None and self.extend_request is not None:
                raise ValueError(f'the action "{key}" has no perform, which builds its request')
            if action.perform is not None and self.extend_request is None:
                raise ValueError(f'"{key}" builds requests: extend_request is needed, which gives host and headers')
        return self

    @model_validator(mode="after")
    def _names_its_own_parts(self) -> DestinationDefinition:
        for preset in self.presets:
            if preset.partner_action not in self.actions and not self.was_read:
                raise ValueError(f'the preset "{preset.name}" names the unknown action "{preset.partner_action}"')
        for name in self.authentication.fields:
            if name not in self.settings:
                raise ValueError(f'authentication names the unknown setting "{name}"')
        if self.environments is not None and self.environments.setting not in self.settings:
            raise ValueError(f'environments names the unknown setting "{self.environments.setting}"')
        for key, action in self.actions.items():
            for name, field in action.fields.items():
                for setting in (field.default_path_setting, field.renames_setting):
                    if setting is not None and setting not in self.settings:
                        raise ValueError(f'{key}.{name} depends on the unknown setting "{setting}"')
        return self

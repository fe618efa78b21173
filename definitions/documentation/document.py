"""What a page about a destination says, whatever it is written in. All texts are plain, on one line, and printable.

In the texts called `words`, text between backticks is code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..input_field import DefinitionModel

if TYPE_CHECKING:
    from collections.abc import Mapping


class DocumentedChoice(DefinitionModel):
    """One allowed value, as JSON, and its label."""

    label: str
    value: str


class DocumentedField(DefinitionModel):
    """A field of an action, a property within one, or a setting.

    `path` leads to it from the payload, such as `items[].price`; `depth` counts the fields around it. `required` and
    `notes` are sentences. `default` is given in words and as JSON. `example` is what a user may type.
    """

    anchor: str
    path: str
    key: str
    depth: int
    label: str
    description: str
    type: str
    required: str
    default_words: str
    default_json: str
    example: str
    choices: tuple[DocumentedChoice, ...]
    notes: tuple[str, ...]


class DocumentedRequest(DefinitionModel):
    """A request that was really planned: the request line, the headers with the secrets masked, the body."""

    action: str
    subscription: str
    line: str
    headers: tuple[tuple[str, str], ...]
    body: str


class DocumentedExample(DefinitionModel):
    """An event and what happens to it: requests, or the payload if there is no code to build one, or a sentence.

    `call` is the call of Segment's JavaScript library that sends such an event.
    """

    anchor: str
    title: str
    text: str
    call_type: str
    call: str
    event: str
    settings: str
    requests: tuple[DocumentedRequest, ...]
    payload: str
    outcome: str


class DocumentedAction(DefinitionModel):
    """An action: when it runs, what it is filled with, how much of it one request may carry."""

    anchor: str
    key: str
    title: str
    description: str
    trigger: str
    notes: tuple[str, ...]
    fields: tuple[DocumentedField, ...]
    default_mapping: str
    example: DocumentedExample | None
    examples: tuple[str, ...]


class DocumentedPreset(DefinitionModel):
    """A subscription that a destination comes with; `mapping` holds its differences from its action, as JSON."""

    name: str
    action_key: str
    action_title: str
    action_anchor: str
    when: str
    is_trigger: bool
    mapping: str


class DocumentedMethod(DefinitionModel):
    """A kind of call that the destination accepts, and the presets that take it."""

    anchor: str
    call_type: str
    title: str
    presets: tuple[str, ...]
    examples: tuple[DocumentedExample, ...]


class DocumentedAnswer(DefinitionModel):
    """What the destination may answer, what that means, and what happens then."""

    statuses: tuple[str, ...]
    meaning: str
    error: str
    consequence: str
    description: str


class Document(DefinitionModel):
    """The whole page."""

    name: str
    slug: str
    description: str
    integrations_name: str
    calls: tuple[str, ...]
    owner: str
    support: str
    website: str
    mode: str
    authentication: str
    getting_started: tuple[str, ...]
    settings: tuple[DocumentedField, ...]
    methods: tuple[DocumentedMethod, ...]
    presets: tuple[DocumentedPreset, ...]
    actions: tuple[DocumentedAction, ...]
    engage: tuple[str, ...]
    answers: tuple[DocumentedAnswer, ...]
    request_id_header: str

    def to_json(self) -> Mapping[str, Any]:
        """Return the page as JSON values."""
        return self.model_dump(mode="json", by_alias=True)

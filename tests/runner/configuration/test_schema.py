"""The JSON Schema of the configuration: it has every key, and it accepts what the program accepts."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from documentation import blocks, pages
from kable_destination.definitions import Subscription
from kable_destination.destination import kable
from kable_destination.runner.configuration.configuration import SECTIONS
from kable_destination.runner.configuration.delivery_options import DeliveryOptions
from kable_destination.runner.configuration.schema import configuration_schema

if TYPE_CHECKING:
    from command_line import CommandLine

ROOT = Path(__file__).parents[3]
TEXT = configuration_schema(kable, "kable")
SCHEMA = json.loads(TEXT)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
SHOWN = [
    block
    for page in pages()
    for block in blocks(page)
    if block.language == "toml" and set(tomllib.loads(block.text)) <= set(SECTIONS)
]


def test_it_is_printed_and_committed(command_line: CommandLine) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert command_line("config-schema").out == TEXT
    assert (ROOT / "docs" / "schemas" / "configuration.schema.json").read_text(encoding="utf-8") == TEXT


def test_it_has_every_key() -> None:
    assert set(SCHEMA["properties"]) == set(SECTIONS)
    assert set(SCHEMA["properties"]["settings"]["properties"]) == set(kable.settings)
    delivery = {field.alias for field in DeliveryOptions.model_fields.values()}
    assert set(SCHEMA["properties"]["delivery"]["properties"]) == delivery
    subscription = {field.alias or name for name, field in Subscription.model_fields.items()}
    assert set(SCHEMA["properties"]["subscriptions"]["items"]["properties"]) == subscription
    account = SCHEMA["properties"]["accounts"]["additionalProperties"]["properties"]
    assert set(account) == {"environment", "clientId", "apiKeyEnv", "apiKeyFile"}
    assert all(part.get("description") for part in SCHEMA["properties"]["delivery"]["properties"].values())


@pytest.mark.parametrize("path", [ROOT / "examples" / "kable.toml"], ids=str)
def test_it_accepts_the_examples(path: Path) -> None:
    VALIDATOR.validate(tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("block", SHOWN, ids=str)
def test_it_accepts_what_the_documentation_shows(block: Any) -> None:
    VALIDATOR.validate(tomllib.loads(block.text))


@pytest.mark.parametrize(
    "text",
    [
        "[setings]",
        "[settings]\nkableClientID = 'x'",
        "[settings.propertiesMappings]\na = 1",
        "[delivery]\nbatchsize = 5",
        "[delivery]\nconcurrency = 99",
        "[delivery]\noutbox = true",
        "[delivery]\nlive = 'yes'",
        "[[subscriptions]]\nsubscribe = 'x'",
        "[[subscriptions]]\nsubscribe = 'x'\npartnerAction = 'trak'",
        "[[subscriptions]]\nsubscribe = 'x'\npartnerAction = 'track'\nmapping = {clientID = 'x'}",
        "[accounts.a]\nenvironment = 'live'",
        "[accounts.a]\napiKey = 'x'",
    ],
)
def test_it_refuses_what_the_program_refuses(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(tomllib.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        "destination = 'kable'\npublicUrl = 'https://usage.example.com'",
        "[delivery]\noutbox = false\nrate = 0.5\nlive = true",
        "[[subscriptions]]\nsubscribe = 'x'\npartnerAction = 'identify'\nmapping = {'@flatten' = {value = {}}}",
        "[accounts.a]\nenvironment = 'Live'\nclientId = 'kci'\napiKeyFile = '/run/secrets/key'",
    ],
)
def test_it_accepts_what_the_program_accepts(text: str) -> None:
    VALIDATOR.validate(tomllib.loads(text))

"""The lint of a definition tells what is probably not meant: by a stable code, with the place and the remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from kable_destination.definitions import (
    ActionDefinition,
    BatchLimits,
    Choice,
    DestinationDefinition,
    InputField,
    Preset,
    RequestOptions,
)
from kable_destination.definitions.lint import CODES, Finding, lint
from kable_destination.destination import kable
from ledger_destination import ledger
from meter_destination import meter
from tally_destination import tally

ROOT = Path(__file__).parents[2]


def name_field(**changes: Any) -> InputField:
    """Define a field that nothing is wrong with, but for the changes."""
    good = {"label": "Name", "description": "What happened.", "type": "string", "default": {"@path": "$.event"}}
    return InputField.model_validate({**good, **changes})


def destination(
    *, settings: dict[str, InputField] | None = None, preset: dict[str, Any] | None = None, **changes: Any
) -> DestinationDefinition:
    """Define a destination that nothing is wrong with, but for the changes to its action, settings or preset."""
    good: dict[str, Any] = {
        "title": "Send",
        "description": "Sends an event.",
        "fields": {"name": name_field()},
        "perform": lambda request, data: request("POST", "/", json=data.payload),
    }
    send = ActionDefinition(**{**good, **changes})
    return DestinationDefinition(
        name="Meter",
        slug="meter",
        description="Counts.",
        settings=settings or {},
        extend_request=lambda _: RequestOptions("https://meter.example"),
        actions={"send": send},
        presets=(Preset(**{"name": "All", "partner_action": "send", "subscribe": 'type = "track"', **(preset or {})}),),
    )


BATCH: dict[str, Any] = {"perform_batch": lambda request, data: request("POST", "/", json=data.payloads)}
CHOICES = (Choice(label="One", value="one"), Choice(label="Uno", value="one"))
FIELD = "actions.send.fields.name"

FAULTS: list[tuple[DestinationDefinition, str, str]] = [
    (destination(title=" "), "KD101", "actions.send.title"),
    (destination(fields={"name": name_field(label="")}), "KD101", f"{FIELD}.label"),
    (destination(description=""), "KD102", "actions.send.description"),
    (destination(fields={"name": name_field(description="")}), "KD102", f"{FIELD}.description"),
    (destination(settings={"host": InputField(label="Host", type="string")}), "KD102", "settings.host.description"),
    (
        destination(fields={"name": name_field(), "title": name_field(label="name ")}),
        "KD103",
        "actions.send.fields.title.label",
    ),
    (destination(preset={"name": " "}), "KD104", "presets[0].name"),
    (
        destination(fields={"name": name_field(required=True, default=None)}, preset={"mapping": {"name": "x"}}),
        "KD201",
        FIELD,
    ),
    (destination(fields={"name": name_field(default={"@pth": "$.event"})}), "KD202", f"{FIELD}.default"),
    (destination(fields={"name": name_field(default={"@path": "$.propertes.x"})}), "KD203", f"{FIELD}.default"),
    (destination(fields={"name": name_field(default={"@template": "{{evnt}}"})}), "KD203", f"{FIELD}.default"),
    (
        destination(settings={"apiSecret": InputField(label="Secret", description="The secret.", type="string")}),
        "KD204",
        "settings.apiSecret",
    ),
    (destination(fields={"access-token": name_field()}), "KD204", "actions.send.fields.access-token"),
    (destination(fields={"name": name_field(choices=CHOICES)}), "KD205", f"{FIELD}.choices[1]"),
    (destination(fields={"name": name_field(choices=CHOICES[:1], default="on")}), "KD206", f"{FIELD}.default"),
    (destination(fields={"name": name_field(minimum=3, maximum=2)}), "KD207", FIELD),
    (
        destination(
            fields={
                "name": name_field(type="object", properties={"a": name_field()}, default={"b": {"@path": "$.event"}})
            }
        ),
        "KD208",
        f"{FIELD}.default.b",
    ),
    (destination(fields={"name": name_field(format="regex", default="(a|b")}), "KD209", f"{FIELD}.default"),
    (destination(fields={"name": name_field(format="regex", default="a" * 1_001)}), "KD209", f"{FIELD}.default"),
    (
        destination(fields={"name": name_field(format="regex", choices=("^a+$", "[[a]", "[z-a]"), default="^a+$")}),
        "KD209",
        f"{FIELD}.choices[2]",
    ),
    (
        destination(
            fields={"name": name_field(required={"conditions": [{"fieldKey": "nmae", "operator": "is", "value": "x"}]})}
        ),
        "KD211",
        f"{FIELD}.required",
    ),
    (destination(fields={"name": name_field(default="$.event")}), "KD210", f"{FIELD}.default"),
    (
        destination(
            fields={"name": name_field(default={"@case": {"oprator": "lower", "operator": "upper", "value": "a"}})}
        ),
        "KD212",
        f"{FIELD}.default.@case.oprator",
    ),
    (
        destination(
            fields={"name": name_field()},
            preset={"mapping": {"name": {"@if": {"exists": {"@path": "$.event"}, "then": "a", "esle": "b"}}}},
        ),
        "KD212",
        "presets[0].mapping.name.@if.esle",
    ),
    (destination(preset={"subscribe": "properties.n <=5"}), "KD306", "presets[0].subscribe"),
    (destination(preset={"subscribe": 'type = "track", event = "A"'}), "KD306", "presets[0].subscribe"),
    (destination(default_subscription='event == "A"'), "KD306", "actions.send.defaultSubscription"),
    (
        destination(fields={"name": name_field()}, preset={"mapping": {"name": "$.event"}}),
        "KD210",
        "presets[0].mapping.name",
    ),
    (destination(preset={"subscribe": "event != null"}), "KD306", "presets[0].subscribe"),
    (destination(default_subscription="type = null"), "KD306", "actions.send.defaultSubscription"),
    (destination(default_subscription="type == "), "KD301", "actions.send.defaultSubscription"),
    (destination(preset={"subscribe": 'type = "track'}), "KD302", "presets[0].subscribe"),
    (destination(preset={"subscribe": None}), "KD302", "presets[0].subscribe"),
    (destination(preset={"mapping": {"name": {"@if": {}}}}), "KD303", "presets[0].mapping.name.@if"),
    (
        destination(fields={"name": name_field(required=True)}, preset={"mapping": {"name": None}}),
        "KD304",
        "presets[0].mapping.name",
    ),
    (destination(preset={"mapping": {"nmae": "x"}}), "KD305", "presets[0].mapping.nmae"),
    (
        DestinationDefinition.from_manifest(
            {
                **destination().to_manifest(),
                "presets": [{"name": "All", "partnerAction": "sned", "subscribe": "event = a"}],
            }
        ),
        "KD307",
        "presets[0].partnerAction",
    ),
    (DestinationDefinition(name="M", slug="m", description="Counts.", actions={}), "KD401", "actions"),
    (destination(batch=BatchLimits(events=1, bytes=5_000), **BATCH), "KD402", "actions.send.batch.events"),
    (destination(batch=BatchLimits(events=5, bytes=50), **BATCH), "KD402", "actions.send.batch.bytes"),
]


@pytest.mark.parametrize(("definition", "code", "place"), FAULTS, ids=[f"{code} {at}" for _, code, at in FAULTS])
def test_each_fault_is_found_at_its_place_and_nothing_else(
    definition: DestinationDefinition, code: str, place: str
) -> None:
    assert {(finding.code, finding.place.partition(".@pth")[0]) for finding in lint(definition)} == {(code, place)}


def test_every_code_has_a_fault_that_shows_it() -> None:
    assert {code for _, code, _ in FAULTS} == set(CODES)


def test_every_code_has_its_section_in_the_docs_and_every_section_its_code() -> None:
    page = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\S+)\n\*\*(.+?)\.\*\*", page, re.MULTILINE))
    assert sections == dict(CODES)
    assert page.count("\n## ") == len(CODES)


def test_a_finding_tells_what_was_probably_meant() -> None:
    (finding,) = lint(destination(fields={"name": name_field(default={"@path": "$.propertes.x"})}))
    assert str(finding) == (
        'KD203 actions.send.fields.name.default: reads $.propertes.x, but no event of Segment has "propertes"; '
        'did you mean "properties"?'
    )


@pytest.mark.parametrize("definition", [destination(), kable, meter, ledger, tally], ids=lambda one: one.name)
def test_a_good_definition_has_no_finding(definition: DestinationDefinition) -> None:
    assert lint(definition) == []


def test_a_finding_stays_on_its_line() -> None:
    assert str(Finding("KD101", "actions.\x1b[31m\n", "is \u202eblank")) == "KD101 actions.\ufffd[31m : is \ufffdblank"

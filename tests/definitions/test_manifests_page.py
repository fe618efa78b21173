"""The page about manifests names every key, type and format that the code knows."""

from __future__ import annotations

from typing import get_args

import pytest

from documentation import ROOT, codes, sections
from kable_destination.definitions import manifest
from kable_destination.definitions.fields.formats import FORMATS
from kable_destination.definitions.input_field import FieldType

SECTIONS = {section.heading: section for section in sections(ROOT / "docs" / "manifests.md")}


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("The destination", manifest._DESTINATION),
        ("Authentication", manifest._AUTHENTICATION),
        ("An action", manifest._ACTION),
        ("A preset", manifest._PRESET),
        ("A field", (*manifest._FIELD, *manifest._OWN)),
    ],
)
def test_every_key_is_described(heading: str, keys: tuple[str, ...]) -> None:
    described = [code for row in SECTIONS[heading].rows for code in codes(row[0])]
    assert sorted(described) == sorted(keys)


def test_every_type_and_format_is_named() -> None:
    paragraphs = [part.replace("\n", " ") for part in SECTIONS["A field"].text.split("\n\n")]
    (types,) = [codes(part) for part in paragraphs if part.startswith("The types are")]
    (formats,) = [codes(part) for part in paragraphs if part.startswith("The formats are")]
    assert sorted(types) == sorted(get_args(FieldType))
    assert sorted(formats) == sorted(FORMATS)

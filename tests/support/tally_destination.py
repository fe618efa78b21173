"""A reference plugin that a manifest describes, and whose entry point gives what was read."""

from __future__ import annotations

import json
from pathlib import Path

from kable_destination.definitions import DestinationDefinition

MANIFEST = Path(__file__).with_name("tally_manifest.json")

tally = DestinationDefinition.from_manifest(json.loads(MANIFEST.read_text(encoding="utf-8")))

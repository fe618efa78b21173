"""A recipe sets up the same destination in another process: from a plugin, or from a manifest that was read before."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

from command_line import API_KEY, with_credentials
from kable_destination.runner.configuration.configuration import Configuration
from kable_destination.runner.configuration.recipe import Recipe

MANIFEST = Path(__file__).parents[2] / "support" / "tally_manifest.json"
TOML = """
[settings]
propertiesMappings = { segmentX = "kableX" }

[[subscriptions]]
partnerAction = "track"
subscribe = 'type = "track"'

[delivery]
baseUrl = "http://127.0.0.1:8787"
"""


def sent_and_set_up(configuration: Configuration) -> bool:
    """Tell whether what another process sets up is what this one did."""
    recipe = pickle.loads(pickle.dumps(configuration.recipe()))  # noqa: S301 - its own
    assert isinstance(recipe, Recipe)
    ours, theirs = configuration.set_up(), recipe.set_up()
    return ours.fingerprint == theirs.fingerprint and ours.definition.to_manifest() == theirs.definition.to_manifest()


def test_a_plugin_with_all_that_a_file_sets(tmp_path: Path) -> None:
    path = tmp_path / "kable.toml"
    path.write_text(TOML, encoding="utf-8")
    configuration = Configuration(path, environment=with_credentials())
    assert sent_and_set_up(configuration)
    assert API_KEY not in repr(configuration.recipe())


def test_a_manifest_even_if_its_file_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "tally.json"
    shutil.copy(MANIFEST, path)
    configuration = Configuration(environment={"TALLY_API_KEY": "of-nobody"}, destination=str(path))
    path.write_text("{}", encoding="utf-8")
    assert sent_and_set_up(configuration)

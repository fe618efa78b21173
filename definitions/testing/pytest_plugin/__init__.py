"""What pytest loads wherever this package is installed, so it imports nothing until it is asked.

It is installed as `kable_destination.pytest_plugin`: below `definitions`, its import would import the framework first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


@pytest.fixture
def readable_snapshot(request: pytest.FixtureRequest) -> SnapshotAssertion:
    """Compare with readable JSON in the folder `snapshots/`.

    A test names its case: `assert shown == readable_snapshot(name="meter-send")`.
    """
    if not request.config.pluginmanager.has_plugin("syrupy"):
        pytest.fail("snapshots need syrupy: pip install 'kable-destination[testing]'", pytrace=False)
    from kable_destination.definitions.testing.snapshot_extension import ReadableJson  # noqa: PLC0415 - only when asked for

    snapshot: SnapshotAssertion = request.getfixturevalue("snapshot")
    return snapshot.use_extension(ReadableJson)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let syrupy be silent about files that are named for what they show and not for the test."""
    if "readable_snapshot" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.filterwarnings(r"ignore:[\s\S]*Consider adding"))

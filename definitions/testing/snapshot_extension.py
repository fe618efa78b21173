"""Snapshots as a person would write them: indented JSON in the top-level folder `snapshots/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syrupy.extensions.json import JSONSnapshotExtension

from .recorded import readable_json, snapshot_folder

if TYPE_CHECKING:
    from syrupy.location import PyTestLocation


class ReadableJson(JSONSnapshotExtension):
    """One file a snapshot, named for what it shows, in the folder `snapshots/` beside `tests/`.

    A matcher (`AnyUuid()`) is written by its name.
    """

    def serialize(self, data: Any, **_: Any) -> str:
        """Write a value as indented JSON, in its own order."""
        return readable_json(data)

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        """Return the folder, for tests in a folder beside it."""
        return str(snapshot_folder(test_location.filepath))

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: Any = 0) -> str:  # noqa: ARG003 - its interface
        """Name the file as the test names its case."""
        return str(index)

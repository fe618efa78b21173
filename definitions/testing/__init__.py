"""The kit for authors of destinations: a whole test suite in two lines, and its parts.

    from kable_destination.definitions.testing import destination_suite

    TestMeter = destination_suite(meter)

It comes with the extra `testing`, which brings pytest and syrupy.
"""

from importlib.util import find_spec

if find_spec("pytest") is None:
    raise ImportError(
        "kable_destination.definitions.testing needs pytest and syrupy: pip install 'kable-destination[testing]'"
    )

from ..sample_events import event
from ..sample_values import example_values
from .matchers import AnyRfc3339, AnyText, AnyUuid
from .recorded import readable_json
from .running import ActionRun, run_action
from .suite import DestinationSuite, destination_suite

__all__ = [
    "ActionRun",
    "AnyRfc3339",
    "AnyText",
    "AnyUuid",
    "DestinationSuite",
    "destination_suite",
    "event",
    "example_values",
    "readable_json",
    "run_action",
]

del find_spec

"""A run whose planners die over the same events ends with their place, and continues without planners."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from command_line import IMPORTED, CommandLine, with_credentials
from fork_server import ForkServer
from scripted_server import scripted_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from collections.abc import Iterator

SUPPORT = Path(__file__).parents[1] / "support"
EVENTS = 60_000
HEALTHY = 10_000
"""So many events come before those that end a planner. There are enough of both that planners are worth it."""


@pytest.fixture
def with_poison(tmp_path: Path) -> Iterator[CommandLine]:
    """Runs the command line beside the destination that ends planners."""
    site, folder = tmp_path / "site", tmp_path / "run"
    metadata = site / "poison_destination-1.0.dist-info"
    metadata.mkdir(parents=True)
    folder.mkdir()
    shutil.copy(SUPPORT / "poison_destination.py", site)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: poison-destination\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[destination_actions]\npoison = poison_destination:poison\n")
    server = ForkServer(IMPORTED, with_credentials(PYTHONPATH=str(site)), site)
    yield CommandLine(folder, dict(server.environment), server)
    server.close()


def test_events_that_end_three_planners_end_the_run_and_are_delivered_without_planners(
    with_poison: CommandLine,
) -> None:
    events = ndjson(*(track(number, event="poison" if number >= HEALTHY else "API Call") for number in range(EVENTS)))
    with scripted_server(lambda _: (200, {}, b"")) as server:
        run = with_poison.deliver(events, server.base_url, "--destination", "poison", "--planners", "1")
        assert run.code == 1
        told = re.search(
            r"stopped: 3 planner processes have ended, one after the other, while they planned lines ([\d,]+) to "
            r"[\d,]+ of events.ndjson; --planners 0 plans in the process itself; 0 events unsent; "
            r"the input was not read to its end",
            run.err,
        )
        assert told is not None, run.err
        first = int(told[1].replace(",", ""))
        assert run.report["delivered"] == first - 1
        again = with_poison.deliver(events, server.base_url, "--destination", "poison", "--planners", "0")
    assert again.code == 0, again.err
    sent = Counter(item["id"] for body in server.bodies for item in json.loads(body))
    assert sent == Counter(f"message-{number:06}" for number in range(EVENTS))

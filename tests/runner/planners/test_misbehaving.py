"""Planners that die, hang or grow: they are replaced, and what they had is planned again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPLACED = "replaced: lines 2,000 to 2,999 of events.ndjson"
SUPPORT = Path(__file__).parents[2] / "support"


def planned(mode: str, folder: Path) -> Any:
    """Have chunks planned of which one goes wrong in some way."""
    done = subprocess.run(
        [sys.executable, str(SUPPORT / "poisoned_planning.py"), mode],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr
    return json.loads(done.stdout)


def test_a_healthy_planner_is_kept(tmp_path: Path) -> None:
    assert planned("none", tmp_path) == {"same": [True] * 6, "here": 0, "error": "", "notices": []}


@pytest.mark.parametrize("mode", ["once", "hang", "grow"])
def test_a_planner_that_goes_wrong_is_replaced_and_its_chunk_planned_again(mode: str, tmp_path: Path) -> None:
    """It is killed, takes longer than it may, or needs more memory than it may."""
    assert planned(mode, tmp_path) == {"same": [True] * 6, "here": 0, "error": "", "notices": [REPLACED]}


def test_a_chunk_that_kills_every_planner_is_named_and_harms_no_other(tmp_path: Path) -> None:
    told = planned("always", tmp_path)
    assert (told["same"], told["notices"]) == ([True] * 5, [REPLACED] * 3)
    assert told["error"] == (
        "3 planner processes have ended, one after the other, while they planned lines 2,000 to 2,999 of "
        "events.ndjson; --planners 0 plans in the process itself"
    )

"""The examples are what their README says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_events_and_the_counts_are_written_by_their_generator(tmp_path: Path) -> None:
    copy = tmp_path / "examples"
    shutil.copytree(EXAMPLES, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "events.ndjson").write_bytes(b"")
    subprocess.run([sys.executable, "make_events.py"], cwd=copy, check=True, capture_output=True)
    for name in ("events.ndjson", "README.md"):
        assert (copy / name).read_bytes() == (EXAMPLES / name).read_bytes(), name


def test_the_demo_finds_every_count_as_stated() -> None:
    done = subprocess.run([sys.executable, str(EXAMPLES / "demo.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every count is as stated." in done.stdout
    assert "DIFFERS" not in done.stdout
    assert "demo-key-of-no-account" not in done.stdout + done.stderr

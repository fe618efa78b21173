"""The README is what a reader will read; `test_documentation_blocks.py` runs what it shows."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_it_fits_what_a_reader_will_read() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) < 150

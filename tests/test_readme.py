"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_example_prints_what_stands_below_it() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    printed = [line.removeprefix("# ") for line in code.splitlines() if line.startswith("# ")]
    assert done.stdout.splitlines() == printed


def test_the_commands_that_it_names_are_there(command_line: CommandLine) -> None:
    (command_line.folder / "events.ndjson").write_bytes(ndjson(track()))
    shown = re.findall(r"^kable-destination (\S+) (\S+)(.*?)(?:\s+#.*)?$", README, re.MULTILINE)
    assert {command for command, _, _ in shown} == {"deliver", "preview"}
    for command, file, options in shown:
        path = file if file == "events.ndjson" else str(ROOT / file)
        dry = ["--dry-run"] if command == "deliver" and "--dry-run" not in options else []
        assert command_line(command, path, *options.split(), *dry).code in {0, 1}


def test_it_fits_what_a_reader_will_read() -> None:
    assert len(README.splitlines()) < 150

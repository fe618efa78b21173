"""One delivery by the command `deliver`, timed from its first line to its last; it prints seconds and peak memory.

python deliver_ours.py FILE --base-url http://127.0.0.1:8787 …
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

from kable_destination.runner.commands.app import main

_BYTES_A_KILOBYTE = 1024


def peak_bytes() -> int | None:
    """Tell the most memory that this program has had; None where the system does not tell (it is not Linux)."""
    status = Path("/proc/self/status")
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE) if status.exists() else None
    return int(found[1]) * _BYTES_A_KILOBYTE if found else None


def run() -> int:
    """Deliver, and tell."""
    began = time.perf_counter()
    try:
        sys.argv.insert(1, "deliver")
        main()
    except SystemExit as ended:
        code = ended.code
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes(), "code": code}))
    return 0


if __name__ == "__main__":
    sys.exit(run())

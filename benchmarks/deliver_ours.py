"""One delivery by the command `deliver`, from its first line to its last; it prints time, memory and bytes written.

python deliver_ours.py FILE --base-url http://127.0.0.1:8787 …
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

from kable_destination.runner.commands.app import main

_BYTES_A_KILOBYTE = 1024


def peak_bytes() -> int | None:
    """Tell the most memory that this program has had; None where the system does not tell (it is not Linux)."""
    status = Path("/proc/self/status")
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE) if status.exists() else None
    return int(found[1]) * _BYTES_A_KILOBYTE if found else None


def processor_seconds() -> float:
    """Tell how long processors have worked for this program, and for those that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def written_bytes() -> int | None:
    """Tell what this program has written to the disk; None where the system does not tell."""
    io = Path("/proc/self/io")
    found = re.search(r"^write_bytes: (\d+)$", io.read_text(), re.MULTILINE) if io.exists() else None
    return int(found[1]) if found else None


def _base_url(arguments: list[str]) -> list[str]:
    at = arguments.index("--base-url")
    return arguments[at : at + 2]


def deliver(arguments: list[str]) -> object:
    """Run the command; give its exit code."""
    sys.argv[1:] = ["deliver", *arguments]
    try:
        main()
    except SystemExit as ended:
        return ended.code
    return None


def run() -> int:
    """Deliver, and tell.

    First of all nothing is delivered: the command imports its parts when it needs them, and the peer's are there
    before its clock runs.
    """
    arguments = sys.argv[1:]
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as empty, contextlib.redirect_stdout(io.StringIO()):
        deliver([empty.name, "--no-outbox", *_base_url(arguments)])
    began = time.perf_counter()
    code = deliver(arguments)
    seconds = time.perf_counter() - began
    told = {
        "seconds": seconds,
        "processor_seconds": processor_seconds(),
        "peak_bytes": peak_bytes(),
        "written_bytes": written_bytes(),
        "code": code,
    }
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(run())

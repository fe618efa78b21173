"""The demo: a sandbox on a free port, the example events delivered to it, and every count compared with the README's.

Run it by `make demo`. Exits 0 when all counts are as stated.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
RUNNER = [sys.executable, "-m", "kable_destination.runner"]
CLIENT_ID, API_KEY = "kci_demo", "sk_test.demo-key-of-no-account"


def main() -> int:
    """Deliver, compare, and say whether all is as it should be."""
    with tempfile.TemporaryDirectory() as folder, sandbox() as base_url:
        print(f"$ kable-destination deliver examples/events.ndjson --base-url {base_url}", flush=True)
        report = deliver(base_url, Path(folder))
        with urlopen(f"{base_url}/sandbox/ledger") as answer:  # noqa: S310 - our own sandbox, on loopback
            ledger = json.load(answer)
    print(f"\nThe sandbox holds {ledger['count']:,} usage events; the first of them:")
    print(json.dumps(ledger["events"][0], ensure_ascii=False, indent=2))
    return compare(expected_counts(), counted(report, ledger))


@contextlib.contextmanager
def sandbox() -> Iterator[str]:
    """Run the sandbox; give its base URL."""
    command = [*RUNNER, "sandbox", "--port", "0", "--client-id", CLIENT_ID, "--api-key", API_KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            yield listening_on(process.stdout)
        finally:
            process.terminate()


def listening_on(output: IO[str] | None) -> str:
    """Read where the sandbox listens from what it prints."""
    for line in output or ():
        if found := re.search(r"listening on (http://\S+)", line):
            return found[1]
    raise SystemExit("the sandbox did not start")


def deliver(base_url: str, folder: Path) -> dict[str, Any]:
    """Deliver the example events; give the report. The file holds bad events, so the exit code is 1."""
    report, letters = folder / "report.json", folder / "dead-letters.ndjson"
    command = [*RUNNER, "deliver", str(HERE / "events.ndjson"), "--base-url", base_url]
    command += ["--report", str(report), "--dead-letters", str(letters), "--outbox", str(folder / "outbox.sqlite")]
    environment = {**os.environ, "KABLE_CLIENT_ID": CLIENT_ID, "KABLE_API_KEY": API_KEY}
    code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - our own command
    if code != 1:
        raise SystemExit(f"deliver should exit with 1 here, since some events are bad, but it exited with {code}")
    counts: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return counts


def expected_counts() -> dict[str, int]:
    """Read the table of totals in examples/README.md."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    totals = text.partition("<!-- totals:")[2].partition("<!-- end of totals")[0]
    rows = re.findall(r"^\| ([a-z_]+(?:: [a-z_]+)?) \| ([\d,]+) \|", totals, re.MULTILINE)
    return {name: int(count.replace(",", "")) for name, count in rows}


def counted(report: dict[str, Any], ledger: dict[str, Any]) -> dict[str, int]:
    """Lay the report and the ledger out as the table does."""
    counts = {name: value for name, value in report.items() if isinstance(value, int)}
    for name in ("skipped", "dead_lettered"):
        counts.update({f"{name}: {reason}": count for reason, count in report[name].items()})
    return {**counts, "ledger": ledger["count"]}


def compare(expected: dict[str, int], actual: dict[str, int]) -> int:
    """Print both columns; give 0 when they agree."""
    print("\ncounted, and stated in examples/README.md:")
    for name, count in expected.items():
        mark = "ok" if actual.get(name) == count else "DIFFERS"
        print(f"  {name:28} {actual.get(name, 0):>6,} {count:>6,}  {mark}")
    if not expected or any(actual.get(name) != count for name, count in expected.items()):
        print("The counts differ.")
        return 1
    print("Every count is as stated.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

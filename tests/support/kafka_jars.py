"""Apache Kafka as it is published, by Maven. `make kafka` runs this file."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
POM = ROOT / "tests" / "support" / "kafka" / "pom.xml"
INSTALLED = ROOT / "build" / "kafka"
REQUIRED = "KABLE_KAFKA"
"""The variable that asks for the tests with Kafka if it is `required`. Each of them fails if there is none then."""

_OLDEST_JAVA = 17
_SECONDS_TO_INSTALL = 600
_SECONDS_TO_ANSWER = 30


class UnavailableError(Exception):
    """Kafka cannot be had here. The message says why."""


def installed_jars() -> Path:
    """Return the folder with Kafka's jars, fetched by Maven if they are not there yet. Raises UnavailableError."""
    _require_java()
    jars, made_from = INSTALLED / "jars", INSTALLED / "made-from"
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with (INSTALLED / "lock").open("a") as lock:
        # Tests run in several processes.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made_from.exists() or made_from.read_bytes() != POM.read_bytes():
            made_from.unlink(missing_ok=True)
            shutil.rmtree(INSTALLED / "formatted", ignore_errors=True)
            shutil.rmtree(jars, ignore_errors=True)
            _fetch(jars)
            made_from.write_bytes(POM.read_bytes())
    return jars


def is_required() -> bool:
    """Return whether no test that needs Kafka may be skipped."""
    return os.environ.get(REQUIRED) == "required"


def _fetch(jars: Path) -> None:
    if shutil.which("mvn") is None:
        raise UnavailableError("Maven is not installed (Debian: apt-get install maven)")
    command = ["mvn", "--quiet", "--batch-mode", "--file", str(POM), "dependency:copy-dependencies", f"-Djars={jars}"]
    try:
        subprocess.run(command, check=True, timeout=_SECONDS_TO_INSTALL, stdout=sys.stderr)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise UnavailableError("Maven could not fetch Kafka's jars; its repository must be reachable") from None


def _require_java() -> None:
    advice = f"Java {_OLDEST_JAVA} or later is not installed (Debian: apt-get install openjdk-17-jre-headless)"
    java = shutil.which("java")
    if java is None:
        raise UnavailableError(advice)
    asked = subprocess.run(
        [java, "-XshowSettings:properties", "-version"],
        check=False,
        capture_output=True,
        text=True,
        timeout=_SECONDS_TO_ANSWER,
    )
    found = [
        line.partition("=")[2].strip() for line in asked.stderr.splitlines() if "java.specification.version" in line
    ]
    if not found or int(found[0].partition(".")[0]) < _OLDEST_JAVA:
        raise UnavailableError(advice)


if __name__ == "__main__":
    try:
        installed_jars()
    except UnavailableError as error:
        print(f"Kafka is not tested: {error}.", file=sys.stderr)  # noqa: T201
        sys.exit(is_required())

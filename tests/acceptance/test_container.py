"""What a container makes of a process, by the same means of Linux: the first process, on a root that is read-only."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from command_line import API_KEY, CLIENT_ID
from deployment_files import compose_parts, example_variables, image_environment
from running_service import until
from segment_events import track

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kable_destination.runner.sandbox import RunningSandbox

CONTAINED = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
LOCKED = """
set -e
mount --bind / /
mount -o remount,ro,bind /
mount -t tmpfs tmpfs "$1"
! touch "$2/written" 2> "$1/refused"
cd "$1"
shift 2
exec "$@"
"""
"""Makes the root read-only but for the data folder, as `--read-only` and `tmpfs` do, and becomes the program."""


def is_possible() -> bool:
    """Return whether this user may make namespaces."""
    try:
        return subprocess.run([*CONTAINED, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not is_possible(), reason="this user may not make namespaces: unshare needs root")


def started(folder: Path, arguments: Sequence[str], sandbox: RunningSandbox) -> subprocess.Popen[bytes]:
    """Start the program as the first process of a container, with `data` as the only folder that it may write."""
    data = folder / "data"
    data.mkdir()
    program = str(Path(sys.executable).parent / "kable-destination")
    environment = {
        "PATH": "/usr/bin:/bin",
        **{name: value.replace("/data", str(data)) for name, value in image_environment().items()},
        "KABLE_API_KEY": API_KEY,
        "KABLE_CLIENT_ID": CLIENT_ID,
        "KABLE_BASE_URL": sandbox.base_url,
    }
    command = [*CONTAINED, "sh", "-c", LOCKED, "sh", str(data), str(folder), program, *arguments, "--json"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)


def configuration() -> str:
    """Return the configuration of the compose file, with ports that are free."""
    (text,) = compose_parts({**example_variables(), "POSTGRES_PASSWORD": "chosen"})["worker-1"].files.values()
    return text.replace("0.0.0.0", "127.0.0.1").replace("8080", "0").replace("9100", "0")  # noqa: S104 - it is replaced


@pytest.mark.parametrize("command", ["serve", "work"])
def test_as_the_first_process_on_a_root_that_is_read_only_it_works_and_ends_in_order(
    tmp_path: Path, sandbox: RunningSandbox, command: str
) -> None:
    (tmp_path / "kable.toml").write_text(configuration(), encoding="utf-8")
    options = ("--admin-port", "0") if command == "work" else ()
    process = started(tmp_path, (command, "--config", str(tmp_path / "kable.toml"), *options), sandbox)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        until(lambda: httpx.get(f"{ready['admin_url']}/readyz").status_code, lambda status: status == 200)
        if command == "serve":
            answer = httpx.post(f"{ready['base_url']}/v1/batch", json={"batch": [track(1)]}, auth=("wk_example", ""))
            assert answer.status_code == 200, answer.text
            until(lambda: len(sandbox.ledger.events), lambda count: count == 1)
        # `unshare` passes on no signal; a platform sends it to the first process itself.
        (first,) = psutil.Process(process.pid).children()
        namespaced = Path(f"/proc/{first.pid}/status").read_text(encoding="utf-8")
        assert next(line for line in namespaced.splitlines() if line.startswith("NSpid")).split()[-1] == "1"
        first.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    assert not (tmp_path / "written").exists()

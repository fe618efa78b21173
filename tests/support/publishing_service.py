"""`serve --to` as a process of its own, and calls of SDKs for it."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from command_line import MODULE, with_credentials
from kafka_workers import event
from running_service import WRITE_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_line import CommandLine

CONFIGURATION = f"""
[service]
port = 0
[service.writeKeys]
{WRITE_KEY} = "default"
"""


class ServiceClient(httpx.Client):
    """A client of the service, and its process."""

    process: subprocess.Popen[bytes]


@contextmanager
def serving(
    command_line: CommandLine, address: str, configuration: str = CONFIGURATION, **variables: str
) -> Iterator[ServiceClient]:
    """Run `serve --to`, and yield a client of it."""
    (command_line.folder / "kable.toml").write_text(configuration)
    command = [sys.executable, "-m", MODULE, "serve", "--config", "kable.toml", "--to", address, "--json"]
    environment = with_credentials(**variables)
    process = subprocess.Popen(command, cwd=command_line.folder, env=environment, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        base_url = json.loads(process.stdout.readline())["base_url"]
        with ServiceClient(base_url=base_url, auth=(WRITE_KEY, ""), timeout=60) as client:
            client.process = process
            yield client
        if process.poll() is None:
            process.terminate()
            assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def batch(*numbers: int) -> dict[str, Any]:
    return {"batch": [json.loads(event(number)) for number in numbers]}

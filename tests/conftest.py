"""What several tests share: a real sandbox, and the command line as a user runs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx
import pytest

from command_line import API_KEY, CLIENT_ID, CommandLine
from environments import build_wheel
from kable_destination.runner.sandbox import RunningSandbox, running_sandbox
from sandbox_requests import CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """The command line, with credentials in its environment."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KABLE_")}
    kept.update(KABLE_API_KEY=API_KEY, KABLE_CLIENT_ID=CLIENT_ID, COLUMNS="120", NO_COLOR="1")
    return CommandLine(tmp_path, kept)


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """A Kable sandbox on a real socket, which knows the test's credentials."""
    with running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as running:
        yield running


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[RunningSandbox]:
    """A Kable sandbox with its own credentials, for the many small tests of what it answers."""
    with running_sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def shared_client(shared_sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """A client of that sandbox, with its credentials."""
    with httpx.Client(base_url=shared_sandbox.base_url, headers=CREDENTIALS) as client:
        yield client


@pytest.fixture
def kable(shared_client: httpx.Client) -> httpx.Client:
    """The client of the shared sandbox, which has forgotten all that was before."""
    shared_client.post("/sandbox/reset").raise_for_status()
    return shared_client


@pytest.fixture
def emptied_sandbox(shared_sandbox: RunningSandbox, kable: httpx.Client) -> RunningSandbox:  # noqa: ARG001 - it empties
    """The shared sandbox, which has forgotten all that was before."""
    return shared_sandbox


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this project, built from a copy of the tree."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))

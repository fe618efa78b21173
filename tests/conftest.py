"""What several tests share: a real sandbox, and the command line as a user runs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from command_line import API_KEY, CLIENT_ID, CommandLine
from environments import build_wheel
from kable_destination.runner.sandbox import RunningSandbox, running_sandbox

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
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this project, built from a copy of the tree."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))

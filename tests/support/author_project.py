"""The project of an author: a destination, its suite from the kit, and pytest as the author runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from command_line import without_settings
from fork_server import ForkServer, Program

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class AuthorRun:
    """How the tests of an author ended."""

    returncode: int
    stdout: str


PLUGIN = '''
"""A destination as an author writes it."""

import socket

from kable_destination.definitions import (
    ActionDefinition,
    Authentication,
    BatchLimits,
    DestinationDefinition,
    InputField,
    Preset,
    RequestOptions,
)


def perform(request, data):
    return request("POST", "/one", json=data.payload)


def perform_batch(request, data):
    return request("POST", "/many", json={"items": data.payloads})


def authenticate(request, settings):
    return request("GET", "/me")


send = ActionDefinition(
    title="Send",
    description="Sends an event.",
    default_subscription='type = "track"',
    fields={
        "name": InputField(
            label="Name", description="What happened.", type="string", required=True, default={"@path": "$.event"}
        ),
        "units": InputField(
            label="Units", description="How much.", type="number", default={"@path": "$.properties.units"}
        ),
    },
    batch=BatchLimits(events=100, bytes=100_000),
    perform=perform,
    perform_batch=perform_batch,
)

abacus = DestinationDefinition(
    name="Abacus",
    slug="actions-abacus",
    description="Counts.",
    settings={"apiKey": InputField(label="API Key", description="The key.", type="password", required=True)},
    authentication=Authentication(fields=("apiKey",), test=authenticate),
    extend_request=lambda settings: RequestOptions(
        "https://abacus.example", headers={"Authorization": f"Bearer {settings['apiKey']}", "X-Version": "2"}
    ),
    actions={"send": send},
    presets=(Preset(name="All", partner_action="send", subscribe='type = "track"'),),
)
'''
SUITE = """
from abacus import abacus
from kable_destination.definitions.testing import destination_suite

TestAbacus = destination_suite(abacus)
"""
SETTINGS = '[tool.pytest.ini_options]\npythonpath = ["."]\nfilterwarnings = ["error"]\n'


IMPORTED = (
    "pytest",
    "pygments.lexers.python",
    "httpx",
    "jinja2",
    "liquid",
    "kable_destination.definitions",
    "kable_destination.definitions.documentation",
    "kable_destination.definitions.lint",
)
"""What a run imports beside plugins of pytest, whose asserts it rewrites as it imports them."""
NOT_THERE = ("anyio", "hypothesispytest", "xdist", "xdist.looponfail")
"""Plugins of pytest that are in this environment only: an author has none of them."""


class AuthorSuite:
    """Runs the tests of an author's project as the author would, each time in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._server = ForkServer(
            IMPORTED, {**without_settings(), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}, folder
        )

    def __call__(self, folder: Path, *options: str, tests: str = "tests") -> AuthorRun:
        """Run the tests of a project to their end."""
        arguments = ("-q", "-p", "no:cacheprovider", *options, tests)
        without = (word for name in NOT_THERE for word in ("-p", f"no:{name}"))
        words = ("-m", "pytest", *without, *arguments)
        done = self._server.run(Program(words, str(folder), self._server.environment))
        return AuthorRun(done.returncode, done.stdout.decode())

    def close(self) -> None:
        """End the process that the runs are forked from."""
        self._server.close()


def write_project(folder: Path) -> None:
    """Write the project, without snapshots."""
    (folder / "tests").mkdir()
    (folder / "abacus.py").write_text(PLUGIN, encoding="utf-8")
    (folder / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "tests" / "test_abacus.py").write_text(SUITE, encoding="utf-8")

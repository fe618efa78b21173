"""What several tests share: a real sandbox, and the command line as a user runs it."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from author_project import AuthorSuite, write_project
from closing import Closing
from command_line import API_KEY, CLIENT_ID, IMPORTED, CommandLine, with_credentials
from environments import ROOT, build_wheel
from fork_server import ForkServer
from kable_destination.runner.sandbox import RunningSandbox, running_sandbox
from postgres_server import stop_shared_server
from sandbox_requests import CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from environments import MadeOnce

pytest_plugins = ["kafka_fixtures"]

# Under nohup this one is ignored, and so it would be in each program that a test starts and sends it to.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """Leave out of each search for garbage what is there to stay: thousands of tests, and all modules."""
    gc.freeze()


def pytest_xdist_auto_num_workers() -> int:
    """Take one process more than there are cores: tests wait for other programs, and for a virtual clock to jump."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """A process that has imported the command line, with credentials in its environment."""
    server = ForkServer(IMPORTED, with_credentials(), ROOT)
    yield server
    server.close()


@pytest.fixture
def command_line(tmp_path: Path, fork_server: ForkServer) -> CommandLine:
    """The command line, with credentials in its environment."""
    return CommandLine(tmp_path, dict(fork_server.environment), fork_server)


@pytest.fixture(scope="session")
def closing() -> Iterator[Closing]:
    """Ends servers while other tests run: each of many sandboxes takes a tenth of a second."""
    closing = Closing()
    yield closing
    closing.finish()


@pytest.fixture
def sandbox(closing: Closing) -> Iterator[RunningSandbox]:
    """A Kable sandbox on a real socket, which knows the test's credentials."""
    with closing.later(running_sandbox(client_id=CLIENT_ID, api_key=API_KEY)) as running:
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
def run_suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthorSuite]:
    """Runs the tests of an author's project."""
    suite = AuthorSuite(tmp_path_factory.mktemp("author"))
    yield suite
    suite.close()


@pytest.fixture(scope="session")
def recorded_project(run_suite: AuthorSuite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of an author whose snapshots are recorded."""
    folder = tmp_path_factory.mktemp("abacus")
    write_project(folder)
    unrecorded = run_suite(folder)
    assert "abacus-send-all-fields.json is not there" in unrecorded.stdout
    assert "--snapshot-update" in unrecorded.stdout
    done = run_suite(folder, "--snapshot-update")
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def project(recorded_project: Path, tmp_path: Path) -> Path:
    """A copy of it, to change."""
    shutil.copytree(recorded_project, tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> MadeOnce:
    """Makes a folder once for all workers: the first that asks for a name makes it, and another one waits for it."""
    root = tmp_path_factory.getbasetemp()
    common = root if worker_id == "master" else root.parent

    def made_once(name: str, make: Callable[[Path], object]) -> Path:
        folder = common / name
        folder.mkdir(exist_ok=True)
        with (common / f"{name}.lock").open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.seek(0)
            if lock.read() != "made":
                make(folder)
                lock.write("made")
        return folder

    return made_once


@pytest.fixture(scope="session")
def wheel(made_once: MadeOnce) -> Path:
    """The wheel of this project, built from a copy of the tree."""
    (wheel,) = made_once("wheel", build_wheel).glob("*.whl")
    return wheel


@pytest.fixture(params=["uvloop", "asyncio"])
def each_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test once with uvloop, if it is installed, and once as if it were not."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    else:
        monkeypatch.setitem(sys.modules, "uvloop", None)


@pytest.fixture(scope="session", autouse=True)
def _shared_postgres() -> Iterator[None]:
    """Stop the PostgreSQL that tests share, if one of them has started it."""
    yield
    stop_shared_server()

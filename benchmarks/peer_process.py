"""The process of the peer: Node with Segment's packages, installed when they are not there yet."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

if TYPE_CHECKING:
    from types import TracebackType

FOLDER = Path(__file__).parent
_OLDEST_NODE = (20, 3)
_REMEDY = "Install Node.js 20.3 or later with npm (Debian: apt-get install nodejs npm; else https://nodejs.org)"


class PeerError(Exception):
    """The peer cannot run here; the message says what to do."""


class PeerProcess:
    """A Node that stays, so that its compiler has warmed up; asked and answering by JSON lines. Use it in a `with`."""

    def __init__(self) -> None:
        node = program("node")
        self.node_version = version_of(node)
        install()
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            [node, str(FOLDER / "peer.cjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, **question: Any) -> dict[str, Any]:
        """Send a question and wait for its answer. Raises PeerError when the process has ended instead."""
        given, taken = self._process.stdin, self._process.stdout
        if given is None or taken is None:
            raise PeerError("the peer has no pipes")
        try:
            given.write(orjson.dumps(question) + b"\n")
            given.flush()
        except BrokenPipeError:
            line = b""
        else:
            line = taken.readline()
        if not line:
            raise PeerError(f"the peer stopped at the question {question['ask']}; what it said stands above")
        answer: dict[str, Any] = orjson.loads(line)
        return answer


def program(name: str) -> str:
    """Find a program on the PATH. Raises PeerError."""
    found = shutil.which(name)
    if found is None:
        raise PeerError(f"{name} is not on the PATH. {_REMEDY}.")
    return found


def version_of(node: str) -> str:
    """Tell the version of a Node. Raises PeerError when it is too old."""
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - found on the PATH
    numbers = re.match(r"v(\d+)\.(\d+)", version)
    if numbers is None or tuple(map(int, numbers.groups())) < _OLDEST_NODE:
        raise PeerError(f"this Node.js is {version}, too old for Segment's packages. {_REMEDY}.")
    return version


def install() -> None:
    """Install the peer where it is not there yet. Raises PeerError."""
    lock, installed = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    npm = program("npm")
    print("Installing the peer (npm ci) …", flush=True)
    command = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(command, cwd=FOLDER, check=False).returncode:  # noqa: S603 - npm, found on the PATH
        raise PeerError("npm could not install the peer; what it said stands above. It needs the npm registry.")


def environment() -> dict[str, str]:
    """Give the environment that a contender runs in."""
    return {**os.environ, "NODE_ENV": "production"}

"""Starts the parts of a deployment as processes of this machine, as their files say.

No container runtime is needed. Instead of containers there are processes, which get the command and the environment of
the file, and nothing else of the tests' own. What differs from a container is all in this module:

- `on_loopback`: hosts are 127.0.0.1, and ports are free ones of this machine.
- `_program`: the programs of the images are those that are installed here.
- `Parts._path`: paths of a container are in a folder of the test.
- `start_kafka` and `start_postgres` do what the entry points of those two images do with their environment.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from deployment_files import COMPLETED, HEALTHY, image_environment, instructions
from kafka_jars import POM, installed_jars
from postgres_server import PostgresServer, free_port, require_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from deployment_files import Part

LOOPBACK = "127.0.0.1"
SECONDS = 120.0
SHARED_PORTS = (9092, 9093, 5432, 8787)
"""Ports of parts that others reach, or share a network with. All others belong to the part that names them."""

_HOSTS = re.compile(r"\b(?:kafka|postgres|sandbox)(?=:\d)")
_PORT = re.compile(r"(?<![\d.])\d{4,5}(?![\d.])")
_JAVA = (
    *("java", "-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
    f"-Dlog4j2.configurationFile={POM.with_name('log4j2.properties')}",
)


def on_loopback(text: str, ports: Mapping[int, int]) -> str:
    """Return a text of a file, with the hosts of parts and their ports as they are on this machine."""
    text = _HOSTS.sub(LOOPBACK, text.replace("0.0.0.0", LOOPBACK).replace("://:", f"://{LOOPBACK}:"))  # noqa: S104
    return _PORT.sub(lambda found: str(ports.get(int(found[0]), found[0])), text)


class Parts:
    """The parts that run. Whatever still runs in the end is killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shared = {port: free_port() for port in SHARED_PORTS}
        self._own: dict[str, dict[int, int]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ended: dict[str, int] = {}
        self._stack = contextlib.ExitStack()

    def start_all(self, parts: Mapping[str, Part], names: Sequence[str]) -> None:
        """Start parts, and before them what they need, each once that is ready."""
        for name in names:
            part = parts[name]
            self.start_all(parts, [other for other in part.needs if other not in self._own])
            for other, condition in part.needs.items():
                if condition == HEALTHY:
                    self.wait_for_health(parts[other])
                elif condition == COMPLETED:
                    assert self.wait(other) == 0, self.log(other)
            if name not in self._own:
                self.start(part)

    def start(self, part: Part, name: str | None = None) -> None:
        """Start a part. A `name` of its own lets it run more than once."""
        name = name or part.name
        image, _, _ = part.image.partition(":")
        self._own[name] = {port: free_port() for port in _ports_of(part) if port not in SHARED_PORTS}
        if image == "postgres":
            self._start_postgres(part)
            return
        for path, text in part.files.items():
            file = self._path(name, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self._here(name, text), encoding="utf-8")
        for folder in part.folders:
            self._path(name, folder).mkdir(parents=True, exist_ok=True)
        if image == "apache/kafka" and not part.entry_point:
            command = self._kafka_command(part, name)
            environment = {}
        else:
            entry = part.entry_point or tuple(_entry_point())
            command = self._command(name, [*entry, *part.command])
            environment = image_environment() if image == "kable-destination" else {}
            environment |= part.environment
        self._run(name, command, {key: self._here(name, value) for key, value in environment.items()})

    def wait_for_health(self, part: Part) -> None:
        """Wait until the command that the file has for that succeeds."""
        command = self._command(part.name, part.health)
        self._until(
            part.name,
            lambda: subprocess.run(command, capture_output=True, check=False, env=_environment({})).returncode == 0,
        )

    def wait_for_probes(self, part: Part, name: str) -> None:
        """Wait until everything that Kubernetes asks is answered with success."""
        for path, port in part.probes.values():
            url = f"{self.url(name, port)}{path}"

            def answers(url: str = url) -> bool:
                with contextlib.suppress(httpx.TransportError):
                    return httpx.get(url).is_success
                return False

            self._until(name, answers)

    def url(self, name: str, port: int) -> str:
        """Return the address of a port of a part."""
        return f"http://{LOOPBACK}:{self._ports(name)[port]}"

    def wait(self, name: str) -> int:
        """Wait until a part ends by itself, and return its exit code."""
        if name not in self._ended:
            self._ended[name] = self._running.pop(name).wait(SECONDS)
        return self._ended[name]

    def end(self, name: str, grace: int) -> int:
        """Send SIGTERM, as a platform does, and return the exit code. Fails if that takes longer than it allows."""
        process = self._running.pop(name)
        process.terminate()
        try:
            return process.wait(grace)
        finally:
            process.kill()

    def log(self, name: str) -> str:
        """Return what a part has written."""
        file = self._folder / f"{name}.log"
        return f"{name}: {file.read_text(errors='replace') if file.exists() else 'no log'}"

    def close(self) -> None:
        """Kill what still runs."""
        for process in self._running.values():
            process.kill()
            process.wait()
        self._stack.close()

    def _until(self, name: str, look: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not look():
            process = self._running.get(name)
            assert process is None or process.poll() is None, self.log(name)
            assert time.monotonic() < end, self.log(name)
            time.sleep(0.1)

    def _ports(self, name: str) -> dict[int, int]:
        return {**self._shared, **self._own.get(name, {})}

    def _path(self, name: str, path: str) -> Path:
        return self._folder / name / path.lstrip("/")

    def _here(self, name: str, text: str) -> str:
        """Return a text of a part with the ports and the paths of this machine."""
        text = on_loopback(text, self._ports(name))
        is_path = text.startswith("/") and self._path(name, text).exists()
        return str(self._path(name, text)) if is_path else text

    def _command(self, name: str, command: Sequence[str]) -> list[str]:
        program, *arguments = command
        return [*_program(program), *(self._here(name, argument) for argument in arguments)]

    def _run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        data = self._path(name, "/data")
        data.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command, cwd=data, env=_environment(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _kafka_command(self, part: Part, name: str) -> list[str]:
        """Format the data and return the command of a broker, as the entry point of the image does."""
        lines = [
            f"{key.removeprefix('KAFKA_').lower().replace('_', '.')}={self._here(name, value)}\n"
            for key, value in part.environment.items()
            if key.startswith("KAFKA_")
        ]
        properties = self._folder / f"{name}.properties"
        properties.write_text("".join(lines))
        java = [*_JAVA, "-cp", f"{installed_jars()}/*"]
        formatting = [*java, "kafka.tools.StorageTool", "format", "-t", part.environment["CLUSTER_ID"], "-c"]
        subprocess.run([*formatting, properties], check=True, stdout=subprocess.DEVNULL, timeout=SECONDS)
        return [*java, f"-Dkafka.logs.dir={self._folder}", "kafka.Kafka", str(properties)]

    def _start_postgres(self, part: Part) -> None:
        """Start a server with the role, the password and the database of the environment, as the image does."""
        given = part.environment
        server = PostgresServer()
        self._stack.callback(server.stop)
        self._shared[5432] = server.port
        assert given["POSTGRES_USER"] == "kable", "the server of the tests has this role"
        server.execute(f"ALTER ROLE kable PASSWORD '{given['POSTGRES_PASSWORD']}'")
        server.execute(f"CREATE DATABASE {given['POSTGRES_DB']}")
        access = server.folder / "data" / "pg_hba.conf"
        access.write_text(f"host all all {LOOPBACK}/32 scram-sha-256\n")
        server.execute("SELECT pg_reload_conf()")


def _ports_of(part: Part) -> set[int]:
    texts = [*part.command, *part.health, *part.files.values(), *part.environment.values()]
    named = {int(found) for text in texts for found in _PORT.findall(text)}
    return named | {port for _, port in part.probes.values()}


def _entry_point() -> list[str]:
    found: list[str] = shlex.split(dict(instructions())["ENTRYPOINT"].strip("[]").replace(",", " "))
    return found


def _program(program: str) -> list[str]:
    """Return how a program of an image is started here."""
    if program == "python":
        return [sys.executable]
    if program == "kable-destination":
        return [str(Path(sys.executable).parent / program)]
    if program == "pg_isready":
        return [str(require_postgres() / program)]
    assert program == "/opt/kafka/bin/kafka-topics.sh", program
    return [*_JAVA, "-cp", f"{installed_jars()}/*", "org.apache.kafka.tools.TopicCommand"]


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process: what it is given, and where programs are."""
    return {"PATH": os.environ["PATH"], **given}


@contextlib.contextmanager
def started_parts(folder: Path) -> Iterator[Parts]:
    """Yield parts that can be started in a folder."""
    parts = Parts(folder)
    try:
        yield parts
    finally:
        parts.close()

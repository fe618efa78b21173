"""Deliveries of both contenders, each in a process of its own, to a server that counts what it was sent."""

from __future__ import annotations

import http.client
import itertools
import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peer_process import PeerError, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from delivery_rows import Row
    from workload import Workload

FOLDER = Path(__file__).parent


class Bench:
    """A folder with events, servers to send them to (the port for each latency), and both contenders."""

    def __init__(self, folder: Path, workload: Workload, node: str, ports: Mapping[float, int]) -> None:
        self._folder = folder
        self._workload = workload
        self._node = node
        self._ports = ports

    def file(self, count: int, *, rejected: bool = False) -> Path:
        """Write so many events, each with an ID of its own. Rejected ones name no customer."""
        path = self._folder / f"{count}{'-rejected' * rejected}.ndjson"
        if not path.exists():
            both = zip(self._workload.lines, self._workload.events, strict=True)
            lines = itertools.cycle([(line, event["messageId"].encode()) for line, event in both])
            with path.open("wb") as file:
                for number, (line, name) in enumerate(itertools.islice(lines, count)):
                    text = line.replace(name, b"%s-%07d" % (name, number))
                    file.write((text.replace(b'"userId"', b'"nobody"') if rejected else text) + b"\n")
        return path

    def ours(self, row: Row, events: int, *, rejected: bool = False) -> dict[str, Any]:
        """Deliver with this package, in a folder of its own."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            return self.deliver(folder, events, row.arguments, row.latency, rejected=rejected)

    def deliver(
        self, folder: str, events: int, arguments: list[str], latency: float = 0.0, *, rejected: bool = False
    ) -> dict[str, Any]:
        """Deliver with this package, in a folder that may have an outbox."""
        file = self.file(events, rejected=rejected)
        command = [sys.executable, str(FOLDER / "deliver_ours.py"), str(file), *arguments]
        settings = self._workload.settings
        credentials = {"KABLE_API_KEY": settings["apiKey"], "KABLE_CLIENT_ID": settings["kableClientId"]}
        base = ["--base-url", f"http://127.0.0.1:{self._ports[latency]}"]
        return self._run([*command, *base], folder, credentials, self._ports[latency])

    def peer(self, row: Row, events: int) -> dict[str, Any]:
        """Deliver with the peer."""
        asked = self._workload.for_the_peer()
        options = {
            "file": str(self.file(events)),
            "url": f"http://127.0.0.1:{self._ports[row.latency]}/api/v1/events/create",
            "headers": asked["request"]["headers"],
            "batchEvents": row.batch_events,
            "inFlight": row.in_flight,
            **{key: asked[key] for key in ("settings", "settingsFields", "action", "subscription")},
        }
        path = self._folder / "peer.json"
        path.write_text(json.dumps(options))
        command = [self._node, str(FOLDER / "deliver_peer.cjs"), str(path)]
        return self._run(command, str(self._folder), {}, self._ports[row.latency])

    def _run(self, command: list[str], folder: str, added: dict[str, str], port: int) -> dict[str, Any]:
        done = subprocess.run(  # noqa: S603 - our own programs
            command, cwd=folder, env={**environment(), **added}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise PeerError(f"{command[1]} ended with {done.returncode}: {done.stderr[-2000:]}")
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        if "code" in result and done.stderr:
            # The command says there what is wrong, such as an option that it does not know.
            result["said"] = done.stderr[-2000:]
        return {**result, **self._arrived(port)}

    def _arrived(self, port: int) -> dict[str, int]:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/")
        arrived: dict[str, int] = json.loads(connection.getresponse().read())
        connection.close()
        return arrived


@contextmanager
def sink(latency: float, *, failing: str | None = None) -> Iterator[int]:
    """Run the server; yield its port. It answers requests of the account `failing` with 503."""
    command = [sys.executable, str(FOLDER / "sink.py"), str(latency), *([] if failing is None else [failing])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()

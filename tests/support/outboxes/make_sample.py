"""Makes a sample outbox with an installed version of the program, and writes it to standard output as SQL.

Usage: `PYTHONPATH=… python make_sample.py > NAME.sql` (README.md says which versions there are samples of).
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PORT = 18_231
"""The account of the events names it, so it is the same in all samples."""

ENVIRONMENT = {"KABLE_API_KEY": "sk_test_sample", "KABLE_CLIENT_ID": "kci_sample"}


def event(number: int, **changes: Any) -> bytes:
    """Return an event as a line."""
    track: dict[str, Any] = {
        "type": "track",
        "event": "API Call",
        "userId": f"customer_{number % 3}",
        "messageId": f"message-{number:03}",
        "timestamp": "2026-03-04T05:06:07.890Z",
        "properties": {"units": number},
    }
    return json.dumps({**track, **changes}).encode() + b"\n"


def identify(number: int) -> bytes:
    """Return an event of the other action as a line."""
    audience = {"computation_class": "audience", "computation_key": "audience"}
    return event(number, type="identify", traits={"audience": True}, context={"personas": audience})


class Server:
    """Answers each request by `status`; not at all if that is 0."""

    def __init__(self) -> None:
        self.status = 200
        self.asked = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                server.asked.set()
                if not server.status:
                    time.sleep(60)
                status = 400 if b'"units":13' in body else server.status
                self.send_response(status)
                if status == 503:
                    self.send_header("Retry-After", "3600")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name upstream
                """Keep quiet."""

        http = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
        threading.Thread(target=http.serve_forever, daemon=True).start()


def deliver(folder: Path, name: str, *lines: bytes) -> subprocess.Popen[bytes]:
    """Begin to deliver lines from a file."""
    (folder / name).write_bytes(b"".join(lines))
    command = [sys.executable, "-m", "kable_destination.runner", "deliver", name]
    options = ["--base-url", f"http://127.0.0.1:{PORT}", "--batch-size", "2", "--wait", "0"]
    return subprocess.Popen([*command, *options], cwd=folder, env={**os.environ, **ENVIRONMENT}, stdout=sys.stderr)


def main() -> None:
    """Deliver some events, postpone some, and kill a process that is sending some."""
    server = Server()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rejected = event(9, userId="")
        deliver(folder, "first.ndjson", *map(event, (0, 1, 2, 13)), rejected, b"{oops\n").wait()
        server.status = 503
        deliver(folder, "second.ndjson", *map(identify, (30, 31, 32))).wait()
        server.status = 0
        server.asked.clear()
        with deliver(folder, "third.ndjson", *map(event, (40, 41, 42, 43, 44))) as process:
            server.asked.wait()
            time.sleep(0.5)
            process.send_signal(signal.SIGKILL)
        connection = sqlite3.connect(folder / "outbox.sqlite")
        for pragma in ("application_id", "user_version"):
            (value,) = connection.execute(f"PRAGMA {pragma}").fetchone()
            print(f"PRAGMA {pragma} = {value};")  # noqa: T201 - its purpose
        for line in connection.iterdump():
            print(line)  # noqa: T201 - its purpose


main()

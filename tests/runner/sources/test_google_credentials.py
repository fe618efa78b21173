"""Credentials of Google Cloud Storage are those that the environment names, and no message shows them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kable_destination.runner.sources.contract import SourceError
from kable_destination.runner.sources.paths import sources_of
from serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "s3cr3t-token"  # noqa: S105 - of nobody


@dataclass
class Google:
    """A server that gives tokens, and refuses to list: what each list was asked with."""

    status: int
    message: str
    base_url: str = ""
    asked_with: list[str | None] = field(default_factory=list)


@contextlib.contextmanager
def running(google: Google) -> Iterator[Google]:
    """Run the server."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})

        def do_GET(self) -> None:
            google.asked_with.append(self.headers["Authorization"])
            self._answer(google.status, {"error": {"code": google.status, "message": google.message}})

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as google.base_url:
        yield google


def refused_with(google: Google, monkeypatch: pytest.MonkeyPatch, credentials: Path) -> str:
    """Read a bucket, and return why that failed."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", google.base_url)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
    monkeypatch.setenv("NO_GCE_CHECK", "true")

    async def read() -> None:
        (source,) = sources_of(["gs://bucket/logs/"], "scope")
        async for _ in source.chunks(None):
            pass

    with pytest.raises(SourceError) as refused:
        asyncio.run(read())
    return str(refused.value)


def test_a_service_account_is_used_and_its_token_is_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with running(Google(403, "nobody does not have storage.objects.list access")) as google:
        account = {
            "type": "service_account",
            "project_id": "project",
            "private_key_id": "1",
            "private_key": key.decode(),
            "client_email": "nobody@example.com",
            "token_uri": f"{google.base_url}/token",
        }
        (tmp_path / "account.json").write_text(json.dumps(account), encoding="utf-8")
        message = refused_with(google, monkeypatch, tmp_path / "account.json")
    assert message == "gs://bucket/logs/ cannot be read: nobody does not have storage.objects.list access"
    assert google.asked_with == [f"Bearer {TOKEN}"], "asked once: to ask again would not help"


def test_a_bucket_that_needs_credentials_that_are_not_there_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with running(Google(401, "Anonymous caller does not have storage.objects.list access")) as google:
        message = refused_with(google, monkeypatch, tmp_path / "missing.json")
    assert "cannot be read without credentials, and none were found: Anonymous caller" in message
    assert google.asked_with == [None]

"""A local Google Cloud Storage (fake-gcs-server) and a local Azure (Azurite)."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import psutil
import pytest

from installing import UnavailableError
from object_store import BUCKET, LocalStore, proxied
from store_servers import REQUIRED, installed_azure, installed_gcs, is_required

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SECONDS_TO_START = 60
_ACCOUNT = "devstoreaccount1"
_ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""What every Azurite has, and every page about it names."""

_OBJECT = re.compile(rf"/storage/v1/b/{BUCKET}/o/([^/]+)")


@contextlib.contextmanager
def local_gcs(folder: Path) -> Iterator[LocalStore]:
    """Run a Google Cloud Storage with an empty bucket."""
    program = str(_installed("gs", installed_gcs))
    options = ("-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", "0", "-log-level", "error")
    with (
        _running([program, *options], folder / "gcs.log") as target,
        httpx.Client(base_url=f"http://{target}") as client,
    ):
        client.post("/storage/v1/b", json={"name": BUCKET}).raise_for_status()

        def put(key: str, data: bytes) -> None:
            given = {"uploadType": "media", "name": key}
            client.post(f"/upload/storage/v1/b/{BUCKET}/o", params=given, content=data).raise_for_status()

        with proxied("gs", target, _key_of_google) as store:
            store.put = put
            store.environment = {"STORAGE_EMULATOR_HOST": store.base_url, "NO_GCE_CHECK": "true"}
            yield store


@contextlib.contextmanager
def local_azure(folder: Path) -> Iterator[LocalStore]:
    """Run an Azure with an empty container."""
    program = str(_installed("abfs", installed_azure))
    options = ("--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--blobPort", "0")
    with _running([program, *options], folder / "azure.log") as target:
        from azure.storage.blob import BlobServiceClient, LinearRetry  # noqa: PLC0415 - an extra, only where it is used

        # The server closes connections that are idle. To wait after that is of no use.
        retries = LinearRetry(backoff=0, random_jitter_range=0)
        with BlobServiceClient.from_connection_string(_connection(f"http://{target}"), retry_policy=retries) as service:
            container = service.create_container(BUCKET)
            with proxied("abfs", target, _key_of_azure) as store:
                store.put = lambda key, data: container.upload_blob(key, data, overwrite=True)
                store.environment = {"AZURE_STORAGE_CONNECTION_STRING": _connection(store.base_url)}
                store.secrets = (_ACCOUNT_KEY,)
                yield store


def _connection(base_url: str) -> str:
    parts = ("DefaultEndpointsProtocol=http", f"AccountName={_ACCOUNT}", f"AccountKey={_ACCOUNT_KEY}")
    return ";".join((*parts, f"BlobEndpoint={base_url}/{_ACCOUNT}", ""))


def _installed(scheme: str, install: Callable[[], Path]) -> Path:
    """Return a program; skip a test that needs it unless it is asked for, and then there must be one."""
    if not is_required(scheme):
        variable = REQUIRED[scheme]
        pytest.skip(f"tests with a local {scheme}:// are run by make test-servers, or with {variable}=required")
    try:
        return install()
    except UnavailableError as error:
        pytest.fail(f"there is no local {scheme}://: {error}")


@contextlib.contextmanager
def _running(command: list[str], log: Path) -> Iterator[str]:
    """Run a server, and yield its host and port, which the system chooses."""
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            deadline = time.monotonic() + _SECONDS_TO_START
            while not (ports := _ports(process.pid)):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < deadline, "the server does not start"
                time.sleep(0.02)
            yield f"127.0.0.1:{ports[0]}"
        finally:
            process.kill()


def _ports(process: int) -> list[int]:
    """Return the ports that a process listens at: not every server writes which one it was given."""
    connections = psutil.Process(process).net_connections("tcp")
    return [found.laddr.port for found in connections if found.status == psutil.CONN_LISTEN]


def _key_of_google(path: str) -> str:
    parts = urlsplit(path)
    found = _OBJECT.fullmatch(parts.path)
    return unquote(found[1]) if found and parse_qs(parts.query).get("alt") == ["media"] else ""


def _key_of_azure(path: str) -> str:
    parts = urlsplit(path)
    is_list = parse_qs(parts.query).get("comp") == ["list"]
    return "" if is_list else unquote(parts.path).removeprefix(f"/{_ACCOUNT}/{BUCKET}").removeprefix("/")

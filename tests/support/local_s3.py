"""A local S3 (moto's server)."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from object_store import BUCKET, LocalStore, proxied

if TYPE_CHECKING:
    from collections.abc import Iterator

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAOFNOBODY", "AWS_SECRET_ACCESS_KEY": "S3cr3t-of-nobody/aws"}


def require_moto() -> None:
    """Skip a test with a local S3 unless it is asked for; then there must be one."""
    if os.environ.get("KABLE_S3") != "required":
        pytest.skip("tests with a local S3 are run by make test-servers, or with KABLE_S3=required")
    if not all(importlib.util.find_spec(name) for name in ("moto", "flask", "flask_cors", "s3fs")):
        pytest.fail("there is no local S3: pip install 'moto[s3]' flask flask-cors s3fs")


@contextlib.contextmanager
def local_s3() -> Iterator[LocalStore]:
    """Run a store with an empty bucket."""
    require_moto()
    from moto.s3.models import s3_backends  # noqa: PLC0415 - only where it is used
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    target = f"{host}:{port}"
    try:
        # All servers of a process share their buckets.
        _ask(target, "POST", "/moto-api/reset")
        _ask(target, "PUT", f"/{BUCKET}")
        # In the memory of the server: thousands of requests would take minutes.
        bucket = s3_backends["123456789012"]["aws"]
        with proxied("s3", target, _key_of) as store:
            store.put = lambda key, data: bucket.put_object(BUCKET, key, data)
            store.secrets = (CREDENTIALS["AWS_SECRET_ACCESS_KEY"],)
            store.environment = {
                **CREDENTIALS,
                "AWS_ENDPOINT_URL": store.base_url,
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            }
            yield store
    finally:
        moto.stop()


def _ask(target: str, method: str, path: str) -> None:
    connection = HTTPConnection(target, timeout=60)
    try:
        connection.request(method, path)
        assert connection.getresponse().status == 200
    finally:
        connection.close()


def _key_of(path: str) -> str:
    return unquote(urlsplit(path).path).removeprefix(f"/{BUCKET}").removeprefix("/")

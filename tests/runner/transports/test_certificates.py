"""A certificate that cannot be verified stops a lane at once, and says why and what to do."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from certificates import Certificate, make_certificate
from segment_events import ndjson, track
from talking_server import OK, read_request, talking_server
from virtual_run import Setting

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from command_line import CommandLine


@contextlib.contextmanager
def tls_server(certificate: Certificate) -> Iterator[tuple[int, list[bytes]]]:
    """Serve with a certificate, and give the port and the requests as they come."""
    requests: list[bytes] = []

    def talk(connection: socket.socket, _: int) -> None:
        while request := read_request(connection):
            requests.append(request)
            connection.sendall(OK)

    with talking_server(talk, certificate.server) as (port, _):
        yield port, requests


EVENTS = ndjson(*(track(number) for number in range(3)))


def test_a_certificate_of_an_unknown_issuer_stops_the_lane(command_line: CommandLine, tmp_path: Path) -> None:
    """It was retried for 72 hours."""
    with tls_server(make_certificate(tmp_path)) as (port, requests):
        run = command_line.deliver(EVENTS, f"https://localhost:{port}")
    assert (run.code, requests, run.report["unsent"], run.letters) == (2, [], 3, [])
    assert f"the certificate on the way to localhost:{port} is not trusted: self-signed certificate" in run.err
    assert "SSL_CERT_FILE" in run.err


def test_the_issuer_that_ssl_cert_file_names_is_trusted(command_line: CommandLine, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with tls_server(certificate) as (port, requests):
        run = command_line.deliver(EVENTS, f"https://localhost:{port}", SSL_CERT_FILE=str(certificate.file))
    assert (run.code, len(requests), run.report["delivered"]) == (0, 1, 3)


def test_a_certificate_of_another_host_stops_the_lane(command_line: CommandLine, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "elsewhere.example")
    with tls_server(certificate) as (port, requests):
        run = command_line.deliver(EVENTS, f"https://localhost:{port}", SSL_CERT_FILE=str(certificate.file))
    assert (run.code, requests, run.report["unsent"]) == (2, [], 3)
    assert "check the address" in run.err


def test_a_certificate_that_has_expired_stops_the_lane(command_line: CommandLine, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, not_after="20020101000000Z")
    with tls_server(certificate) as (port, requests):
        run = command_line.deliver(EVENTS, f"https://localhost:{port}", SSL_CERT_FILE=str(certificate.file))
    assert (run.code, requests, run.report["unsent"]) == (2, [], 3)
    assert "certificate has expired; check the clock of this machine" in run.err


def test_check_credentials_says_what_is_wrong_with_a_certificate(command_line: CommandLine, tmp_path: Path) -> None:
    with tls_server(make_certificate(tmp_path)) as (port, _):
        run = command_line("check", "--credentials", "--base-url", f"https://localhost:{port}")
    assert run.code == 2
    assert "SSL_CERT_FILE" in run.err
    assert "Traceback" not in run.err


def test_a_host_that_does_not_speak_tls_is_tried_again(tmp_path: Path) -> None:
    """A proxy on the way may be out of order; the reason is shown."""
    with talking_server(lambda connection, _: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as (port, _):
        setting = Setting(tmp_path, f"https://localhost:{port}", rules={"longest_wait": 5.0})
        run = setting.deliver(EVENTS)
    assert (run.ended, run.report.unsent, run.report.dead, setting.queued()) == (None, 3, 0, 3)
    assert run.report.retries > 0
    assert f"localhost:{port} cannot be reached: [SSL: WRONG_VERSION_NUMBER]" in run.report.last_errors


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SSL_CERT_FILE", "missing.pem"), ("SSL_CERT_FILE", "events.ndjson"), ("SSL_CERT_DIR", "missing")],
)
def test_certificates_that_cannot_be_read_are_named_before_anything_is_accepted(
    command_line: CommandLine, variable: str, value: str
) -> None:
    run = command_line.deliver(EVENTS, "https://localhost:1", **{variable: value})
    assert run.code == 2
    assert f"error: {variable}: names no " in run.err
    assert not (command_line.folder / "outbox.sqlite").exists()

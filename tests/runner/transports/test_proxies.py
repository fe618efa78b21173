"""Which proxy the environment names, checked at the start; and no secret of another file goes out."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from certificates import make_certificate
from kable_destination.definitions import SetupError
from kable_destination.runner.transports.proxies import Proxy, proxy_for
from segment_events import ndjson, track
from talking_server import OK, read_request, talking_server

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from command_line import CommandLine

EVENTS = ndjson(*(track(number) for number in range(3)))
SECRET = "pa55word"  # noqa: S105 - of nobody


def relay(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until one side ends."""
    with contextlib.suppress(OSError):
        while block := source.recv(65_536):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def recording_proxy(tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """Serve as a proxy that opens every tunnel; give its port, and what it was asked."""
    asked: list[bytes] = []

    def talk(connection: socket.socket, _request: int) -> None:
        head = read_request(connection)
        asked.append(head)
        host, _, target = head.split(b" ")[1].decode().rpartition(":")
        with socket.create_connection((host, int(target))) as there:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=relay, args=(there, connection), daemon=True)
            back.start()
            relay(connection, there)
            back.join(10)

    with talking_server(talk, tls) as (port, _):
        yield port, asked


@contextlib.contextmanager
def kable_over_tls(tls: ssl.SSLContext) -> Iterator[tuple[int, list[bytes]]]:
    """Serve as Kable, and give the port and the requests."""
    requests: list[bytes] = []

    def talk(connection: socket.socket, _request: int) -> None:
        while request := read_request(connection):
            requests.append(request)
            connection.sendall(OK)

    with talking_server(talk, tls) as (port, _):
        yield port, requests


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_requests_go_through_the_proxy(command_line: CommandLine, tmp_path: Path, scheme: str, variable: str) -> None:
    """A proxy that is asked by https was passed over, and requests went out directly."""
    certificate = make_certificate(tmp_path)
    with (
        kable_over_tls(certificate.server) as (port, requests),
        recording_proxy(certificate.server if scheme == "https" else None) as (proxy, asked),
    ):
        environment = {variable: f"{scheme}://ada:{SECRET}@localhost:{proxy}", "SSL_CERT_FILE": str(certificate.file)}
        run = command_line.deliver(EVENTS, f"https://localhost:{port}", **environment)
    assert (run.code, run.report["delivered"], len(requests), len(asked)) == (0, 3, 1, 1)
    assert asked[0].startswith(b"CONNECT localhost:%d " % port)
    credentials = base64.b64encode(f"ada:{SECRET}".encode())
    assert b"Proxy-Authorization: Basic " + credentials in asked[0]
    assert credentials not in requests[0]
    assert b"Kable-Client-Secret" not in asked[0]


@pytest.mark.parametrize("entry", ["default", "machine localhost", "machine 127.0.0.1"])
def test_no_password_of_netrc_is_sent_to_anybody(command_line: CommandLine, tmp_path: Path, entry: str) -> None:
    certificate = make_certificate(tmp_path)
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"{entry} login ada password {SECRET}\n", encoding="utf-8")
    netrc.chmod(0o600)
    with kable_over_tls(certificate.server) as (port, requests), recording_proxy() as (proxy, asked):
        environment = {"HOME": str(tmp_path), "NETRC": str(netrc), "SSL_CERT_FILE": str(certificate.file)}
        run = command_line.deliver(EVENTS, f"https://localhost:{port}", **environment)
        again = command_line.deliver(
            ndjson(track(9)), f"https://localhost:{port}", HTTPS_PROXY=f"http://localhost:{proxy}", **environment
        )
    assert (run.code, again.code, len(requests), len(asked)) == (0, 0, 2, 1)
    assert not [text for text in (*requests, *asked) if b"authorization" in text.lower()]


WRONG = [
    "proxy.example:3128",
    "//proxy.example:3128",
    "http://proxy.example:99999",
    "http://proxy.example:0",
    "http://proxy.example:abc",
    "http://[::1",
    "http://bad_host..example:3128",
    "http://",
    "http://proxy.example :3128",
    "socks5://proxy.example:1080",
    "SOCKS5H://proxy.example:1080",
    "ftp://proxy.example",
    f"ada:{SECRET}@proxy.example:3128",
    f"http://ada:{SECRET}@proxy.example:port",
    "http://300.1.1.1:3128",
]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize("value", WRONG)
def test_a_proxy_that_cannot_be_used_is_refused_by_the_name_of_its_variable(variable: str, value: str) -> None:
    with pytest.raises(SetupError) as caught:
        proxy_for("live.kable.io", 443, {variable: value})
    assert [problem.place for problem in caught.value.problems] == [variable]
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("value", ["proxy.example:3128", "http://[::1", "socks5://localhost:1"])
@pytest.mark.parametrize("command", [("deliver", "events.ndjson"), ("check",), ("check", "--credentials")])
def test_a_wrong_proxy_ends_a_command_before_anything_is_accepted(
    command_line: CommandLine, value: str, command: tuple[str, ...]
) -> None:
    (command_line.folder / "events.ndjson").write_bytes(EVENTS)
    run = command_line(*command, HTTPS_PROXY=value)
    assert run.code == 2
    assert "error: HTTPS_PROXY: " in run.err
    assert "Traceback" not in run.err
    assert not (command_line.folder / "outbox.sqlite").exists()


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://a.example:1"}, None),
        ({"HTTPS_PROXY": "http://a.example:1"}, Proxy("http://a.example:1", "HTTPS_PROXY")),
        ({"HTTPS_PROXY": "HTTP://a.example/"}, Proxy("http://a.example", "HTTPS_PROXY")),
        ({"HTTPS_PROXY": "http://[::1]:1"}, Proxy("http://[::1]:1", "HTTPS_PROXY")),
        (
            {"HTTPS_PROXY": "http://a.example:1", "https_proxy": "http://b.example"},
            Proxy("http://b.example", "https_proxy"),
        ),
        ({"HTTPS_PROXY": "http://a.example:1", "ALL_PROXY": "socks5://b"}, Proxy("http://a.example:1", "HTTPS_PROXY")),
        ({"https_proxy": "", "HTTPS_PROXY": "http://a.example:1"}, None),
        ({"HTTPS_PROXY": "http://a.example:1", "NO_PROXY": "kable.io"}, None),
        ({"HTTPS_PROXY": "socks5://a.example:1", "no_proxy": ".kable.io"}, None),
        ({"HTTPS_PROXY": "http://a.example:1", "no_proxy": "live.kable.io:443"}, None),
        ({"HTTPS_PROXY": "http://a.example:1", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": "http://a.example:1", "no_proxy": "le.io"}, Proxy("http://a.example:1", "HTTPS_PROXY")),
        ({"HTTPS_PROXY": "http://a.example:1", "no_proxy": "10.0.0.0/8 KABLE.io."}, None),
        ({"HTTPS_PROXY": "http://a.example:1", "no_proxy": "*.kable.io"}, None),
        ({"HTTPS_PROXY": "http://a.example:1", "no_proxy": "0.0.0.0/0,, "}, Proxy("http://a.example:1", "HTTPS_PROXY")),
    ],
    ids=str,
)
def test_the_first_variable_that_is_set_decides(environment: dict[str, str], proxy: Proxy | None) -> None:
    assert proxy_for("live.kable.io", 443, environment) == proxy


@pytest.mark.parametrize(
    ("host", "excepted", "is_excepted"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "192.168.0.0/16, 10.1.0.0/16", True),
        ("10.1.2.3", "10.9.9.9/8", True),
        ("10.1.2.3", "10.0.0.0/16", False),
        ("10.1.2.3", "10.1.2.3/32", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:443", True),
        ("10.1.2.3", "10.1.2.3:8443", False),
        ("10.1.2.3", ".2.3", False),
        ("10.1.2.3", "10.0.0.0/33", False),
        ("::1", "[::1]", True),
        ("::1", "::1", True),
        ("::1", "[::1]:443", True),
        ("fe80::1", "fe80::/10", True),
        ("fe80::1", "10.0.0.0/8", False),
    ],
)
def test_addresses_are_excepted_by_range_as_with_curl(host: str, excepted: str, *, is_excepted: bool) -> None:
    found = proxy_for(host, 443, {"HTTPS_PROXY": "http://a.example:1", "NO_PROXY": excepted})
    assert (found is None) is is_excepted


@pytest.mark.parametrize(
    "url",
    [
        "https://bad_host..example",
        "https://.example",
        "https://api.example..",
        "https://-api.example",
        f"https://{'a' * 64}.example",
        "https://api.example:0",
        "https://api.example:99999",
        "https://api.example:port",
        "https://[::1",
        "https://api\\example",
        "https://api%2eexample",
        "https://300.1.1.1",
        "api.example.com",
        "localhost:8080",
    ],
)
def test_a_base_url_that_can_never_be_reached_is_refused_at_the_start(command_line: CommandLine, url: str) -> None:
    (command_line.folder / "events.ndjson").write_bytes(EVENTS)
    for run in (
        command_line("deliver", "events.ndjson", "--base-url", url),
        command_line("check", KABLE_BASE_URL=url),
    ):
        assert run.code == 2
        assert "Traceback" not in run.err
    assert "KABLE_BASE_URL" in run.err
    assert not (command_line.folder / "outbox.sqlite").exists()

"""The local Kable starts on a free port and ends when it is told to."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from kable_destination.runner.sandbox import (
    RunningSandbox,
    running_sandbox,
    serve,
)
from sandbox_requests import CREATE, CREDENTIALS, EVENT, post, rejections


class TestServing:
    """The sandbox starts on a free port and ends when it is told to."""

    def test_two_sandboxes_run_side_by_side(self, emptied_sandbox: RunningSandbox) -> None:
        with running_sandbox() as other:
            httpx.post(f"{other.base_url}{CREATE}", json=EVENT, headers=CREDENTIALS).raise_for_status()
            assert other.ledger.events == [EVENT]
        assert emptied_sandbox.ledger.events == []
        with pytest.raises(httpx.ConnectError):
            httpx.get(other.base_url)

    def test_an_unfinished_request_does_not_hold_up_the_end(self, caplog: pytest.LogCaptureFixture) -> None:
        with ExitStack() as afterwards, running_sandbox() as own:
            afterwards.enter_context(unfinished_request(own))
        assert own.ledger.events == []
        assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []

    def test_a_client_that_hangs_up_early_leaves_a_reason(
        self, kable: httpx.Client, emptied_sandbox: RunningSandbox
    ) -> None:
        unfinished_request(emptied_sandbox).close()
        seen = (rejections(kable) for _ in range(1000))
        assert next(filter(None, seen))[0]["message"] == "The connection ended before the body did."

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_serve_announces_its_address_and_returns_on_a_signal(self, number: signal.Signals) -> None:
        program = (
            "from kable_destination.runner.sandbox import serve\n"
            "serve(announce=lambda url: print(url, flush=True))\n"
            "print('returned')\n"
        )
        command = [sys.executable, "-W", "error", "-c", program]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            try:
                with httpx.Client(base_url=url, headers=CREDENTIALS) as kept_open:
                    answer = post(kept_open, EVENT)
                    process.send_signal(number)
                    rest, errors = process.communicate(timeout=30)
            finally:
                process.kill()
        assert answer.status_code == 200
        assert (process.returncode, rest, errors) == (0, "returned\n", "")

    @pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - refusing them is the point
    def test_a_host_beyond_this_machine_is_refused(self, host: str) -> None:
        with pytest.raises(ValueError, match="open to other machines"):
            serve(host=host, announce=pytest.fail)

    @pytest.mark.parametrize("port", [-1, 65_536, 70_000])
    def test_a_port_that_does_not_exist_is_refused(self, port: int) -> None:
        with pytest.raises(ValueError, match=f"There is no port {port}"):
            serve(port=port, announce=pytest.fail)

    def test_a_port_that_is_taken_is_an_os_error(self, emptied_sandbox: RunningSandbox) -> None:
        port = urlsplit(emptied_sandbox.base_url).port
        assert port is not None
        with pytest.raises(OSError, match="in use"):
            serve(port=port, announce=pytest.fail)


def unfinished_request(emptied_sandbox: RunningSandbox) -> socket.socket:
    """Begin a request whose body never comes, and wait until the sandbox waits for it."""
    address = urlsplit(emptied_sandbox.base_url)
    client = socket.create_connection((address.hostname, address.port), timeout=10)
    headers = {**CREDENTIALS, "Host": address.netloc, "Content-Type": "application/json", "Content-Length": "100"}
    lines = [f"{name}: {value}\r\n" for name, value in {**headers, "Expect": "100-continue"}.items()]
    client.sendall(f"POST {CREATE} HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
    assert client.recv(1024).startswith(b"HTTP/1.1 100")
    return client

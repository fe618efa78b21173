"""`sandbox`, as a user runs it."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_line import CommandLine

TALLY = str(Path(__file__).parents[1] / "support" / "tally_manifest.json")
OWN_KEY = "tally-key-of-nobody"


@contextmanager
def recorder(command_line: CommandLine, *options: str) -> Iterator[httpx.Client]:
    """A client of the sandbox for another destination, whose API key is in the environment."""
    command_line.environment["TALLY_API_KEY"] = OWN_KEY
    with command_line.start("sandbox", "--destination", TALLY, "--port", "0", *options) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().decode().removeprefix("Tally sandbox listening on ").strip()
        assert process.stdout.readline().decode() == f"requests: {base_url}/sandbox/requests\n"
        with httpx.Client(base_url=base_url) as client:
            yield client
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_it_says_where_it_listens_and_injects_the_faults_of_its_options(command_line: CommandLine) -> None:
    options = ("--port", "0", "--fail", "503=1", "--retry-after", "7", "--refuse", "data.units=5", "--seed", "1")
    with command_line.start("sandbox", *options) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().decode().removeprefix("Kable sandbox listening on ").strip()
        assert process.stdout.readline().decode() == f"ledger: {base_url}/sandbox/ledger\n"
        answer = httpx.post(f"{base_url}/api/v1/events/create", json={})
        faults = httpx.get(f"{base_url}/sandbox/faults").json()["faults"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert (faults["statuses"], faults["seed"]) == ({"503": 1.0}, 1)
    assert faults["refuse"] == [{"field": "data.units", "value": 5}]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--fail", "503"), 'error: --fail: "503" should read as NAME=VALUE\n'),
        (("--fail", "503=often"), "error: statuses.503: "),
        (("--fail", "99=1"), "error: statuses.99: is not a status; one from 100 to 599 is expected\n"),
        (("--fault", "fire=0.5"), "error: kinds.fire"),
        (
            ("--host", "999.1.1.1"),
            'error: --host: "999.1.1.1" is not an address of this machine; omit it for 127.0.0.1\n',
        ),
        (("--host", "0.0.0.0"), "error: sandbox: The sandbox would be open to other machines"),  # noqa: S104
        (("--destination", "nothing"), 'error: destination: "nothing" is not installed'),
        (("--destination", TALLY, "--api-key", "x"), "error: --api-key: is for the Kable sandbox only"),
        (("--destination", TALLY, "--refuse", "a=1", "--max-events", "5"), "error: --refuse: is for the Kable"),
    ],
)
def test_what_it_cannot_do_is_refused(command_line: CommandLine, options: tuple[str, ...], told: str) -> None:
    run = command_line("sandbox", "--port", "0", *options)
    assert run.code == 2
    assert run.err.startswith(told)


def test_for_another_destination_it_accepts_and_records_each_request(command_line: CommandLine) -> None:
    with recorder(command_line) as client:
        answers = [
            client.post("/v1/usage?page=1", content=b'{"units": 12345678901234567890.10}'),
            client.put("/v1/usage", content="plain Größe".encode()),
            client.delete("/v1/usage"),
            client.post("/binary", content=b"\xff\x00"),
        ]
        recorded = client.get("/sandbox/requests").json()
        raw = client.get("/sandbox/requests", params={"limit": 1}).text
        assert client.get("/sandbox/requests", params={"offset": 3}).json()["requests"] == recorded["requests"][3:]
        client.post("/sandbox/reset")
        assert client.get("/sandbox/requests").json() == {"count": 0, "kept": 0, "requests": []}
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {})] * 4
    shown = [(each["method"], each["path"], each["body"]) for each in recorded["requests"]]
    assert shown[1:] == [
        ("PUT", "/v1/usage", "plain Größe"),
        ("DELETE", "/v1/usage", None),
        ("POST", "/binary", None),
    ]
    assert shown[0][:2] == ("POST", "/v1/usage?page=1")
    assert '{"units": 12345678901234567890.10}' in raw, "a number is shown as it was sent"
    assert recorded["requests"][3]["body_base64"] == "/wA="


def test_secrets_in_requests_are_masked(command_line: CommandLine) -> None:
    with recorder(command_line) as client:
        headers = {
            "X-Note": f"a {OWN_KEY} b",
            "Authorization": "Bearer s3cret-1",
            "X-Api-Key": "s3cret-2",
            "Cookie": "s3cret=s3cret-3",
        }
        client.post(f"/{OWN_KEY}/send?access_token=s3cret-4&page=2", headers=headers, json={"key": OWN_KEY})
        text = client.get("/sandbox/requests").text
        (request,) = client.get("/sandbox/requests").json()["requests"]
    assert "s3cret" not in text
    assert OWN_KEY not in text
    assert request["path"] == "/••••••••/send?access_token=••••••••&page=2"
    assert request["headers"]["authorization"] == "Bearer ••••••••"
    assert request["headers"]["x-note"] == "a •••••••• b"
    assert request["body"] == {"key": "••••••••"}


def test_for_another_destination_it_misbehaves_on_demand_too(command_line: CommandLine) -> None:
    with recorder(command_line, "--fail", "503=1", "--retry-after", "7", "--max-bytes", "5") as client:
        failed = client.post("/", json={})
        client.post("/sandbox/faults", json={"max_bytes": 5})
        large = client.post("/", content=b"x" * 6)
        refused = client.post("/sandbox/faults", json={"max_events": 5})
        assert client.get("/sandbox/requests").json()["count"] == 0
    assert (failed.status_code, failed.headers["Retry-After"]) == (503, "7")
    assert large.status_code == 413
    assert (refused.status_code, "only the Kable sandbox" in refused.text) == (400, True)

"""Other destinations, found by their own entry points, go through the same runner without a change to it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from command_line import IMPORTED, CommandLine, with_credentials
from fork_server import ForkServer
from scripted_server import scripted_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from collections.abc import Iterator

SUPPORT = Path(__file__).parents[2] / "support"
CREDENTIALS = {
    "METER_USER": "ada",
    "METER_TOKEN": "t0ken-of-nobody",
    "LEDGER_API_KEY": "k3y-of-nobody",
    "TALLY_API_KEY": "k3y-of-nobody",
}


@pytest.fixture(scope="module")
def server_with_plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """The command line, in an environment where the reference plugins are installed too."""
    site = tmp_path_factory.mktemp("site")
    for name in ("meter", "ledger", "tally"):
        shutil.copy(SUPPORT / f"{name}_destination.py", site)
        metadata = site / f"{name}_destination-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}-destination\nVersion: 1.0\n", encoding="utf-8"
        )
        entry = f"[destination_actions]\n{name} = {name}_destination:{name}\n"
        (metadata / "entry_points.txt").write_text(entry, encoding="utf-8")
    shutil.copy(SUPPORT / "tally_manifest.json", site)
    server = ForkServer(IMPORTED, with_credentials(PYTHONPATH=str(site), **CREDENTIALS), site)
    yield server
    server.close()


@pytest.fixture
def with_plugins(server_with_plugins: ForkServer, tmp_path: Path) -> CommandLine:
    """Runs the command line beside the plugins, in a folder of its own."""
    return CommandLine(tmp_path, dict(server_with_plugins.environment), server_with_plugins)


def test_it_is_delivered_in_its_own_batches_with_its_own_credentials(with_plugins: CommandLine) -> None:
    events = [
        track(number, properties={"region": "eu" if number % 2 else "us", "units": number}) for number in range(5)
    ]
    with scripted_server(lambda _: (200, {}, b"")) as server:
        run = with_plugins.deliver(ndjson(*events), server.base_url, "--destination", "meter", "--concurrency", "1")
    assert run.code == 0, run.err
    assert run.report["delivered"] == 5
    bodies = [json.loads(body) for body in server.bodies]
    units = [[item["units"] for item in body.get("items", [body.get("item")])] for body in bodies]
    assert units == [[0, 2], [1, 3], [4]]
    expected = "Basic " + base64.b64encode(b"ada:t0ken-of-nobody").decode()
    assert {headers["Authorization"] for _, _, headers, _ in server.requests} == {expected}
    assert expected not in run.out + run.err


def test_the_sandbox_records_what_it_is_sent(with_plugins: CommandLine) -> None:
    with with_plugins.start("sandbox", "--destination", "meter", "--port", "0") as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().decode().removeprefix("Meter sandbox listening on ").strip()
        events = ndjson(*(track(number) for number in range(3)))
        run = with_plugins.deliver(events, base_url, "--destination", "meter", "--concurrency", "1")
        recorded = httpx.get(f"{base_url}/sandbox/requests").json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert (run.code, run.report["delivered"], recorded["count"]) == (0, 3, 2)
    assert [(request["method"], request["path"]) for request in recorded["requests"]] == [
        ("POST", "/many"),
        ("PUT", "/one"),
    ]
    first = recorded["requests"][0]
    assert first["headers"]["authorization"] == "Basic ••••••••"
    assert first["body"]["items"][0] == {"name": "API Call", "region": "eu", "units": 0}
    assert "of-nobody" not in json.dumps(recorded)


def test_it_is_previewed_and_checked_like_ours(with_plugins: CommandLine) -> None:
    (with_plugins.folder / "event.json").write_text(json.dumps(track()), encoding="utf-8")
    run = with_plugins("preview", "event.json", "--destination", "meter")
    assert "https://meter.example/one" in run.out
    assert "t0ken-of-nobody" not in run.out
    checked = with_plugins("check", "--destination", "meter")
    assert (checked.code, "Meter" in checked.out) == (0, True)


def test_an_unknown_destination_is_refused_with_the_installed_ones(with_plugins: CommandLine) -> None:
    run = with_plugins("check", "--destination", "metre")
    assert run.code == 2
    assert "kable, ledger, meter, tally" in run.err


def test_basic_credentials_are_masked_wherever_a_request_is_shown(with_plugins: CommandLine) -> None:
    run = with_plugins("preview", "-", "--destination", "meter", stdin=json.dumps(track()).encode())
    sent = base64.b64encode(b"ada:t0ken-of-nobody").decode()
    assert "Basic " in run.out
    assert not any(sent[start : start + 4] in run.out for start in range(6, len(sent) - 6))


def test_an_action_of_two_requests_looks_up_and_then_sends(with_plugins: CommandLine) -> None:
    def answer(number: int) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": "application/json"}, json.dumps({"account": f"acc_{number}"}).encode()

    events = [track(number, event="Order Completed", properties={"total": number + 0.5}) for number in range(3)]
    with scripted_server(answer) as server:
        run = with_plugins.deliver(ndjson(*events), server.base_url, "--destination", "ledger", "--concurrency", "1")
    assert run.code == 0, run.err
    assert run.report["delivered"] == 3
    assert [(method, path) for method, path, _, _ in server.requests] == [
        step
        for number in range(3)
        for step in (("GET", f"/accounts?customer=customer_{number}"), ("POST", f"/accounts/acc_{2 * number}/entries"))
    ]
    entries = [json.loads(body) for body in server.bodies if body]
    assert entries == [{"amount": number + 0.5, "reference": f"message-{number:06}"} for number in range(3)]
    assert {headers["Authorization"] for _, _, headers, _ in server.requests} == {"Bearer k3y-of-nobody"}


def test_a_lookup_that_fails_in_passing_is_tried_again_and_the_entry_is_sent_once(with_plugins: CommandLine) -> None:
    def answer(number: int) -> tuple[int, dict[str, str], bytes]:
        return (503, {}, b"") if number == 0 else (200, {}, b'{"account": "acc_1"}')

    event = track(event="Order Completed", properties={"total": 1})
    with scripted_server(answer) as server:
        run = with_plugins.deliver(ndjson(event), server.base_url, "--destination", "ledger")
    assert run.report["delivered"] == 1
    assert [method for method, _, _, _ in server.requests] == ["GET", "GET", "POST"]


def test_a_plugin_that_is_a_manifest_is_previewed_and_its_events_are_kept(with_plugins: CommandLine) -> None:
    previewed = with_plugins("preview", "-", "--destination", "tally", stdin=json.dumps(track()).encode())
    assert '"API Call"' in previewed.out
    with scripted_server(lambda _: (200, {}, b"")) as server:
        run = with_plugins.deliver(ndjson(track(1), track(2)), server.base_url, "--destination", "tally")
    assert (run.report["delivered"], server.requests) == (0, [])
    assert [letter["event"]["messageId"] for letter in run.letters] == ["message-000001", "message-000002"]
    assert all("holds no code" in json.dumps(letter) for letter in run.letters)


@pytest.mark.parametrize("name", ["meter", "ledger", "tally"])
def test_other_processes_plan_for_it_as_this_one_does(with_plugins: CommandLine, name: str) -> None:
    """Batch keys, exchanges of two requests, and a manifest, which holds no code."""
    long = "x" * 20_000
    events = [
        track(number, properties={"region": "eu", "units": number, "total": 1, "long": long}) for number in range(600)
    ]
    runs = []
    for planners in ("0", "2"):
        with scripted_server(lambda _: (200, {}, b'{"account": "acc_1"}')) as server:
            options = ("--destination", name, "--no-outbox", "--planners", planners)
            run = with_plugins.deliver(ndjson(*events), server.base_url, *options)
        report = {key: value for key, value in run.report.items() if key not in {"host", "seconds", "requests"}}
        runs.append((run.code, report, run.letters, sorted(server.bodies)))
        (with_plugins.folder / "letters.ndjson").unlink(missing_ok=True)
    assert runs[0] == runs[1]
    assert runs[0][1]["read"] == 600


@pytest.mark.parametrize("name", ["meter", "ledger", "tally"])
def test_the_definition_lint_has_nothing_to_say_of_a_good_plugin(with_plugins: CommandLine, name: str) -> None:
    checked = with_plugins("check", "--destination", name)
    assert (checked.code, checked.err) == (0, "")


@pytest.mark.parametrize(
    ("code", "said", "line"),
    [
        ("import httpx\nimport nowhere_to_be_found\n", "ModuleNotFoundError: No module named 'nowhere_to_be_found'", 2),
        ("\n\nbroken = 1 / 0\n", "ZeroDivisionError: division by zero", 3),
        ("broken = (\n", "SyntaxError: '(' was never closed", 1),
        (
            "def make():\n    raise RuntimeError('no\\nconfiguration')\n\nbroken = make()\n",
            "RuntimeError: no configuration",
            2,
        ),
        ("import pytest\npytest.importorskip('nowhere')\n", "Skipped: could not import 'nowhere'", 2),
        ("from kable_destination.definitions import Nothing\n", "ImportError: cannot import name 'Nothing'", 1),
    ],
)
@pytest.mark.parametrize("command", ["check", "preview", "deliver"])
def test_a_plugin_that_cannot_be_imported_is_one_sentence_with_file_and_line(
    with_plugins: CommandLine, command: str, code: str, said: str, line: int
) -> None:
    site = with_plugins.folder / "broken"
    site.mkdir()
    (site / "broken_destination.py").write_text(code, encoding="utf-8")
    metadata = site / "broken_destination-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n", encoding="utf-8")
    entry = "[destination_actions]\nbroken = broken_destination:broken\n"
    (metadata / "entry_points.txt").write_text(entry, encoding="utf-8")
    beside_it = replace(with_plugins, installed=str(site))
    run = beside_it(command, *([] if command == "check" else ["-"]), "--destination", "broken")
    assert run.code == 2
    assert "Traceback" not in run.err
    (sentence,) = run.err.strip().splitlines()
    assert said in sentence
    assert f'broken_destination.py", line {line})' in sentence


def test_a_plugin_without_what_its_entry_point_names_is_refused(with_plugins: CommandLine) -> None:
    site = with_plugins.folder / "empty"
    site.mkdir()
    (site / "ledger_destination.py").write_text("", encoding="utf-8")
    path = os.pathsep.join([str(site), with_plugins.environment["PYTHONPATH"]])
    run = with_plugins("check", "--destination", "ledger", PYTHONPATH=path)
    assert (run.code, "Traceback" in run.err) == (2, False)
    assert "AttributeError" in run.err

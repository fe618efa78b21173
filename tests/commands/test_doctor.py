"""`doctor`, as a user runs it: what is well, what is not, and what no output may show."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from certificates import make_certificate
from command_line import API_KEY
from kable_destination.runner.queues.sqlite.schema import VERSION
from raw_server import raw_server
from scripted_server import scripted_server
from segment_events import ndjson, track
from talking_server import talking_server

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox


def findings(run: Run) -> dict[str, tuple[str, str]]:
    """Give the state and the text of each finding, by what it is about; the first of several."""
    found: dict[str, tuple[str, str]] = {}
    for finding in json.loads(run.out)["findings"]:
        found.setdefault(finding["about"], (finding["state"], finding["text"]))
    return found


def test_all_is_well_beside_a_sandbox(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    assert command_line.deliver(ndjson(track(1), b"oops"), sandbox.base_url).code == 1
    (command_line.folder / "kable.toml").write_text('[settings]\nclientIdField = "userId"\n', encoding="utf-8")
    run = command_line("doctor", "--config", "kable.toml", "--base-url", sandbox.base_url)
    assert (run.code, run.err) == (0, ""), run.out
    lines = {line.split()[1]: line for line in run.out.splitlines()}
    assert all(line.startswith(("✓ ", "· ")) for line in run.out.splitlines()[:-1])
    assert run.out.splitlines()[-1] == "nothing is wrong"
    assert "3.1" in lines["python"]
    assert "aiohttp " in lines["packages"]
    assert lines["settings.apiKey"].endswith("(hidden) from KABLE_API_KEY")
    assert lines["settings.clientIdField"].endswith('"userId" from kable.toml')
    assert lines["delivery.baseUrl"].endswith("from --base-url")
    assert "Kable accepts them" in lines["credentials"]
    assert "agrees with the server's" in lines["clock"]
    assert f"outbox.sqlite, format {VERSION}, " in run.out
    assert "0 events queued, 1 dead letters" in run.out
    assert "MB free in " in lines["disk"]


def test_json_says_the_same_and_the_secret_stands_nowhere(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    run = command_line("doctor", "--json", "--base-url", sandbox.base_url)
    assert run.code == 0
    printed = json.loads(run.out)
    assert (printed["version"], printed["ok"]) == (1, True)
    assert findings(run)["destination"] == ("ok", "kable: Kable (kable-destination 0.1.0)")
    assert API_KEY not in run.out + run.err
    with scripted_server(lambda _: (401, {}, API_KEY.encode())) as server:
        wrong = command_line("doctor", "--json", "--base-url", server.base_url)
    assert wrong.code == 1
    assert findings(wrong)["credentials"][0] == "failed"
    assert API_KEY not in wrong.out + wrong.err


def test_signs_that_the_output_cannot_show_are_replaced(command_line: CommandLine) -> None:
    run = command_line("doctor", "--base-url", "http://127.0.0.1:1", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert run.code == 1
    assert {line[0] for line in run.out.splitlines()[:-1]} <= set("+x-!")
    assert "\\u" not in run.out


@pytest.mark.parametrize(("off", "told"), [(7200, "s behind the server's"), (-7200, "s ahead of the server's")])
def test_a_clock_that_is_off_is_told(command_line: CommandLine, off: int, told: str) -> None:
    date = formatdate(time.time() + off, usegmt=True)
    answer = f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    with raw_server(answer.encode()) as (port, _):
        run = command_line("doctor", "--json", "--base-url", f"http://127.0.0.1:{port}")
    state, text = findings(run)["clock"]
    assert (run.code, state) == (1, "failed"), text
    assert told in text


def test_without_a_configuration_that_is_valid_the_rest_is_looked_at(command_line: CommandLine) -> None:
    run = command_line("doctor", "--json", KABLE_API_KEY="", KABLE_BATCHSIZE="5", HTTPS_PROXY="http://127.0.0.1:1")
    assert run.code == 1
    found = findings(run)
    assert found["settings.apiKey"][0] == "failed"
    assert found["configuration"] == (
        "warning",
        "KABLE_BATCHSIZE: there is no such variable, so it is not read; did you mean KABLE_BATCH_SIZE?",
    )
    assert found["credentials"] == ("skipped", "correct the settings first")
    assert found["disk"][0] == "ok"
    (command_line.folder / "kable.toml").write_text("a = b", encoding="utf-8")
    broken = command_line("doctor", "--json", "--config", "kable.toml")
    assert broken.code == 1
    assert findings(broken)["kable.toml"][0] == "failed"


def test_a_proxy_is_named_without_its_password(command_line: CommandLine) -> None:
    answer = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with raw_server(answer) as (port, heads):
        proxy = f"http://ada:p4ssword@127.0.0.1:{port}"
        run = command_line("doctor", "--json", HTTPS_PROXY=proxy, NO_PROXY="", no_proxy="")
    assert run.code == 1
    found = findings(run)
    assert found["proxy"] == ("ok", f"http://127.0.0.1:{port} (from HTTPS_PROXY)")
    assert found["dns"][0] == found["tls"][0] == "skipped"
    assert found["credentials"][0] == "failed"
    assert len(heads) == 1
    assert "p4ssword" not in run.out
    wrong = command_line("doctor", "--json", HTTPS_PROXY="socks5://ada:p4ssword@127.0.0.1:1")
    assert findings(wrong)["proxy"][0] == "failed"
    assert "p4ssword" not in wrong.out


def test_a_host_that_is_not_there_and_one_that_is_not_trusted(command_line: CommandLine, tmp_path: Path) -> None:
    unknown = command_line("doctor", "--json", "--base-url", "https://nobody.invalid")
    assert findings(unknown)["dns"][0] == "failed"
    assert findings(unknown)["tls"][0] == "skipped"
    with talking_server(lambda _connection, _: None, make_certificate(tmp_path).server) as (port, _):
        run = command_line("doctor", "--json", "--base-url", f"https://localhost:{port}")
    found = findings(run)
    assert found["dns"][0] == "ok"
    assert found["tls"][0] == "failed"
    assert "the certificate of localhost is not trusted" in found["tls"][1]


def test_an_outbox_that_cannot_be_used_is_told(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    path = command_line.folder / "outbox.sqlite"
    options = ("--json", "--base-url", sandbox.base_url)
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    path.chmod(0o644)
    run = command_line("doctor", *options)
    assert (run.code, findings(run)["outbox"][0]) == (1, "failed")
    assert findings(run)["outbox owner"][0] == "warning"
    assert "chmod 600" in findings(run)["outbox owner"][1]
    off = command_line("doctor", *options, KABLE_OUTBOX="false")
    assert (off.code, findings(off)["outbox"]) == (0, ("skipped", "it is turned off"))
    elsewhere = command_line("doctor", *options, "--outbox", "nowhere/outbox.sqlite")
    assert (elsewhere.code, findings(elsewhere)["outbox folder"][0]) == (1, "failed")

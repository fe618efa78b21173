"""What is shown never decides what is delivered, and what a run says adds up."""

from __future__ import annotations

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from command_line import IMPORTED, MODULE, shell, with_credentials
from fork_server import ForkServer, Program
from segment_events import ndjson, track
from talking_server import read_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

EVENTS = 3_000


@pytest.mark.parametrize(
    "script",
    [
        "$W deliver a $B --log json 2>&1 >/dev/null | head -1; exit ${PIPESTATUS[0]}",
        "$W deliver a $B --log json --no-outbox 2>&1 >/dev/null | head -1; exit ${PIPESTATUS[0]}",
        "$W deliver a $B --log console 2>/dev/full",
        "$W deliver a $B 2>/dev/full",
        "$W deliver a $B >/dev/full",
        "$W deliver a $B >/dev/full 2>/dev/full --log json --report /dev/full",
        "$W deliver a $B | true; exit ${PIPESTATUS[0]}",
        "$W deliver a $B >&-",
        "$W deliver a $B 2>&- --log json",
        "$W deliver a $B <&- >&- 2>&- --log json --metrics-port 0",
        "$W deliver a $B --report /dev/full",
        "mkfifo r; $W deliver a $B --report r",
        "$W deliver a $B --report >(cat > copy); sleep 0.2; grep -q delivered copy",
        # Nobody reads the log while the run lasts, and a pipe holds 64 KiB of it.
        "mkfifo l; exec 9<>l; $W deliver a $B --batch-size 3 --log json 2>l",
    ],
)
def test_output_that_cannot_be_written_changes_nothing(
    command_line: CommandLine, sandbox: RunningSandbox, script: str
) -> None:
    (command_line.folder / "a").write_bytes(ndjson(*(track(number) for number in range(EVENTS))))
    run = shell(command_line, script, sandbox.base_url)
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    assert len(sandbox.ledger.events) == EVENTS


def test_ascii_output_shows_the_summary(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    run = command_line.deliver(ndjson(track(1)), sandbox.base_url, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (run.code, run.err) == (0, "")
    assert "1 read \\xb7 1 delivered" in run.out


@pytest.mark.parametrize("arguments", ["status", "dead-letters list", "deliver events.ndjson --dry-run"])
def test_a_command_whose_output_is_its_purpose_fails_when_it_cannot_be_written(
    command_line: CommandLine, sandbox: RunningSandbox, arguments: str
) -> None:
    command_line.deliver(ndjson(track(1)), sandbox.base_url)
    run = shell(command_line, f"$K {arguments} >/dev/full", sandbox.base_url)
    assert run.returncode == 1
    assert run.stderr == "error: the output cannot be written: No space left on device\n"
    assert shell(command_line, f"$K {arguments} | true; exit ${{PIPESTATUS[0]}}", sandbox.base_url).returncode == 0


@pytest.mark.parametrize(("name", "ends"), [("SIGHUP", True), ("SIGTERM", True), ("nohup", False)])
def test_a_signal_keeps_what_standard_input_gave(
    command_line: CommandLine, sandbox: RunningSandbox, name: str, *, ends: bool
) -> None:
    before = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)" if name == "nohup" else ""
    process = command_line.start("deliver", "-", "--base-url", sandbox.base_url, before=before)
    assert process.stdin is not None
    process.stdin.write(ndjson(*(track(number) for number in range(700))))
    process.stdin.flush()
    while not sandbox.ledger.events:
        assert process.poll() is None
    process.send_signal(signal.SIGHUP if name == "nohup" else getattr(signal, name))
    if ends:
        # Its input is closed only afterwards: that would end it too.
        process.wait(timeout=60)
    else:
        process.stdin.write(ndjson(track(700)))
    out, errors = process.communicate(timeout=60)
    assert process.returncode == (130 if ends else 0), errors
    assert b"Traceback" not in errors
    if ends:
        assert command_line("deliver", "--base-url", sandbox.base_url).code == 0, out
    arrived = {event["transactionId"] for event in sandbox.ledger.events}
    assert len(arrived) == (700 if ends else 701)


@contextmanager
def going_server() -> Iterator[str]:
    """Answer one request, which is to come again in a minute, and be down from then on; give the address.

    A run knows after it that the server is in trouble, and tries each other batch once, without a wait.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"

    def answer() -> None:
        connection, _ = listening.accept()
        listening.close()
        with connection:
            read_request(connection)
            connection.sendall(
                b"HTTP/1.1 500 Down\r\nRetry-After: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )

    with ThreadPoolExecutor() as threads:
        answering = threads.submit(answer)
        yield address
        answering.result()


def test_the_last_line_and_the_report_say_why_events_are_unsent(command_line: CommandLine) -> None:
    events = ndjson(*(track(number) for number in range(600)))
    with going_server() as down:
        run = command_line.deliver(events, down, "--wait", "0", "--concurrency", "1")
    told = f"last error of track: {down.removeprefix('http://')} cannot be reached"
    assert run.code == 1
    assert run.out.splitlines()[-1].startswith(told)
    assert run.report["errors"][0]["action"] == "track"
    assert "600 unsent events are kept in outbox.sqlite; run the same command again" in run.out
    again = command_line("deliver", "--base-url", down, "--wait", "0")
    assert "600 unsent events are kept in outbox.sqlite (600 of them from earlier runs)" in again.out
    assert again.out.splitlines()[-1].startswith(told)
    without = command_line.deliver(ndjson(track()), down, "--no-outbox", "--attempts", "1")
    assert told in without.out.splitlines()[-1]


def test_the_counts_of_this_run_are_apart_from_earlier_ones(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    events = ndjson(*(track(number) for number in range(3)))
    assert "3 read · 3 delivered · 0 skipped" in command_line.deliver(events, sandbox.base_url).out
    again = command_line("deliver", "-", "--base-url", sandbox.base_url, stdin=events + ndjson(track(9), track(9)))
    lines = again.out.splitlines()[1:]
    assert lines[0] == "5 read · 1 delivered · 4 duplicates · 0 skipped · 0 dead-lettered · 0 unsent"
    assert lines[1].startswith("1 request · 0 retries · ")
    assert lines[2] == "duplicates of events that are: 4 delivered"
    dry = command_line("deliver", "-", "--base-url", sandbox.base_url, "--dry-run", stdin=ndjson(track(9), track(9)))
    assert "2 read · 1 would be sent · 1 duplicate · 0 skipped · 0 dead-lettered" in dry.err
    assert "1 request printed, none sent" in dry.err


def test_a_run_with_nothing_to_do_makes_no_outbox(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    run = command_line("deliver", "--base-url", sandbox.base_url)
    assert run.code == 2
    assert "there is no outbox at outbox.sqlite" in run.err
    assert list(command_line.folder.iterdir()) == []


def test_a_run_in_which_nothing_matched_says_so(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    run = command_line.deliver(ndjson({**track(1), "type": "page"}, {**track(2), "type": "screen"}), sandbox.base_url)
    assert run.err.startswith("warning: nothing was sent: no event matches a subscription (2 read")


@pytest.fixture(scope="module")
def server_without_privileges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """The command line of a root who is a user like any other."""
    without = "-dac_override,-dac_read_search,-fowner"
    around = ("setpriv", f"--bounding-set={without}", f"--inh-caps={without}")
    server = ForkServer(IMPORTED, with_credentials(), tmp_path_factory.getbasetemp(), around=around)
    yield server
    server.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("mode", [0o444, 0o644, 0o600])
def test_an_outbox_that_can_only_be_read_is_shown(
    command_line: CommandLine, server_without_privileges: ForkServer, sandbox: RunningSandbox, mode: int
) -> None:
    command_line.deliver(ndjson(track(1), b"bad"), sandbox.base_url)
    folder, path = command_line.folder, command_line.folder / "outbox.sqlite"
    path.chmod(mode)
    os.chown(path, 65_534, 65_534)
    os.chown(folder, 65_534, 65_534)
    folder.chmod(0o755)
    user = replace(command_line, server=server_without_privileges)
    may_read = mode != 0o600
    for arguments in (("status",), ("dead-letters", "list"), ("dead-letters", "show", "1")):
        run = user(*arguments)
        assert run.code == (0 if may_read else 2), run.err
        if not may_read:
            assert "outbox.sqlite belongs to nobody and has the permissions -rw-------" in run.err
    run = user("deliver", "--base-url", sandbox.base_url)
    assert run.code == 2
    assert "belongs to nobody and has the permissions" in run.err
    assert "make room" not in run.err
    run = user("deliver", "events.ndjson", "--base-url", sandbox.base_url, "--outbox", "new.sqlite")
    assert run.code == 2
    assert "new.sqlite cannot be made: Permission denied" in run.err
    assert "belongs to nobody" in run.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_who_may_only_read_an_outbox_leaves_nothing_beside_it(
    command_line: CommandLine, server_without_privileges: ForkServer, sandbox: RunningSandbox
) -> None:
    """Files of SQLite beside the outbox that belong to a reader would keep its owner from writing."""
    command_line.deliver(ndjson(track(1), b"bad"), sandbox.base_url)
    folder, path = command_line.folder, command_line.folder / "outbox.sqlite"
    path.chmod(0o644)
    os.chown(path, 65_534, 65_534)
    before = sorted(folder.iterdir())
    for command in (("status",), ("dead-letters", "list")):
        assert command_line(*command).code == 0
        assert sorted(folder.iterdir()) == before, "nor does its owner leave any"
    user = replace(command_line, server=server_without_privileges)
    script = "$K status && $K dead-letters list && ! $K deliver events.ndjson $B"
    run = shell(user, script, sandbox.base_url)
    assert run.returncode == 0, run.stderr
    assert "it cannot be written (outbox.sqlite belongs to nobody and has the permissions -rw-r--r--" in run.stderr
    assert "accepts no more events" not in run.stderr
    assert sorted(folder.iterdir()) == before
    closed = folder / "closed"
    closed.mkdir(mode=0o600)
    os.chown(closed, 65_534, 65_534)
    run = shell(user, "$K status --outbox closed/outbox.sqlite", sandbox.base_url)
    assert run.returncode == 2
    assert f"Permission denied ({closed} belongs to nobody and has the permissions drw-------" in run.stderr


@pytest.fixture(
    scope="module",
    params=[{}, {"LC_ALL": "POSIX"}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"}],
    ids=["usual", "POSIX", "ASCII"],
)
def server_of_encoding(
    request: pytest.FixtureRequest, fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ForkServer]:
    """The command line in an interpreter that reads and writes names in this encoding."""
    if not request.param:
        yield fork_server
        return
    server = ForkServer(IMPORTED, with_credentials(**request.param), tmp_path_factory.getbasetemp())
    yield server
    server.close()


@pytest.mark.parametrize("name", [b"caf\xe9.ndjson", "Zoë 💸.ndjson".encode(), b"a\x1b[31mb\nc"])
def test_any_file_name_is_read_shown_and_stored(
    server_of_encoding: ForkServer, tmp_path: Path, sandbox: RunningSandbox, name: bytes
) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    with open(path, "wb") as file:  # noqa: PTH123 - the name is bytes
        file.write(ndjson(track(1), b"bad"))
    options = ("--base-url", sandbox.base_url, "--report", "report.json", "--dead-letters", "letters.ndjson")
    environment = server_of_encoding.environment
    done = [
        server_of_encoding.run(Program(("-m", MODULE, *arguments), str(tmp_path), environment))
        for arguments in (
            ("deliver", os.fsdecode(name), *options),
            ("deliver", os.fsdecode(name), *options),
            ("dead-letters", "list"),
            ("dead-letters", "show", "1"),
            ("deliver", os.fsdecode(b"missing " + name), *options),
        )
    ]
    for run in done:
        assert b"Traceback" not in run.stderr, run.stderr
        assert b"\x1b" not in run.stdout + run.stderr
    assert [run.returncode for run in done][:1] == [1]
    assert done[4].returncode == 2
    assert b"all of it was accepted" in done[1].stdout
    assert [event["transactionId"] for event in sandbox.ledger.events] == ["message-000001"]

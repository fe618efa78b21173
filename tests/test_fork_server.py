"""A program that is forked from a process with its imports is the program that a plain process runs."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from command_line import MODULE
from fork_messages import connect
from fork_server import Program
from segment_events import track

if TYPE_CHECKING:
    from pathlib import Path

    from fork_server import ForkServer

EVENT = json.dumps(track()).encode()
SHOWING = (
    "import os, sys; print(sys.argv[1:], os.path.basename(sys.path[0]) == os.path.basename(os.getcwd()), __name__)"
)
RUNNING = """
import os, signal, sys, time
if len(sys.argv) > 1:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(int(sys.argv[1])))
print("begun", flush=True)
while True:
    time.sleep(0.01)
"""


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        (("--version",), b"", 0),
        (("deliver", "--nothing"), b"", 2),
        (("docs", "--format", "html"), b"", 0),
        (("preview", "-"), EVENT, 0),
        (("status",), EVENT * 1_000, 2),
    ],
)
def test_it_ends_and_says_the_same(
    fork_server: ForkServer, tmp_path: Path, arguments: tuple[str, ...], stdin: bytes, code: int
) -> None:
    plain = subprocess.run(
        [sys.executable, "-m", MODULE, *arguments],
        cwd=tmp_path,
        env=fork_server.environment,
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert plain.returncode == code
    words = ("-m", MODULE, *arguments)
    for ends_early in (False, True):
        program = Program(words, str(tmp_path), fork_server.environment, ends_early=ends_early)
        forked = fork_server.run(program, stdin)
        assert (forked.returncode, forked.stdout, forked.stderr) == (plain.returncode, plain.stdout, plain.stderr)


@pytest.mark.parametrize(
    "script",
    [
        "$X -c 'import sys; print(sys.argv, sys.path[0], __name__)' one 'two words' 'Zoë 💸' \"$(printf 'caf\\351')\"",
        '$X program.py one; cd /; $X "$OLDPWD/program.py"; $X ../$OLDPWD/program.py',
        "A=1 $X -c 'import os; print(os.environ[\"A\"], len(os.getcwd()) > 9)'",
        "echo words | $X -c 'print(input())' | cat",
        "$X -c 'import os; print(os.read(7, 99))' 7<program.py",
        "$X -c 'import sys; sys.stderr.write(str(sys.stdin))' <&-",
        "$X -c 'import sys; sys.stderr.write(str(sys.stdout))' >&-",
        '$X -c \'import os; os.open("program.py", 0); print(os.listdir("/dev/fd")[:1])\' <&-',
        "$X -c 'print(1)' >/dev/full",
        "$X -c 'raise SystemExit(\"words\")'",
        "$X -c 'raise SystemExit(300)'",
        "$X -c '1 / 0'",
        "$X -c 'import os; os.kill(os.getpid(), 9)' & wait $!; echo $?",
        "$X -c 'import atexit; atexit.register(print, 1); print(2)'",
        "(trap '' HUP; $X -c 'import signal; print(signal.getsignal(1))')",
        "$X running.py > out & until grep -q begun out; do :; done; kill $!; wait $!; echo $?",
        "$X running.py 5 > out & until grep -q begun out; do :; done; kill $!; wait $!; echo $?",
    ],
)
def test_in_a_shell_it_has_all_that_the_shell_gives(fork_server: ForkServer, tmp_path: Path, script: str) -> None:
    for folder in ("plain", "forked", "early"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "out").touch()
        (tmp_path / folder / "program.py").write_text(SHOWING, encoding="utf-8")
        (tmp_path / folder / "running.py").write_text(RUNNING, encoding="utf-8")
    plain, forked, early = (
        subprocess.run(
            ["/bin/bash", "-c", script],
            cwd=tmp_path / folder,
            env={**fork_server.environment, "X": shlex.join(python)},
            capture_output=True,
            check=False,
            timeout=60,
        )
        for folder, python in (
            ("plain", [sys.executable]),
            ("forked", fork_server.command(ends_early=False)),
            ("early", fork_server.command()),
        )
    )
    # A traceback shows a line more, and a shell the words of a job that was killed.
    told = [run.stderr.splitlines()[-1:] if b"Killed" not in run.stderr else [] for run in (plain, forked, early)]
    assert (forked.returncode, forked.stdout, told[1]) == (plain.returncode, plain.stdout, told[0])
    assert (early.returncode, early.stdout, told[2]) == (plain.returncode, plain.stdout, told[0])


def test_it_finds_what_is_installed_for_it_alone(fork_server: ForkServer, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "only_there.py").write_text("print('found')", encoding="utf-8")
    for installed, code in ((str(tmp_path / "more"), 0), ("", 1)):
        program = Program(("-c", "import only_there"), str(tmp_path), fork_server.environment, installed=installed)
        assert fork_server.run(program).returncode == code


def test_what_would_need_another_interpreter_is_refused(fork_server: ForkServer, tmp_path: Path) -> None:
    environment = {**fork_server.environment, "LC_ALL": "POSIX", "PYTHONUTF8": "0"}
    run = fork_server.run(Program(("-c", "print(1)"), str(tmp_path), environment))
    assert (run.returncode, run.stdout) == (1, b"")
    assert b"a plain process is needed: LC_ALL, PYTHONUTF8 are read when Python starts" in run.stderr


def test_one_that_does_not_end_is_killed_and_others_run_after_it(fork_server: ForkServer, tmp_path: Path) -> None:
    def program(*arguments: str) -> Program:
        return Program(("-m", MODULE, *arguments), str(tmp_path), fork_server.environment)

    with pytest.raises(subprocess.TimeoutExpired):
        fork_server.run(program("sandbox", "--port", "0"), timeout=0.1)
    assert fork_server.run(program("--version")).returncode == 0


def test_a_client_that_asks_for_nothing_does_no_harm(fork_server: ForkServer, tmp_path: Path) -> None:
    *_, address, _, _ = fork_server.command()
    connect(address).close()
    program = Program(("-c", "print(1)"), str(tmp_path), fork_server.environment)
    assert fork_server.run(program).stdout == b"1\n"


def test_several_run_at_once_and_each_can_be_ended(fork_server: ForkServer, tmp_path: Path) -> None:
    echo = Program(("-c", "print(input(), flush=True); input()"), str(tmp_path), fork_server.environment)
    with fork_server.start(echo) as first, fork_server.start(echo) as second:
        for number, program in enumerate((second, first)):
            assert program.stdin is not None
            assert program.stdout is not None
            program.stdin.write(b"%d\n" % number)
            program.stdin.flush()
            assert program.stdout.readline() == b"%d\n" % number
            assert program.poll() is None
        first.kill()
        assert first.wait(timeout=60) == -signal.SIGKILL
        assert second.communicate(b"end\n", timeout=60) == (b"", b"")
        assert second.returncode == 0

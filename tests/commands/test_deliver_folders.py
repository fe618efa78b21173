"""Folders and patterns: many files, one line of output, and whatever is in the way is named."""

from __future__ import annotations

import gzip
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox


def write(command_line: CommandLine, *names: str) -> None:
    """Write files of one event each."""
    for number, name in enumerate(names, 1):
        path = command_line.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = ndjson(track(number))
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)


def numbers(sandbox: RunningSandbox) -> list[int]:
    """Return the numbers of the events that arrived, as they were sent."""
    return sorted(int(event["transactionId"].removeprefix("message-")) for event in sandbox.ledger.events)


def deliver(command_line: CommandLine, sandbox: RunningSandbox, *paths: str) -> Run:
    """Deliver, one event in each request."""
    return command_line("deliver", *paths, "--base-url", sandbox.base_url, "--report", "report.json")


def test_a_folder_is_read_with_all_below_it_and_once(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    write(command_line, "logs/b.ndjson", "logs/a/x.gz", "logs/a-1.ndjson", "logs/a/deep/er/y.gz")
    run = deliver(command_line, sandbox, "logs")
    assert run.code == 0, run.err
    assert "logs: 4 files read" in run.out.splitlines()
    assert numbers(sandbox) == [1, 2, 3, 4]
    write(command_line, "logs/a/0.ndjson")
    (command_line.folder / "logs/a/0.ndjson").write_bytes(ndjson(track(5)))
    run = deliver(command_line, sandbox, "logs/")
    assert "logs/: 1 file read, 4 accepted by an earlier run" in run.out.splitlines()
    assert numbers(sandbox) == [1, 2, 3, 4, 5]


def test_files_are_read_in_the_order_in_which_a_store_lists_keys(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    names = ["logs/a-b", "logs/a.b", "logs/a/c", "logs/a0", "logs/é"]
    write(command_line, *names)
    run = command_line("deliver", "logs", "--dry-run", "--batch-size", "1", "--base-url", sandbox.base_url)
    places = [run.out.index(f"message-{number:06}") for number in range(1, len(names) + 1)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("logs/*.gz", [1]),
        ("logs/**/*.gz", [1, 2, 3]),
        ("logs/*/*.gz", [2]),
        ("logs/**", [1, 2, 3, 4]),
        ("logs/[!a]*", []),
        ("logs/?.gz", [1]),
        ("lo*/**/z.gz", [3]),
        ("**/y.gz", [2]),
        ("logs/.hid*/*.gz", [5]),
    ],
)
def test_a_pattern_names_the_files_that_it_matches(
    command_line: CommandLine, sandbox: RunningSandbox, pattern: str, expected: list[int]
) -> None:
    write(command_line, "logs/a.gz", "logs/b/y.gz", "logs/b/c/z.gz", "logs/a.ndjson", "logs/.hidden/u.gz")
    run = deliver(command_line, sandbox, pattern)
    assert numbers(sandbox) == expected
    assert run.code == (0 if expected else 2), run.err
    if not expected:
        assert run.err.splitlines()[-1] == f"error: {pattern} names no file"


def test_a_file_whose_name_is_a_pattern_is_that_file(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    write(command_line, "a1", "a[1]")
    assert deliver(command_line, sandbox, "a[1]").code == 0
    assert numbers(sandbox) == [2]


def test_what_is_hidden_or_no_file_is_left_out_and_named(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    write(command_line, "logs/a.ndjson", "logs/.b.ndjson", "logs/_SUCCESS", "logs/.git/config")
    (command_line.folder / "logs/loop").symlink_to("..")
    (command_line.folder / "logs/again").symlink_to("loop/logs")
    run = deliver(command_line, sandbox, "logs")
    assert run.code == 0, run.err
    line = next(line for line in run.out.splitlines() if line.startswith("logs: "))
    assert "3 hidden (logs/.b.ndjson, logs/.git/, logs/_SUCCESS)" in line
    assert "read under another name (logs/again/" in line
    assert numbers(sandbox) == [1]


def test_a_foreign_file_is_named_and_the_others_are_read(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    write(command_line, "logs/a.ndjson", "logs/z.ndjson")
    (command_line.folder / "logs/m.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (command_line.folder / "logs/gone").symlink_to("nowhere")
    run = deliver(command_line, sandbox, "logs")
    assert run.code == 1
    assert run.err.splitlines()[-1].startswith("error: 2 files of logs: logs/gone cannot be read: ")
    assert "logs/m.png is a PNG picture" in run.err
    assert numbers(sandbox) == [1, 2]


def test_what_the_run_itself_writes_is_not_read(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    write(command_line, "a.ndjson")
    for _ in range(2):
        run = deliver(command_line, sandbox, ".", "--dead-letters", "letters.ndjson")
        assert run.code == 0, run.err
        assert "written by this run (" in run.out
    assert numbers(sandbox) == [1]


def test_a_file_that_grows_is_continued_and_a_copy_is_known(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    write(command_line, "logs/a.ndjson")
    deliver(command_line, sandbox, "logs")
    path = command_line.folder / "logs/a.ndjson"
    (command_line.folder / "logs/0.ndjson").write_bytes(path.read_bytes())
    path.write_bytes(path.read_bytes() + ndjson(track(2)))
    run = deliver(command_line, sandbox, "logs")
    assert run.report["read"] == 1
    assert run.report["sources"][0]["files"] == {"read": 1, "known": 1, "failed": 0, "left_out": 0}
    assert Counter(numbers(sandbox)) == Counter([1, 2])


def test_many_files_that_are_known_take_one_line(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    names = [f"f{number}" for number in range(8)]
    write(command_line, *names)
    for _ in range(2):
        run = deliver(command_line, sandbox, *names)
    assert run.out.splitlines()[1] == "8 files: all of them were accepted by earlier runs"
    assert len(run.out.splitlines()) == 4

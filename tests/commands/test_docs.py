"""`docs`, as a user runs it, and the pages that it has written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.definitions.documentation import FORMATS, NOTICE
from kable_destination.destination import kable
from kable_destination.runner.configuration.delivery_options import DeliveryOptions
from manifests import manifest

if TYPE_CHECKING:
    from command_line import CommandLine

ROOT = Path(__file__).parents[2]


def test_a_label_that_changes_makes_the_check_fail_with_a_diff(command_line: CommandLine) -> None:
    path = command_line.folder / "kable.json"
    path.write_text(json.dumps(kable.to_manifest()), encoding="utf-8")
    command = ("docs", "--destination", "kable.json", "-o", "pages")
    missing = command_line(*command, "--check")
    assert (missing.code, command_line(*command).code) == (1, 0)
    assert "+# Kable" in missing.out
    fresh = command_line(*command, "--check")
    assert (fresh.code, fresh.out) == (0, "")
    path.write_text(path.read_text(encoding="utf-8").replace('"Timestamp"', '"Moment"'), encoding="utf-8")
    stale = command_line(*command, "--check")
    assert stale.code == 1
    assert "--- pages/kable.md" in stale.out
    assert any(line.startswith("-| Timestamp<br>") for line in stale.out.splitlines())
    assert any(line.startswith("+| Moment<br>") for line in stale.out.splitlines())


def test_the_committed_pages_are_fresh(command_line: CommandLine) -> None:
    checked = command_line("docs", "--check", "-o", str(ROOT / "docs"))
    assert (checked.code, checked.out, checked.err) == (0, "", "")


def test_pages_do_not_depend_on_terminal_or_environment(command_line: CommandLine) -> None:
    for page in ("kable", "cli", "configuration"):
        options = () if page == "kable" else ("--reference", page)
        printed = command_line(
            "docs", *options, COLUMNS="40", TERM="dumb", LANG="C", FORCE_COLOR="1", KABLE_CONCURRENCY="9"
        )
        assert printed.out == (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"), printed.err


@pytest.mark.parametrize("page_format", FORMATS)
def test_a_page_is_printed_or_written_in_each_format(command_line: CommandLine, page_format: Any) -> None:
    printed = command_line("docs", "--format", page_format)
    assert command_line("docs", "--format", page_format, "-o", "new/folder").code == 0
    suffix = {"markdown": "md"}.get(page_format, page_format)
    assert (command_line.folder / "new" / "folder" / f"kable.{suffix}").read_text(encoding="utf-8") == printed.out
    assert NOTICE in printed.out or json.loads(printed.out)["name"] == "Kable"


def test_a_name_in_a_manifest_cannot_leave_the_folder(command_line: CommandLine) -> None:
    (command_line.folder / "m.json").write_text(json.dumps(manifest(slug="../../away/x")), encoding="utf-8")
    assert command_line("docs", "--destination", "m.json", "-o", "pages").code == 0
    assert [path.name for path in (command_line.folder / "pages").iterdir()] == ["away-x.md"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--destination", "nobody"), '"nobody" is not installed'),
        (("--reference", "cli", "--format", "html"), "the cli reference is there as markdown only"),
        (("-o", "file/within"), "file/within: is not a folder, and pages are written into one; name another"),
        (("-o", "file"), "file: is not a folder"),
        (("--check", "-o", "file"), "file: is not a folder"),
        (("--check", "-o", "odd"), "odd/kable.md: is not UTF-8, so it is not a page"),
        (("--check", "-o", "deep"), "deep/kable.md: cannot be read: Is a directory"),
    ],
)
def test_what_cannot_be_made_is_told(command_line: CommandLine, arguments: tuple[str, ...], told: str) -> None:
    (command_line.folder / "file").write_text("", encoding="utf-8")
    (command_line.folder / "odd").mkdir()
    (command_line.folder / "odd" / "kable.md").write_bytes(b"\xff\xfe")
    (command_line.folder / "deep" / "kable.md").mkdir(parents=True)
    refused = command_line("docs", *arguments)
    assert refused.code == 2
    assert told in refused.err
    assert "Errno" not in refused.err


def test_the_references_name_every_command_option_and_key(command_line: CommandLine) -> None:
    commands = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for command in ("deliver", "status", "preview", "check", "docs", "sandbox", "dead-letters replay"):
        helped = command_line(*command.split(), "--help", COLUMNS="200").out
        # A description may be broken within the name of an option.
        words = [word.strip(",.") for word in helped.split() if word.startswith("--") and not word.endswith("-")]
        options = {*words} - {"--help"}
        section = commands.split(f"# `kable-destination {command}`\n")[1].split("\n#")[0]
        assert {option for option in options if not re.search(rf"[` ]{option}[`, /]", section)} <= set(), command
    configuration = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    keys = [info.alias for info in DeliveryOptions.model_fields.values()]
    assert [key for key in (*keys, *kable.settings) if f"| `{key}` |" not in configuration] == []


def test_no_page_shows_how_python_writes_its_own_objects() -> None:
    for path in (ROOT / "docs").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<(class|function|object|built-in|module) |_empty\b| object at 0x", text), path.name
    assert "gzipped; - is standard input.  [required]\n" in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")

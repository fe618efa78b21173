"""What the page about operations offers: each file is valid, and names what is really there."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from deployment_files import DOCKERFILE, instructions
from documentation import ROOT, codes, sections
from exported_metrics import asked_labels, asked_metrics, exported_metrics
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine

EXAMPLES = ROOT / "examples"
SERVICE = EXAMPLES / "systemd" / "kable-delivery.service"
TIMER = EXAMPLES / "systemd" / "kable-delivery.timer"
ENDLESS = EXAMPLES / "systemd" / "kable-service.service"
ALERTS = EXAMPLES / "prometheus" / "alerts.yml"
TOOLS = Path(sys.executable).parent


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def test_the_command_of_the_unit_is_one_that_the_program_takes(command_line: CommandLine) -> None:
    program, *arguments = shlex.split(unit(SERVICE)["Service"]["ExecStart"])
    assert Path(program).name == "kable-destination"
    (command_line.folder / "kable.toml").write_text("", encoding="utf-8")
    (command_line.folder / "events.ndjson").write_bytes(ndjson(track(1)))
    local = [argument if argument.startswith("-") else Path(argument).name for argument in arguments]
    run = command_line(*local, "--dry-run")
    assert run.code == 0, run.err


def test_the_command_of_the_endless_unit_is_one_that_the_program_takes(command_line: CommandLine) -> None:
    program, *arguments = shlex.split(unit(ENDLESS)["Service"]["ExecStart"])
    assert Path(program).name == "kable-destination"
    (command_line.folder / "kable.toml").write_text("", encoding="utf-8")
    local = [argument if argument.startswith("-") else Path(argument).name for argument in arguments]
    with command_line.start(*local, "--port", "0") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"listening on http://127.0.0.1:")
        process.terminate()
        assert process.wait(timeout=60) == 0


def test_the_timer_starts_the_unit() -> None:
    assert TIMER.stem == SERVICE.stem
    assert unit(TIMER)["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for path in (SERVICE, ENDLESS):
        command = unit(path)["Service"]["ExecStart"]
        service = path.read_text(encoding="utf-8").replace(command, "/bin/true").replace("=kill ", "=/bin/true ")
        (tmp_path / path.name).write_text(service, encoding="utf-8")
    shutil.copy(TIMER, tmp_path)
    units = [str(tmp_path / path.name) for path in (SERVICE, ENDLESS, TIMER)]
    verify = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_the_alerts_ask_for_metrics_and_labels_that_there_are() -> None:
    exported = exported_metrics()
    for rule in rules():
        names = asked_metrics(rule["expr"])
        assert names, rule["alert"]
        for name in names:
            assert name in exported, rule["alert"]
            assert asked_labels(rule["expr"]) <= exported[name], rule["alert"]


def test_the_page_describes_each_alert() -> None:
    (section,) = [section for section in sections(ROOT / "docs" / "operations.md") if section.heading == "Alerts"]
    assert [codes(row[0]) for row in section.rows] == [[rule["alert"]] for rule in rules()]


def test_the_image_holds_what_is_installed_and_runs_as_nobody() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {folder.partition("/")[0] for folder in project["tool"]["setuptools"]["package-dir"].values()}
    found = instructions()
    copied = {word for name, rest in found if name == "COPY" and "--from" not in rest for word in rest.split()[:-1]}
    assert copied == {*folders, "pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line.removeprefix("!") for line in kept if line.startswith("!")} == copied
    named = dict(found)
    assert int(named["USER"].partition(":")[0]) > 0
    assert named["ENTRYPOINT"] == '["kable-destination"]'
    assert "kable-destination" in project["project"]["scripts"]


@pytest.mark.skipif(not (TOOLS / "hadolint").exists(), reason="hadolint is not installed: pip install -e '.[dev]'")
def test_hadolint_finds_nothing_wrong_with_the_image() -> None:
    done = subprocess.run([TOOLS / "hadolint", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def snapshot_commands() -> list[str]:
    workflow = yaml.safe_load((EXAMPLES / "github" / "snapshot.yml").read_text(encoding="utf-8"))
    steps = [step.get("run", "") for step in workflow["jobs"]["snapshot"]["steps"]]
    config = yaml.safe_load((EXAMPLES / "pre-commit-config.yaml").read_text(encoding="utf-8"))
    return [*(step for step in steps if " snapshot " in step), config["repos"][0]["hooks"][0]["entry"]]


@pytest.mark.parametrize("command", snapshot_commands(), ids=["workflow", "hook"])
def test_the_examples_for_pull_requests_and_commits_compare_a_snapshot(command_line: CommandLine, command: str) -> None:
    billing = command_line.folder / "billing"
    billing.mkdir()
    (billing / "events.ndjson").write_bytes(ndjson(track(1)))
    (command_line.folder / "kable.toml").write_text('[settings]\nkableClientId = "kci_1"\n', encoding="utf-8")
    program, *arguments = shlex.split(command)
    assert program == "kable-destination"
    assert command_line(*arguments).code == 0
    assert command_line(*arguments, CI="true").code == 0
    (billing / "events.ndjson").write_bytes(ndjson(track(2)))
    assert command_line(*arguments, CI="true").code == 1


def test_pre_commit_reads_the_hook_and_the_example() -> None:
    for command, path in (
        ("validate-manifest", ROOT / ".pre-commit-hooks.yaml"),
        ("validate-config", EXAMPLES / "pre-commit-config.yaml"),
    ):
        subprocess.run([TOOLS / "pre-commit", command, path], check=True)

"""Stand-ins for the commands of the documentation that cannot be run to their end where documentation is tested.

- `make TARGET`: the target is there, and what it would run is known; in a project that the page has written, it is run.
- `pip install WHAT`: this project has the extras that are named; another one, at a path, is installed for its page.
- `kable-destination sandbox` and other servers: they start, say where they listen, and are ended.

Run as `python documented_commands.py COMMAND ARGUMENTS…`; everything else fails.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent.parent
SERVERS = ("page", "sandbox", "serve")
"""Commands of `kable-destination` that run until they are ended."""


def install(folder: Path, commands: Path, forked: list[str]) -> list[Path]:
    """Write the stand-ins into two folders that are going to be the first of PATH, and return these.

    The second holds what runs as always, only sooner: forked where the real `commands` would import everything anew.
    """
    stand_ins, sooner = folder / "stand-ins", folder / "sooner"
    me = f"'{sys.executable}' '{Path(__file__).resolve()}'"
    fork, program = shlex.join(forked), f"'{commands / 'kable-destination'}'"
    servers = "|".join(SERVERS)
    in_a_fork = f'exec {fork} "$@"'
    _write_scripts(
        stand_ins,
        {
            "make": f'exec {me} make "$@"',
            "pip": f'exec {me} pip "$@"',
            "kable-destination": f'case "$1" in {servers}) exec {me} serve "$@";; *) exec {fork} {program} "$@";; esac',
        },
    )
    _write_scripts(
        sooner,
        {
            "kable-destination": f'exec {fork} {program} "$@"',
            # Pytest rewrites what it imports, so that nothing may be imported before.
            "python": f'case "$2" in pip|pytest) exec \'{commands / "python"}\' "$@";; *) {in_a_fork};; esac',
        },
    )
    return [stand_ins, sooner]


def _write_scripts(folder: Path, scripts: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, script in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)


def make(arguments: list[str]) -> int:
    """Run make where there is a Makefile; elsewhere ask it what it would run in this project."""
    command = ["make"] if Path("Makefile").exists() else ["make", "-C", str(ROOT), "--dry-run"]
    path = os.environ["PATH"].partition(os.pathsep)[2]
    return subprocess.run([*command, *arguments], env={**os.environ, "PATH": path}, check=False).returncode


def pip(arguments: list[str]) -> int:
    """Look whether what would be installed is there."""
    command, *wanted = [argument for argument in arguments if argument not in {"-e", "--editable", "--quiet", "-q"}]
    if command != "install" or not wanted:
        return _refuse(f"pip {' '.join(arguments)}: only pip install is known here")
    return max(_installable(requirement) for requirement in wanted)


def _installable(requirement: str) -> int:
    found = re.fullmatch(r"([\w./-]+?)(?:\[([\w,-]+)\])?", requirement)
    if found is None:
        return _refuse(f"{requirement}: cannot be read as something to install")
    name, extras = found[1], found[2] or ""
    is_path = name.startswith((".", "/"))
    folder = Path(name) if is_path and (Path(name) / "pyproject.toml").exists() else ROOT
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if not is_path and name != project["name"]:
        return _refuse(f"{name}: only {project['name']} and paths are known here")
    lacking = set(filter(None, extras.split(","))) - set(project.get("optional-dependencies", {}))
    if lacking:
        return _refuse(f"{name} has no extra {', '.join(sorted(lacking))}")
    return 0 if folder == ROOT else _install_for_page(folder)


def _install_for_page(project: Path) -> int:
    """Install a project so that its files may still change, without what it needs, into the environment of its page."""
    command = [str(shutil.which("python")), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.run(
        [*command, "--no-deps", "--no-build-isolation", "--editable", project], check=False
    ).returncode


def serve(arguments: list[str]) -> int:
    """Start a server on a free port, wait for the line that says where it listens, and end it."""
    command = ["python", "-m", "kable_destination.runner", *_on_any_port(arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        lines = iter(server.stdout or ())
        listening = any("http://" in line for line in lines)
        server.terminate()
        server.wait()
    return 0 if listening else _refuse(f"{' '.join(arguments)}: ended without saying where it listens")


def _on_any_port(arguments: list[str]) -> list[str]:
    kept = [
        argument
        for before, argument in zip(["", *arguments], arguments, strict=False)
        if "--port" not in {before, argument} and not argument.startswith("--port=")
    ]
    return [*kept, "--port", "0"]


def _refuse(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 97


COMMANDS: dict[str, Callable[[list[str]], int]] = {"make": make, "pip": pip, "serve": serve}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]))

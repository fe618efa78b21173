"""Python environments of their own, for what is installed and must not stay."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent.parent
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
MadeOnce = Callable[[str, Callable[[Path], object]], Path]
"""Makes a folder of a name by a function, and returns it."""
LEFT_OUT = shutil.ignore_patterns(".venv", ".git", "build", "*.egg-info", ".*_cache", "__pycache__", "node_modules")


def build_wheel(folder: Path, project: Path | None = None) -> Path:
    """Build the wheel of a project, by default of this one from a copy of the tree.

    An isolated build would have the same backend, after a download.
    """
    if project is None:
        project = shutil.copytree(ROOT, folder / "copy of the tree", ignore=LEFT_OUT)
    options = ("--no-deps", "--no-build-isolation", "--check-build-dependencies", "--wheel-dir", folder)
    subprocess.run([*PIP, "wheel", *options, project], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def empty_environment(folder: Path) -> Path:
    """Make an environment that has nothing; give the folder of its commands."""
    venv.create(folder, with_pip=False)
    return folder / "bin"


def layered_environment(folder: Path) -> Path:
    """Make an environment that has all that this one has, and keeps for itself what is installed into it."""
    commands = empty_environment(folder)
    below = sysconfig.get_path("purelib")
    (packages_of(commands) / "below.pth").write_text(f"import site; site.addsitedir({below!r})\n", encoding="utf-8")
    for command in Path(sys.executable).parent.iterdir():
        target = commands / command.name
        if not command.is_file() or target.exists() or command.name.startswith(("python", "activate")):
            continue
        with command.open("rb") as file:
            # Some commands are programs of many megabytes.
            if file.readline(1_000).startswith(f"#!{command.parent / 'python'}".encode()):
                target.write_bytes(f"#!{commands / 'python'}\n".encode() + file.read())
                target.chmod(0o755)
            else:
                target.symlink_to(command)
    return commands


def install_wheel(commands: Path, wheel: Path, *extras: str) -> None:
    """Install a wheel with all that it asks for and nothing else, in the versions that this environment has.

    Pip would download the same files; they are linked, which takes no network and a hundredth of the time.
    """
    install(commands, "--no-deps", wheel)
    site = packages_of(commands)
    (installed,) = distributions(path=[str(site)])
    for needed in _needed(installed, {"", *extras}).values():
        for name in {file.parts[0] for file in needed.files or ()} - {"..", "__pycache__"}:
            (site / name).symlink_to(str(needed.locate_file(name)))


def _needed(installed: Distribution, extras: set[str]) -> dict[str, Distribution]:
    """Return the distributions that one needs, directly or by way of others."""
    needed: dict[str, Distribution] = {}
    known = set()
    waiting = [(text, extras) for text in installed.requires or ()]
    while waiting:
        text, wanted = waiting.pop()
        requirement = Requirement(text)
        marker = requirement.marker
        if (text, *wanted) in known or (marker and not any(marker.evaluate({"extra": extra}) for extra in wanted)):
            continue
        known.add((text, *wanted))
        found = distribution(requirement.name)
        assert requirement.specifier.contains(found.version), f"{text}: {found.version} is installed"
        needed[found.name] = found
        waiting += [(more, {"", *requirement.extras}) for more in found.requires or ()]
    return needed


def packages_of(commands: Path) -> Path:
    """Return the folder of what is installed into an environment."""
    (site,) = commands.parent.glob("lib/python*/site-packages")
    return site


def install_editable(commands: Path, project: Path, folder: Path) -> None:
    """Install a project so that its files may still change, by a wheel as pip makes one; the wheel stays in a folder.

    An isolated build would have the same backend, after a download.
    """
    code = "import sys; from setuptools.build_meta import build_editable; build_editable(sys.argv[1])"
    folder.mkdir()
    subprocess.run([sys.executable, "-c", code, folder], cwd=project, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    # Pip looks whether all that it needs is there.
    install(commands, "--no-index", wheel)


def install(commands: Path, *what: str | Path) -> None:
    """Install into an environment, by the pip of this one."""
    subprocess.run([*PIP, "--python", commands / "python", "install", *what], check=True)

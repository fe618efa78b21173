"""The page as a process of its own, and a browser that uses it.

A window records what the page asks for and says. At its end, a request to any other host fails the test, and so does a
fault in the console. Needs Chromium; CHROMIUM names it where it is not on the path.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from command_line import CommandLine

    Scheme = Literal["light", "dark"]

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
)
_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
_SECONDS_TO_END = 20
_HEIGHT = 844
MOST_MS = 10_000
"""How long the browser waits for what must appear."""


@dataclass(frozen=True)
class RunningPage:
    """The page that a process serves. `folder` is where it was started."""

    url: str
    folder: Path


@contextmanager
def running_page(command_line: CommandLine, *arguments: str) -> Iterator[RunningPage]:
    """Serve the page on a free port for as long as the block lasts."""
    program = command_line.start("page", "--port", "0", "--json", *arguments)
    assert program.stdout is not None
    try:
        line = program.stdout.readline()
        assert line, "the page did not start"
        yield RunningPage(json.loads(line)["base_url"], command_line.folder)
    finally:
        program.terminate()
        _, errors = program.communicate(timeout=_SECONDS_TO_END)
    assert (program.returncode, errors.decode()) == (0, "")


def require_browsers() -> None:
    """Skip a test with a browser unless it is asked for: together they take a minute."""
    if os.environ.get("KABLE_BROWSERS") != "required":
        pytest.skip("tests of the page in a browser are run by make test-servers, or with KABLE_BROWSERS=required")


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Run a Chromium without a window, if tests with browsers are asked for; without playwright, they are skipped."""
    require_browsers()
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    if CHROMIUM is None:
        pytest.fail("there is no Chromium: apt-get install chromium, or name it in CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*_ARGUMENTS, *arguments])
        yield browser
        browser.close()


@contextmanager
def window(
    browser: Browser, url: str, *, width: int = 1200, scheme: Scheme = "light", refusals: int = 0
) -> Iterator[Page]:
    """Open a page in a window of its own, which has no storage of another. It may use the clipboard.

    `refusals` is how many requests the server may refuse, which the browser says in its console. There may be fewer:
    tests that share a window may run in several processes.
    """
    context = browser.new_context(viewport={"width": width, "height": _HEIGHT}, color_scheme=scheme)
    context.set_default_timeout(MOST_MS)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    requested: list[str] = []
    faults: list[str] = []
    context.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    try:
        page.goto(url)
        yield page
    finally:
        context.close()
    own = url.split("/#", maxsplit=1)[0].rstrip("/")
    foreign = [f"asked for {each}" for each in requested if not each.startswith((f"{own}/", "data:"))]
    refused = [fault for fault in faults if fault.startswith("Failed to load resource")]
    found = [*foreign, *(fault for fault in faults if fault not in refused)]
    assert found == [], "\n".join(found)
    assert len(refused) <= refusals, "\n".join(refused)

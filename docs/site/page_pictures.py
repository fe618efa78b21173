"""Make the pictures of docs/page.md: the page with a real service behind it, in Chromium.

python docs/site/page_pictures.py [FOLDER]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("kable-destination")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
CONFIGURATION = """
[settings]
kableClientId = "kci_sandbox"

[service.writeKeys]
wk_example = "default"
"""
_WATCHED_MS = 12_000
"""How long events are sent while the page shows the figures."""


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[str]:
    """Run a server for as long as the block lasts; give its address."""
    environment = {**os.environ, "KABLE_API_KEY": "sk_test.sandbox"}
    command = [str(PROGRAM), *arguments, "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as program:  # noqa: S603 - our own
        try:
            yield json.loads(next(iter(program.stdout or ())))["base_url"]
        finally:
            program.terminate()


def event(number: int) -> dict[str, Any]:
    """Return a call of a customer; every ninth names nobody."""
    customer = f"customer_{number % 40}" if number % 9 else None
    return {"event": "API Request", "userId": customer, "properties": {"units": number % 7, "region": "eu-west-1"}}


@contextmanager
def opened(browser: Browser, url: str, *, width: int, height: int, dark: bool = False) -> Iterator[Page]:
    """Open a window of a size."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", device_scale_factor=1
    )
    page = context.new_page()
    page.goto(url)
    yield page
    context.close()


def take_pictures(folder: Path) -> None:
    """Write all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        here = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (here / "service.toml").write_text(CONFIGURATION, encoding="utf-8")
        sandbox = stack.enter_context(started(here, "sandbox"))
        service = stack.enter_context(started(here, "serve", "--config", "service.toml", "--base-url", sandbox))
        example = stack.enter_context(started(ROOT, "page", "--config", str(ROOT / "examples/kable.toml")))
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        client = stack.enter_context(httpx.Client(base_url=service, auth=("wk_example", "")))
        with opened(browser, example, width=1440, height=900) as page:
            page.get_by_role("article", name="Orders").wait_for()
            page.screenshot(path=folder / "page-try.png")
        with opened(browser, f"{service}/#/watch", width=1280, height=860, dark=True) as page:
            for number in range(_WATCHED_MS // 50):
                client.post(
                    "/v1/batch", json={"batch": [{"type": "track", **event(number * 5 + at)} for at in range(5)]}
                )
                page.wait_for_timeout(50)
            page.screenshot(path=folder / "page-watch.png")
        with opened(browser, f"{service}/#/dead-letters", width=1280, height=860) as page:
            page.get_by_role("button", name="#1", exact=False).first.click()
            page.get_by_text("Client ID is required").first.wait_for()
            page.screenshot(path=folder / "page-dead-letters.png")
        browser.close()


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")

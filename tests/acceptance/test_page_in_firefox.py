"""The page works in Firefox too: what is typed is previewed, under the same policy, and nothing is asked of others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from command_line import CommandLine
from firefox import FIREFOX, firefox
from running_page import require_browsers, running_page

if TYPE_CHECKING:
    from pathlib import Path

    from fork_server import ForkServer

EVENT = '{"type":"track","event":"A","userId":"customer_in_firefox","messageId":"1"}'
FIND_EDITOR = """(() => {
  const within = (root) => [...root.querySelectorAll("*")].flatMap((each) =>
    [each, ...(each.shadowRoot ? within(each.shadowRoot) : [])]);
  const editor = within(document).find((each) => each.classList.contains("cm-content"));
  editor?.focus();
  return Boolean(editor);
})()"""
IS_PREVIEWED = 'document.querySelector(".result").innerText.includes("customer_in_firefox")'


async def used(url: str, folder: Path) -> None:
    async with firefox(folder) as browser:
        await browser.open(url)
        # The page begins with a sample, which would replace what is typed before it is there.
        await browser.until('document.querySelectorAll("article table tbody tr").length > 0')
        await browser.until(FIND_EDITOR)
        await browser.type_over(EVENT)
        await browser.until(IS_PREVIEWED)
        assert await browser.evaluate('document.querySelectorAll("article table tbody tr").length') > 0
        foreign = [each for each in browser.requested if not each.startswith((f"{url}/", "data:"))]
        assert (foreign, browser.faults) == ([], [])
        assert f"{url}/page/api/preview" in browser.requested


def test_an_event_is_previewed_in_firefox(
    fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    require_browsers()
    if FIREFOX is None:
        pytest.skip("there is no Firefox: apt-get install firefox-esr, or name it in FIREFOX")
    command_line = CommandLine(tmp_path_factory.mktemp("page"), dict(fork_server.environment), fork_server)
    with running_page(command_line) as running:
        asyncio.run(used(running.url, tmp_path))

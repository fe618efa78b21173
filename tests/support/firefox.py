"""Firefox without a window, driven by WebDriver BiDi, the protocol that it speaks itself.

Playwright has a Firefox of its own only, which no package of a distribution brings.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import shutil
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

FIREFOX = os.environ.get("FIREFOX") or next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
_LISTENS = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")
_SECONDS = 60.0
_CONTROL = "\ue009"
_DELETE = "\ue017"
_PREFERENCES = """
user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("remote.active-protocols", 1);
"""


@dataclass(slots=True)
class Firefox:
    """A page in Firefox. `faults` are the errors and warnings of its console, `requested` what it has asked for."""

    socket: aiohttp.ClientWebSocketResponse
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    context: str = ""
    faults: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    async def call(self, method: str, **parameters: Any) -> Any:
        """Send a command, and return its result. Events that come meanwhile are noted."""
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self.socket.receive_json(timeout=_SECONDS)
            if message.get("id") == number:
                assert message["type"] == "success", message
                return message["result"]
            self._note(message)

    async def open(self, url: str) -> None:
        """Open an address."""
        await self.call("browsingContext.navigate", context=self.context, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression gives: a text, a number or a boolean."""
        target = {"context": self.context}
        found = await self.call("script.evaluate", expression=expression, target=target, awaitPromise=True)
        assert found["type"] == "success", found
        return found["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression holds."""
        async with asyncio.timeout(_SECONDS):
            while not await self.evaluate(expression):  # noqa: ASYNC110 - another process decides
                await asyncio.sleep(0.02)

    async def type_over(self, text: str) -> None:
        """Replace what the focused editor holds."""
        keys = [
            *({"type": kind, "value": value} for kind, value in (("keyDown", _CONTROL), ("keyDown", "a"))),
            *({"type": kind, "value": value} for kind, value in (("keyUp", "a"), ("keyUp", _CONTROL))),
            *({"type": kind, "value": _DELETE} for kind in ("keyDown", "keyUp")),
            *({"type": kind, "value": letter} for letter in text for kind in ("keyDown", "keyUp")),
        ]
        await self.call(
            "input.performActions", context=self.context, actions=[{"type": "key", "id": "keyboard", "actions": keys}]
        )

    def _note(self, message: Any) -> None:
        given = message.get("params", {})
        if message.get("method") == "log.entryAdded" and given["level"] in {"error", "warn"}:
            self.faults.append(given["text"])
        elif message.get("method") == "network.beforeRequestSent":
            self.requested.append(given["request"]["url"])


@contextlib.asynccontextmanager
async def firefox(folder: Path) -> AsyncIterator[Firefox]:
    """Run a Firefox with a profile of its own in a folder."""
    assert FIREFOX is not None
    profile = folder / "profile"
    profile.mkdir()
    (profile / "user.js").write_text(_PREFERENCES, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(FIREFOX, "--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", str(profile)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HOME": str(folder)},
        # It starts others; all of them are ended together.
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(_SECONDS):
            address = await _address(process.stderr)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{address}/session", max_msg_size=0) as socket,
        ):
            found = Firefox(socket)
            await found.call("session.new", capabilities={})
            found.context = (await found.call("browsingContext.getTree"))["contexts"][0]["context"]
            await found.call("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
            yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _address(errors: asyncio.StreamReader) -> str:
    """Return where Firefox listens, which it says on its standard error."""
    while line := await errors.readline():
        if (found := _LISTENS.search(line)) is not None:
            return found[1].decode()
    raise AssertionError("Firefox has ended at once")

"""The page alone on a real socket, in a thread of the test."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

import httpx

from command_line import API_KEY, CLIENT_ID
from kable_destination.runner.configuration.page_configuration import read_page_configuration
from kable_destination.runner.service.page.running import serve_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from kable_destination.runner.service.page.running import RunningPage

MARK = {"X-Kable-Page": "1"}
CONFIGURATION = f"""
[settings]
kableClientId = "{CLIENT_ID}"
"""
DRAFT = {"destination": "kable", "settings": {"kableClientId": CLIENT_ID}}
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class OpenPage:
    """A page that is open: a client with what its script sends along."""

    client: httpx.Client
    base_url: str

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask the API."""
        return self.client.get(f"/page/api/{path}", **options)

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        """Send JSON to the API."""
        return self.client.post(f"/page/api/{path}", json=body, **options)


@contextmanager
def open_page(
    folder: Path,
    *,
    configuration: str = CONFIGURATION,
    environment: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
    **options: Any,
) -> Iterator[OpenPage]:
    """Serve the page for as long as the block lasts."""
    file = folder / "kable.toml"
    file.write_text(configuration, encoding="utf-8")
    read = read_page_configuration(
        file,
        environment={"KABLE_API_KEY": API_KEY, **(environment or {})},
        **{"outbox": str(folder / "outbox.sqlite"), **options},
    )
    ready, announced = Event(), list[Any]()

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def announce(running: RunningPage) -> None:
            announced.extend((running, loop))
            ready.set()

        await serve_page(read, host=host, port=0, announce=announce)

    with ThreadPoolExecutor(1, "page") as thread:
        serving = thread.submit(asyncio.run, run())
        serving.add_done_callback(lambda _: ready.set())
        ready.wait()
        if not announced:
            serving.result()
        running, loop = announced
        try:
            with httpx.Client(base_url=running.base_url, headers=MARK, timeout=_SECONDS) as client:
                yield OpenPage(client, running.base_url)
        finally:
            loop.call_soon_threadsafe(running.end)
            serving.result()

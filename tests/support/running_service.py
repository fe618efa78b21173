"""The service on a real socket, in a thread of the test, delivering to a sandbox."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from command_line import API_KEY, CLIENT_ID
from kable_destination.runner.configuration.service_configuration import read_service_configuration
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import DeadLetterFilter
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.service.running import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from kable_destination.runner.configuration.service_configuration import ServiceConfiguration
    from kable_destination.runner.delivery.notices import Observer
    from kable_destination.runner.queues.contract import DeadLetter
    from kable_destination.runner.sandbox import RunningSandbox
    from kable_destination.runner.service.running import Running

T = TypeVar("T")

WRITE_KEY = "wk_test"
CONFIGURATION = f"""
[settings]
kableClientId = "{CLIENT_ID}"

[service.writeKeys]
{WRITE_KEY} = "default"
"""
_SECONDS = 30.0


@dataclass(slots=True)
class RunningService:
    """A service that runs: a client for it, and the sandbox that it delivers to."""

    client: httpx.Client
    running: Running
    sandbox: RunningSandbox
    outbox: Path
    file: Path
    reports: list[str]
    ask_to_reload: Callable[[], Any]

    def reload(self, configuration: str) -> str:
        """Replace the configuration and reload it; return what a person is told first."""
        self.file.write_text(configuration, encoding="utf-8")
        before = len(self.reports)
        self.ask_to_reload()
        until_there_are(before + 1, lambda: len(self.reports))
        return self.reports[before]

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        """Send JSON with the write key."""
        # httpx takes what follows two slashes for a host.
        url = f"{self.running.base_url}{path}"
        return self.client.post(url, json=body, auth=options.pop("auth", (WRITE_KEY, "")), **options)

    def delivered(self, count: int) -> list[dict[str, Any]]:
        """Return what the sandbox has, once it has so many events: delivery goes on in the background."""
        until_there_are(count, lambda: len(self.sandbox.ledger.events))
        return [*self.sandbox.ledger.events]

    def dead_letters(self) -> list[DeadLetter]:
        """Return the dead letters of the outbox, which is open meanwhile."""

        async def read() -> list[DeadLetter]:
            queue = open_queue(self.outbox, clock=SystemClock(), read_only=True)
            try:
                found = await queue.dead_letters.read(await queue.dead_letters.ids(DeadLetterFilter()))
            finally:
                await queue.close()
            return [kept.letter for kept in found]

        return asyncio.run(read())


def until(look: Callable[[], T], is_enough: Callable[[T], bool]) -> T:
    """Return what there is to see, once it is enough. Fails after half a minute."""
    end = time.monotonic() + _SECONDS
    while not is_enough(found := look()):
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found


def until_there_are(enough: int, count: Callable[[], int]) -> None:
    """Wait until there are so many of something."""
    until(count, lambda found: found >= enough)


@contextmanager
def running_service(
    folder: Path,
    sandbox: RunningSandbox,
    *,
    configuration: str = CONFIGURATION,
    environment: Mapping[str, str] | None = None,
    observers: Sequence[Observer] = (),
    delivers: bool = True,
    service: Mapping[str, Any] | None = None,
    **delivery: Any,
) -> Iterator[RunningService]:
    """Run a service for as long as the block lasts. `service` overrides its options."""
    file, outbox = folder / "kable.toml", folder / "outbox.sqlite"
    file.write_text(configuration, encoding="utf-8")
    ready, announced, reports = Event(), list[Any](), list[str]()

    def read() -> ServiceConfiguration:
        return read_service_configuration(
            file,
            environment={"KABLE_API_KEY": API_KEY, **(environment or {})},
            service={"port": 0, **(service or {})},
            delivery={"base_url": sandbox.base_url, "outbox": str(outbox), "grace": 5, **delivery},
        )

    options = read()

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def announce(running: Running) -> None:
            announced.extend((running, loop))
            ready.set()

        await serve(
            options,
            observers=observers,
            announce=announce,
            read_again=read,
            report=reports.append,
            delivers=delivers,
        )

    with ThreadPoolExecutor(1, "service") as thread:
        serving = thread.submit(asyncio.run, run())
        serving.add_done_callback(lambda _: ready.set())
        ready.wait()
        if not announced:
            serving.result()
        running, loop = announced
        try:
            with httpx.Client(base_url=running.base_url, timeout=_SECONDS) as client:
                ask = partial(loop.call_soon_threadsafe, running.reload)
                yield RunningService(client, running, sandbox, outbox, file, reports, ask)
        finally:
            loop.call_soon_threadsafe(running.end)
            serving.result()

"""What the page shows of a service that delivers to a sandbox, asked as its script asks."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from kable_destination.runner.sandbox.faults import Faults
from open_page import MARK
from running_service import running_service, until
from segment_events import track

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox
    from running_service import RunningService

BAD = {"units": 1, "isBad": True}
"""Properties of an event that the sandbox refuses, once it was told to."""


@dataclass(slots=True)
class WatchedPage:
    """The page of a service."""

    service: RunningService
    client: httpx.Client

    def get(self, path: str) -> httpx.Response:
        """Ask the API."""
        return self.client.get(f"/page/api/{path}")

    def post(self, path: str, body: Any) -> httpx.Response:
        """Send JSON to the API."""
        return self.client.post(f"/page/api/{path}", json=body)

    def status(self) -> dict[str, Any]:
        """Return the status. It is read once a second, so to ask often shows nothing sooner."""
        found: dict[str, Any] = self.get("status").json()
        return found

    def letters(self, query: str = "") -> dict[str, Any]:
        """Return a list of dead letters."""
        answer = self.get(f"dead-letters{query}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def dead(self, count: int) -> list[dict[str, Any]]:
        """Return the dead letters, the newest first, once there are so many."""
        found: list[dict[str, Any]] = until(lambda: self.letters()["letters"], lambda found: len(found) == count)
        return found

    def refuse_bad(self) -> None:
        """Have the sandbox refuse bad events from now on."""
        self.service.sandbox.faults.set(Faults.model_validate({"refuse": [{"field": "data.isBad", "value": True}]}))

    def refused(self, *numbers: int) -> list[dict[str, Any]]:
        """Have some events refused; return all dead letters, the newest first."""
        self.refuse_bad()
        for number in numbers:
            answer = self.service.post("/v1/track", track(number, properties=BAD))
            assert answer.status_code == 200, answer.text
        return self.dead(len(numbers))

    def live(self) -> Generator[dict[str, Any], None, None]:
        """Yield the messages of the live view."""
        with self.client.stream("GET", "/page/api/live") as answer:
            assert answer.status_code == 200, answer.read()
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))


@contextmanager
def watched_page(folder: Path, sandbox: RunningSandbox, **options: Any) -> Iterator[WatchedPage]:
    """Run a service with its page for as long as the block lasts."""
    with (
        running_service(folder, sandbox, **options) as service,
        httpx.Client(base_url=service.running.base_url, headers=MARK, timeout=30) as client,
    ):
        yield WatchedPage(service, client)

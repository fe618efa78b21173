"""A source and an HTTP handler, each as small as the interfaces allow."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from typing import TYPE_CHECKING

from aiohttp import web

from kable_destination.runner.sources.contract import Chunk
from segment_events import track

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kable_destination.runner.delivery.acceptor import Acceptor
    from kable_destination.runner.sources.contract import FindCheckpoints


class EndlessSource:
    """Yields one event after the other, until it is stopped. It cannot be read again."""

    name = "endless"
    key = None
    resumed = None

    def __init__(self, first: int = 0) -> None:
        self._numbers = itertools.count(first)
        self._is_stopped = False

    async def chunks(self, find: FindCheckpoints | None) -> AsyncIterator[Chunk]:
        """Yield events; `find` is always None, since there is no key."""
        assert find is None
        while not self._is_stopped:
            number = next(self._numbers)
            yield Chunk(self.name, unit="item", texts=[json.dumps(track(number)).encode()], places=[number])
            await asyncio.sleep(0)

    def stop(self) -> None:
        """Yield nothing more."""
        self._is_stopped = True


@contextlib.asynccontextmanager
async def http_handler(acceptor: Acceptor) -> AsyncIterator[str]:
    """Serve `POST /` with a list of events on a loopback port; yield the URL. A 200 means: on disk."""

    async def post(request: web.Request) -> web.Response:
        events = await request.json()
        texts = [json.dumps(event).encode() for event in events]
        receipt = await acceptor.accept(Chunk("POST /", unit="item", texts=texts, places=[*range(len(texts))]))
        rejected = {letter.origin.place: letter.message for letter in receipt.rejected}
        return web.json_response({"accepted": [origin.place for origin in receipt.accepted], "rejected": rejected})

    app = web.Application()
    app.router.add_post("/", post)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()

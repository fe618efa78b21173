"""A program that accepts events and writes a line for each receipt, until it is killed.

python receipts.py BASE_URL FIRST_NUMBER
"""

from __future__ import annotations

import asyncio
import json
import sys

from command_line import API_KEY, CLIENT_ID
from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.configuration.delivery_options import DeliveryOptions
from kable_destination.runner.session import open_session
from kable_destination.runner.sources.contract import Chunk
from segment_events import track


async def main(base_url: str, first: int) -> None:
    """Accept one event after the other, several at a time."""
    settings = {"apiKey": API_KEY, "kableClientId": CLIENT_ID}
    destination = Destination(kable, settings, base_url=base_url)
    async with open_session(destination, DeliveryOptions()) as session, session.running() as acceptor:

        async def accept(start: int) -> None:
            for number in range(start, start + 10_000):
                text = json.dumps(track(number)).encode()
                receipt = await acceptor.accept(Chunk("test", unit="item", texts=[text], places=[number]))
                for origin in receipt.accepted:
                    print(origin.place, flush=True)  # noqa: T201 - read by the test

        await asyncio.gather(*(accept(first + caller * 10_000) for caller in range(4)))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))

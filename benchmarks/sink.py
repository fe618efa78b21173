"""A plain HTTP server on loopback that reads requests to their end, answers 200, and counts the events it was sent.

It prints its port. A GET answers what came since the last GET, as JSON: requests, events and bytes.
With a number as its argument it answers each POST that many seconds late. A second argument is the Client ID of an
account whose requests are answered with 503.
"""

from __future__ import annotations

import asyncio
import json
import sys

_END = b"\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
_EVENT = b'"transactionId"'


class Counts:
    """What was sent."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.requests = self.events = self.bytes = 0

    def taken(self) -> bytes:
        """Give the counts as an answer, and begin anew."""
        body = json.dumps(vars(self)).encode()
        self._begin()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Connection(asyncio.Protocol):
    """One connection: as many requests as it brings, one after the other."""

    def __init__(self, counts: Counts, latency: float, failing: bytes | None) -> None:
        self._counts = counts
        self._latency = latency
        self._failing = failing
        self._kept = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers go to."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream's
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is there as a whole."""
        self._kept += data
        while (end := self._kept.find(_END)) >= 0:
            head = bytes(self._kept[:end])
            if head.startswith(b"GET"):
                del self._kept[: end + len(_END)]
                self._transport.write(self._counts.taken())
                continue
            length = _length_of(head)
            if len(self._kept) < end + len(_END) + length:
                return
            body = self._kept[end + len(_END) : end + len(_END) + length]
            del self._kept[: end + len(_END) + length]
            if self._failing is not None and self._failing in head:
                self._transport.write(_BUSY)
                continue
            self._counts.requests += 1
            self._counts.events += body.count(_EVENT)
            self._counts.bytes += length
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._transport.write, _OK)
            else:
                self._transport.write(_OK)


def _length_of(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    raise ValueError("a request tells no Content-Length")


async def main(latency: float, failing: bytes | None) -> None:
    """Serve until the process is ended."""
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(counts, latency, failing), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    seconds = float(sys.argv[1]) if sys.argv[1:] else 0.0
    asyncio.run(main(seconds, sys.argv[2].encode() if sys.argv[2:] else None))

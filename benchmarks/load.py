"""Load on an HTTP server: connections that each send the next request as soon as the last one is answered."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import secrets
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import uvloop

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROPERTIES = b'{"endpoint":"/v1/widgets","units":%d,"region":"eu-west-1","bytes":18231,"cached":false}'
_CONTEXT = (
    b'{"library":{"name":"@segment/analytics-node","version":"3.1.0"},"ip":"203.0.113.7","locale":"en-GB",'
    b'"userAgent":"Mozilla/5.0 (X11; Linux x86_64)","app":{"name":"billing","version":"4.12.0","build":"20260301"}}'
)
_EVENT = (
    b'{"type":"track","event":"API Request","userId":"customer_%05d","messageId":"%s-%010d",'
    b'"timestamp":"%s","properties":' + _PROPERTIES + b',"context":' + _CONTEXT + b',"integrations":{}}'
)


@dataclass
class Load:
    """What is sent: `batch` events a request (1: to /v1/track), over so many connections, for so many seconds."""

    port: int
    write_key: str
    batch: int
    connections: int
    seconds: float
    rate: float | None = None
    latencies: list[float] = field(default_factory=list)
    refused: int = 0
    events: int = 0
    _run: bytes = field(default_factory=lambda: secrets.token_hex(4).encode())
    _number: int = 0

    def request(self) -> bytes:
        """Return the next request, with IDs that no other has."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()).encode()
        key = self.write_key.encode()
        start, self._number = self._number, self._number + self.batch
        numbers = range(start, start + self.batch)
        events = [_EVENT % (number % 500, self._run, number, moment, number % 90) for number in numbers]
        if self.batch == 1:
            path, body = b"track", events[0]
        else:
            path, body = b"batch", b'{"batch":[%s],"sentAt":"%s"}' % (b",".join(events), moment)
        token = base64.b64encode(key + b":")
        return (
            b"POST /v1/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (path, token, len(body), body)
        )

    async def run(self) -> None:
        """Send until the time is over."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.seconds
        made = await asyncio.gather(
            *(
                loop.create_connection(lambda: _Connection(self, end), "127.0.0.1", self.port)
                for _ in range(self.connections)
            )
        )
        await asyncio.gather(*(connection.ended for _, connection in made))

    def figures(self) -> dict[str, float]:
        """Return the rate, in events a second, and the latencies in seconds."""
        ordered = sorted(self.latencies) or [0.0]
        return {
            "requests": len(self.latencies),
            "rate": self.events / self.seconds,
            "p50": ordered[len(ordered) // 2],
            "p99": ordered[len(ordered) * 99 // 100],
            "most": ordered[-1],
            "refused": self.refused,
        }


class _Connection(asyncio.Protocol):
    """One connection. With a rate, each sends its share of it, evenly."""

    def __init__(self, load: Load, end: float) -> None:
        self._load = load
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._interval = None if load.rate is None else load.connections * load.batch / load.rate
        self._due = self._loop.time()
        self._answer = b""
        self.ended = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        if self._loop.time() >= self._end:
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(self._load.request())

    def data_received(self, data: bytes) -> None:
        self._answer += data
        # Every answer is a JSON object.
        if not self._answer.endswith(b"}"):
            return
        now, answer, self._answer = time.perf_counter(), self._answer, b""
        if answer.startswith(b"HTTP/1.1 200"):
            self._load.latencies.append(now - self._began)
            self._load.events += self._load.batch
        else:
            self._load.refused += 1
        if self._interval is None:
            self._send()
            return
        self._due = max(self._due + self._interval, self._loop.time())
        self._loop.call_at(self._due, self._send)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self.ended.done():
            self.ended.set_result(None)


async def run_together(loads: Sequence[Load]) -> None:
    """Let several senders send at the same time."""
    await asyncio.gather(*(load.run() for load in loads))


def main() -> None:
    """Send what the arguments say, and print the figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--write-key", default="wk")
    parser.add_argument("--keys", type=int, help="so many senders, each with a key of its own: wk0, wk1, …")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rate", type=float)
    given = vars(parser.parse_args())
    keys = given.pop("keys")
    names = [given["write_key"]] if keys is None else [f"{given['write_key']}{number}" for number in range(keys)]
    loads = [Load(**{**given, "write_key": name}) for name in names]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_together(loads))
    for load in loads:
        sys.stdout.write(f"{json.dumps(load.figures())}\n")


if __name__ == "__main__":
    main()

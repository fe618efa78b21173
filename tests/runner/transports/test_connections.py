"""Only what comes after a request is an answer to it, and a connection that is lost while idle costs nothing."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from kable_destination.definitions import RetryableError
from kable_destination.runner.event_loop import run_in_loop
from kable_destination.runner.transports.http import HttpTransport
from segment_events import ndjson, track
from talking_server import OK, read_request, talking_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from command_line import CommandLine

LARGE = b"x" * 32_000_000
"""More than the buffers of a loopback connection hold."""


class Turns:
    """Who goes on: the client has the first answer, then the server has done what it does between two requests."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.go_on = threading.Event()


def send_twice(port: int, turns: Turns) -> tuple[int, int]:
    """Send two requests over one pool, the second when the server says so; return their statuses."""

    async def exchanges() -> tuple[int, int]:
        url = f"http://127.0.0.1:{port}/"
        async with HttpTransport(connections=1, timeout=10, trust_environment=False) as transport:
            first = await transport.send(httpx.Request("POST", url, content=b"[1]"))
            turns.answered.set()
            await asyncio.to_thread(turns.go_on.wait, 10)
            later = await transport.send(httpx.Request("POST", url, content=b"[2]"))
            return first.status_code, later.status_code

    return run_in_loop(exchanges())


@pytest.mark.usefixtures("each_loop")
@pytest.mark.parametrize(
    "unasked",
    [
        OK,
        OK + OK,
        b"HTTP/1.1 200 O",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        b"\r\n",
    ],
    ids=["a response", "two", "a part of one", "100", "503", "an empty line"],
)
def test_what_comes_on_an_idle_connection_is_no_answer_to_the_next_request(unasked: bytes) -> None:
    turns, requests = Turns(), list[tuple[int, bytes]]()

    def talk(connection: socket.socket, number: int) -> None:
        while request := read_request(connection):
            requests.append((number, request.partition(b"\r\n\r\n")[2]))
            connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
            if number == 0:
                turns.answered.wait(10)
                connection.sendall(unasked)
                turns.go_on.set()

    with talking_server(talk) as (port, connections):
        assert send_twice(port, turns) == (201, 201)
        assert (requests, len(connections)) == ([(0, b"[1]"), (1, b"[2]")], 2)


@pytest.mark.usefixtures("each_loop")
@pytest.mark.parametrize("held_back", [0, 1, 20])
def test_an_answer_with_another_behind_it_spoils_the_connection(held_back: int) -> None:
    """Both come in one piece, or the second in part, of which the rest comes when the connection is in use again."""
    turns, requests = Turns(), list[tuple[int, bytes]]()
    second = b"HTTP/1.1 204 No Content\r\nX-Padding: 0123456789\r\n\r\n"
    first = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"

    def talk(connection: socket.socket, number: int) -> None:
        request = read_request(connection)
        requests.append((number, request.partition(b"\r\n\r\n")[2]))
        if number == 0:
            connection.sendall(first + second[: len(second) - held_back])
            turns.go_on.set()
            if held_back:
                connection.recv(1)
                connection.sendall(second[-held_back:])
        else:
            connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        read_request(connection)

    with talking_server(talk) as (port, _):
        try:
            assert send_twice(port, turns) == (400, 201)
        except RetryableError:
            assert held_back
    assert not held_back or len(requests) in {1, 2}


@pytest.mark.usefixtures("each_loop")
@pytest.mark.parametrize(("status", "is_answer"), [(b"200 OK", False), (b"413 Too Large", True)])
def test_a_welcome_answer_before_the_request_was_sent_proves_nothing(status: bytes, *, is_answer: bool) -> None:
    """A refusal may come early: a server need not read what it will not take."""
    done = threading.Event()

    def talk(connection: socket.socket, _: int) -> None:
        connection.recv(1_000)
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        done.wait(10)

    async def exchange(port: int) -> int:
        try:
            async with HttpTransport(connections=1, timeout=10, trust_environment=False) as transport:
                request = httpx.Request("POST", f"http://127.0.0.1:{port}/", content=LARGE)
                return (await transport.send(request)).status_code
        finally:
            done.set()

    with talking_server(talk) as (port, _):
        if is_answer:
            assert run_in_loop(exchange(port)) == 413
        else:
            with pytest.raises(RetryableError, match="before it had the whole request"):
                run_in_loop(exchange(port))


def reset(connection: socket.socket) -> None:
    """End a connection by RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def shut(connection: socket.socket) -> None:
    """End a connection in order."""
    connection.close()


@pytest.mark.usefixtures("each_loop")
@pytest.mark.parametrize("end", [reset, shut])
@pytest.mark.parametrize("reads", [True, False], ids=["after the request", "while idle"])
def test_a_used_connection_that_is_lost_before_any_answer_is_replaced_at_once(
    end: Callable[[socket.socket], None], *, reads: bool
) -> None:
    turns, requests = Turns(), list[tuple[int, bytes]]()

    def talk(connection: socket.socket, number: int) -> None:
        while request := read_request(connection):
            requests.append((number, request.partition(b"\r\n\r\n")[2]))
            connection.sendall(OK)
            if number == 0:
                turns.go_on.set()
                if reads:
                    read_request(connection)
                end(connection)
                return

    with talking_server(talk) as (port, connections):
        assert send_twice(port, turns) == (200, 200)
        assert (requests, len(connections)) == ([(0, b"[1]"), (1, b"[2]")], 2)


@pytest.mark.usefixtures("each_loop")
def test_a_new_connection_that_is_lost_is_no_reason_to_hurry() -> None:
    def talk(connection: socket.socket, _: int) -> None:
        read_request(connection)
        reset(connection)

    turns = Turns()
    with talking_server(talk) as (port, connections):
        with pytest.raises(RetryableError):
            send_twice(port, turns)
        assert len(connections) == 1


@pytest.mark.usefixtures("each_loop")
def test_a_request_is_sent_again_at_once_only_once() -> None:
    turns = Turns()

    def talk(connection: socket.socket, number: int) -> None:
        read_request(connection)
        if number == 0:
            connection.sendall(OK)
            turns.go_on.set()
            read_request(connection)
        reset(connection)

    with talking_server(talk) as (port, connections):
        with pytest.raises(RetryableError):
            send_twice(port, turns)
        assert len(connections) == 2


def test_connections_that_end_after_each_answer_cost_no_wait(command_line: CommandLine) -> None:
    """Ten batches took 12.9 seconds, since each was sent again after a wait only."""
    bodies: list[bytes] = []

    def talk(connection: socket.socket, _: int) -> None:
        bodies.append(read_request(connection))
        connection.sendall(OK)
        read_request(connection)
        reset(connection)

    with talking_server(talk) as (port, _):
        events = ndjson(*(track(number) for number in range(30)))
        run = command_line.deliver(events, f"http://127.0.0.1:{port}", "--batch-size", "3")
    assert (run.code, run.report["delivered"], run.report["retries"], len(bodies)) == (0, 30, 0, 10)
    assert run.report["seconds"] < 5


def test_an_unrequested_response_delivers_nothing(command_line: CommandLine) -> None:
    """Ten events were marked as delivered that the server had never read."""
    read: list[bytes] = []

    def talk(connection: socket.socket, _: int) -> None:
        while request := read_request(connection):
            read.append(request)
            connection.sendall(OK + OK)

    with talking_server(talk) as (port, connections):
        events = ndjson(*(track(number) for number in range(40)))
        options = ("--batch-size", "10", "--concurrency", "1")
        run = command_line.deliver(events, f"http://127.0.0.1:{port}", *options)
        assert len(connections) == 4
    assert (run.code, run.report["delivered"], len(read)) == (0, 40, 4)
    assert all(any(f"message-{number:06}".encode() in body for body in read) for number in range(40))

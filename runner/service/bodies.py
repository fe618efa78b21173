"""Reading the body of a request: bounded in time, and in bytes before and after decompression."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from .answers import AnswerError

if TYPE_CHECKING:
    from starlette.requests import Request

_GZIP = 31
"""zlib's code for a gzip stream with the largest window."""

_MOST_MEMBERS = 100
"""A gzip stream may have several members; with very many of them, each a copy of the rest, it would take minutes."""


async def read_body(request: Request, *, most: int, seconds: float) -> bytes:
    """Return the body of a request, decompressed. Raises AnswerError if it is too large, too slow or damaged."""
    # A dict, since a Headers object looks through all of them for each that is asked for.
    headers = dict(request.scope["headers"])
    coding = headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
    if coding not in {"", "identity", "gzip", "x-gzip"}:
        raise AnswerError(400, "unsupported_encoding", "The Content-Encoding is not supported; use gzip or none.")
    told = headers.get(b"content-length", b"")
    if told.isdigit() and int(told[:20]) > most:
        raise too_large(most)
    try:
        body = await _read_in_time(request, most, seconds)
    except ClientDisconnect:
        raise AnswerError(400, "incomplete", "The connection ended before the body did.") from None
    return _decompressed(body, most) if "gzip" in coding else body


def too_large(most: int) -> AnswerError:
    """Return the answer to a body that is too large."""
    return AnswerError(400, "too_large", f"The body has more than {most:,} bytes; send fewer events per request.")


async def _read_in_time(request: Request, most: int, seconds: float) -> bytes:
    """Read a body. Raises AnswerError if it takes too long.

    It does what `asyncio.timeout` does, at a tenth of the price: nearly every body is there at once.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a request is answered by a task
    is_late = False

    def end() -> None:
        nonlocal is_late
        is_late = True
        task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, end)
    try:
        return await _read(request, most)
    except asyncio.CancelledError:
        # Somebody else may have cancelled the task, too.
        if is_late and task.uncancel() == 0:
            raise AnswerError(408, "timeout", f"The body did not arrive within {seconds:g} seconds.") from None
        raise
    finally:
        timer.cancel()


async def _read(request: Request, most: int) -> bytes:
    chunks, size = list[bytes](), 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            raise too_large(most)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _decompressed(body: bytes, most: int) -> bytes:
    """Decompress, but of a body that is too large no more than shows that it is. A stream may have several members."""
    parts, left = list[bytes](), most + 1
    try:
        while body and left > 0:
            if len(parts) == _MOST_MEMBERS:
                raise AnswerError(400, "invalid_gzip", f"The gzip body has more than {_MOST_MEMBERS} members.")
            stream = zlib.decompressobj(_GZIP)
            part = stream.decompress(body, left)
            parts.append(part)
            left -= len(part)
            if left > 0 and not stream.eof:
                raise AnswerError(400, "invalid_gzip", "The gzip body is cut off.")
            body = stream.unused_data
    except zlib.error:
        raise AnswerError(400, "invalid_gzip", "The body is not valid gzip.") from None
    if left <= 0:
        raise too_large(most)
    return b"".join(parts)

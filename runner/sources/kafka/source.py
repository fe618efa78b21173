"""A topic of Kafka as a source of events."""

from __future__ import annotations

import asyncio
import secrets
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ..contract import Chunk, Fence, Resumed, SourceError
from .checkpoints import OUTBOX_KEY
from .partition import HandOver
from .reader import Reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from ..contract import FindCheckpoints, FoundCheckpoint
    from .accounts import AccountFilter
    from .address import KafkaAddress
    from .reports import Report, Reporter

_SECONDS_TO_FIND = 30.0


class KafkaSource:
    """The events of a topic: those of the partitions that its group gives to this process, for as long as it runs.

    `is_bounded`: all partitions, up to their present ends or to those of the range. `options` are those of the client,
    with secrets. `scope` says whose events they are: each account has checkpoints of its own. `accounts` chooses them
    where a topic has those of several.
    """

    resumed: Resumed | None = None

    def __init__(
        self,
        address: KafkaAddress,
        options: Mapping[str, str],
        *,
        scope: str,
        is_bounded: bool,
        report: Reporter,
        accounts: AccountFilter | None = None,
    ) -> None:
        self.name = address.name
        self.key = f"{scope} {address.name}"
        self.address = address
        self.options = options
        self.scope = scope
        self.is_bounded = is_bounded
        self.report = report
        self.accounts = accounts
        self._reader: Reader | None = None
        self._is_stopped = False

    async def chunks(self, find: FindCheckpoints | None) -> AsyncIterator[Chunk]:
        """Yield the events that follow the checkpoints of the partitions. Raises SourceError."""
        outbox = ""
        if find is not None:
            async for chunk in _named(find):
                yield chunk
            outbox = await _name(find)
        running = _Running(self, find, outbox)
        if self._is_stopped:
            return
        self._reader = running.reader
        async for chunk in running.chunks():
            yield chunk

    def stop(self) -> None:
        """Read nothing more; what was handed over is still yielded."""
        self._is_stopped = True
        if self._reader is not None:
            self._reader.stop()


class _Running:
    """The thread of a source, and its chunks on their way out of it."""

    def __init__(self, source: KafkaSource, find: FindCheckpoints | None, outbox: str) -> None:
        self._name = source.name
        self._find = find
        self._reporter = source.report
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._ended = threading.Event()
        self._failure: SourceError | None = None
        self._hand_over = HandOver(self._wake)
        self.reader = Reader(
            source.address,
            source.options,
            source.scope,
            self._hand_over,
            find=self._find_now,
            outbox=outbox,
            report=self._report,
            is_bounded=source.is_bounded,
            accounts=source.accounts,
        )

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Start the thread, and yield what it hands over. Raises SourceError."""
        # A daemon, since the client may hang while it closes.
        threading.Thread(target=self._read, name="kafka", daemon=True).start()
        try:
            while True:
                # Looked at first: what was handed over before the end is still there after it.
                is_over = self._ended.is_set()
                if (chunk := self._hand_over.take()) is not None:
                    yield chunk
                elif is_over:
                    break
                else:
                    await self._woken.wait()
                    self._woken.clear()
        finally:
            self.reader.stop()
        if self._failure is not None:
            raise self._failure

    def _read(self) -> None:
        try:
            self.reader.run()
        except SourceError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001 - the reader of the chunks must know
            self._failure = SourceError(f"{self._name}: {type(error).__name__}: {error}")
        finally:
            self._ended.set()
            self._wake()

    def _wake(self) -> None:
        # The loop may have ended, after a failure.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._woken.set)

    def _report(self, report: Report) -> None:
        """Report from the loop: observers are not made for several threads."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._reporter, report)

    def _find_now(self, keys: Sequence[str]) -> Sequence[FoundCheckpoint | None]:
        """Return checkpoints, from another thread than that of the loop. Raises TimeoutError."""
        if self._find is None:
            return [None for _ in keys]
        asking = asyncio.run_coroutine_threadsafe(_found(self._find, keys), self._loop)
        try:
            return asking.result(_SECONDS_TO_FIND)
        except TimeoutError:
            asking.cancel()
            raise TimeoutError("the outbox does not answer") from None


async def _found(find: FindCheckpoints, keys: Sequence[str]) -> Sequence[FoundCheckpoint | None]:
    return await find(*keys)


async def _name(find: FindCheckpoints) -> str:
    """Return the name that an outbox has for Kafka; empty if it has none."""
    (found,) = await find(OUTBOX_KEY)
    return "" if found is None else found.state.decode()


async def _named(find: FindCheckpoints) -> AsyncIterator[Chunk]:
    """Yield what gives the outbox a name, if it has none, and wait until that is stored, by this process or another."""
    if await _name(find):
        return
    settled = asyncio.Event()
    fence = Fence(None, lambda _is_accepted: settled.set())
    yield Chunk(OUTBOX_KEY, OUTBOX_KEY, checkpoint=secrets.token_hex(8).encode(), fence=fence)
    await settled.wait()

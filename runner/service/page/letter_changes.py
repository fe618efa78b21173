"""The endpoints that change dead letters: replay, correct and replay, discard."""

from __future__ import annotations

import itertools
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
from starlette.routing import Route

from ....definitions import UnreadableError, counted, read_event
from ...delivery.correcting import correct
from ...delivery.replay import ReplayReport, replay_letters
from ...queues.contract import DeadLetterFilter, QueueFullError, Token
from .letter_selection import AskedLetters, check_ids, selected
from .letters import PATH
from .messages import Message, PageError, Place, answer, body_of, reader
from .operation import page_operation
from .previews import readable_event
from .replayed import Replayed, corrected, replayed
from .shown_letters import MOST_TEXT_BYTES, has_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from ....definitions import Destination, Redactor
    from ...configuration.delivery_options import DeliveryOptions
    from ...delivery.clock import Clock
    from ...queues.contract import KeptDeadLetter, Queue
    from ..operations import Operation
    from .known_accounts import KnownAccounts
    from .queue_status import QueueReadings
    from .watched_queue import WatchedQueue

_REPLAY_PATH = f"{PATH}/replay"
_DISCARD_PATH = f"{PATH}/discard"
# JSON may need six bytes for one of the text.
_MOST_BYTES = 6 * MOST_TEXT_BYTES + 10_000


class AskedReplay(AskedLetters, frozen=True, kw_only=True):
    """Which dead letters to send again; or the `id` of one, and its corrected `event` as JSON text."""

    id: int = 0
    event: str | None = None


class Discarded(Message, frozen=True, kw_only=True):
    """How many dead letters were discarded. `next` is `after` of the next request, null if nothing is left to do."""

    discarded: int
    next: int | None
    message: str


class LetterChanges:
    """Replays, corrects and discards dead letters."""

    def __init__(
        self,
        queue: WatchedQueue,
        readings: QueueReadings,
        accounts: KnownAccounts,
        options: DeliveryOptions,
        redactor: Redactor,
        *,
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._readings = readings
        self._accounts = accounts
        self._options = options
        self._redactor = redactor
        self._clock = clock
        self._read_replay = reader(AskedReplay)
        self._read_discard = reader(AskedLetters)

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route(_REPLAY_PATH, self._answer_replay, methods=["POST"]),
            Route(_DISCARD_PATH, self._answer_discard, methods=["POST"]),
        ]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoints say about themselves."""
        return [
            page_operation(
                "post",
                _REPLAY_PATH,
                "replayDeadLetters",
                "Send dead letters again, or a corrected one.",
                Replayed,
                body=AskedReplay,
            ),
            page_operation(
                "post",
                _DISCARD_PATH,
                "discardDeadLetters",
                "Delete dead letters for good.",
                Discarded,
                body=AskedLetters,
            ),
        ]

    async def _answer_replay(self, request: Request) -> Response:
        asked = self._read_replay(await body_of(request, _MOST_BYTES))
        async with self._queue.opened(read_only=False) as queue:
            try:
                done = await (self._replay(queue, asked) if asked.event is None else self._correct(queue, asked))
            except QueueFullError as error:
                raise _full(error) from None
            finally:
                self._readings.forget()
        return answer(done, self._redactor)

    async def _answer_discard(self, request: Request) -> Response:
        asked = self._read_discard(await body_of(request, _MOST_BYTES))
        async with self._queue.opened(read_only=False) as queue:
            try:
                chosen = await selected(queue.dead_letters, asked)
                count = await queue.dead_letters.discard(DeadLetterFilter(chosen.ids)) if chosen.ids else 0
            except QueueFullError as error:
                raise _full(error) from None
            finally:
                self._readings.forget()
        message = f"{counted(count, 'dead letter')} discarded."
        return answer(Discarded(discarded=count, next=chosen.next, message=message), self._redactor)

    async def _replay(self, queue: Queue, asked: AskedReplay) -> Replayed:
        if asked.id:
            raise PageError(400, "invalid_request", "With an id there must be its corrected event.")
        chosen = await selected(queue.dead_letters, asked)
        found = await queue.dead_letters.read(chosen.ids)
        report = await self._replay_all(queue, found)
        is_sent_here = all(self._accounts.is_sent_here(kept.letter.account) for kept in found)
        return replayed(report, len(chosen.ids) - len(found), chosen.next, is_sent_here=is_sent_here)

    async def _replay_all(self, queue: Queue, found: Sequence[KeptDeadLetter]) -> ReplayReport:
        """Queue dead letters again, account by account."""
        by_account: dict[str, list[int]] = {}
        for kept in found:
            by_account.setdefault(kept.letter.account, []).append(kept.id)
        run, numbers, report = secrets.randbits(62), itertools.count(1), ReplayReport()
        for account, ids in by_account.items():
            destination = self._accounts.destination(account)
            if destination is None:
                report.counts["of another account"] += len(ids)
                continue
            await replay_letters(
                queue.dead_letters,
                ids,
                destination,
                account,
                report=report,
                next_token=lambda: Token(run, next(numbers)),
                batch_size=self._options.batch_size,
            )
            self._accounts.wake(account)
        return report

    async def _correct(self, queue: Queue, asked: AskedReplay) -> Replayed:
        if asked.ids or asked.group:
            raise PageError(400, "invalid_request", "A corrected event is that of one dead letter: name its id alone.")
        check_ids([asked.id])
        event = _event(asked.event or "")
        found = await queue.dead_letters.read([asked.id])
        if not found:
            raise PageError(404, "no_such_letter", f"There is no dead letter {asked.id} any more.")
        kept = found[0]
        account = kept.letter.account
        destination = self._correctable(kept)
        if kept.letter.reason != "unreadable" and _sorted(event) == _sorted(kept.letter.event):
            # Nothing is corrected, and its own dead letter would make it a duplicate.
            report = await self._replay_all(queue, [kept])
            return replayed(report, 0, None, is_sent_here=self._accounts.is_sent_here(account))
        correction = await correct(
            *(queue, destination, kept, event), oldest=self._oldest(), batch_size=self._options.batch_size
        )
        self._accounts.wake(account)
        return corrected(correction, asked.id, is_sent_here=self._accounts.is_sent_here(account))

    def _correctable(self, kept: KeptDeadLetter) -> Destination:
        """Return where a corrected event is sent. Raises PageError if that is not known, or if a secret is masked."""
        destination = self._accounts.destination(kept.letter.account)
        if destination is None:
            told = "The settings of this account are not part of the configuration."
            raise PageError(409, "unknown_account", told)
        if has_secret(kept.letter.event or b"", [self._redactor, destination.redactor]):
            told = "The event holds a secret, which is masked on the page. Correct its source and deliver it."
            raise PageError(409, "has_secret", told)
        return destination

    def _oldest(self) -> str | None:
        if self._options.allow_old:
            return None
        return f"{self._clock.now() - timedelta(days=self._options.keep_ids):%Y-%m-%d}"


def _event(text: str) -> bytes:
    """Return a corrected event on one line. Raises PageError."""
    try:
        # Within a string of JSON there is no line break as it is, so these are between tokens.
        event = text.encode().replace(b"\r", b" ").replace(b"\n", b" ")
        if len(event) > MOST_TEXT_BYTES:
            raise _unreadable(f"is larger than {MOST_TEXT_BYTES:,} bytes")
        # It knows the line and the column.
        readable_event(text)
        read_event(event)
    except UnicodeEncodeError:
        raise _unreadable("holds half of a surrogate pair, and not a character") from None
    except UnreadableError as error:
        raise _unreadable(f"cannot be read: {error.message}") from None
    return event


def _unreadable(message: str) -> PageError:
    return PageError(400, "invalid_event", f"The event {message}.", [Place(place="event", message=message)])


def _sorted(text: bytes | None) -> bytes | None:
    """Return an event in one form, to compare: in Python, true is equal to 1. None if it cannot be read."""
    try:
        return None if text is None else msgspec.json.encode(msgspec.json.decode(text), order="sorted")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _full(error: QueueFullError) -> PageError:
    return PageError(503, "outbox_full", f"The outbox cannot be written: {error}; {error.advice}.")

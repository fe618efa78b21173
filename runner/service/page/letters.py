"""The endpoints that show dead letters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from starlette.routing import Route

from ...queues.contract import DeadLetterFilter
from .letter_selection import LARGEST_ID, REASONS, check_ids, ids_of_group
from .messages import PageError, answer
from .operation import page_operation
from .shown_letters import LetterShown, LettersShown, shown_group, shown_letter, summary

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from ....definitions import DestinationDefinition, Redactor
    from ...queues.contract import DeadLetters, Reason
    from ..operations import Operation
    from .known_accounts import KnownAccounts
    from .watched_queue import WatchedQueue

PATH = "/page/api/dead-letters"

_MOST_GROUPS = 200
_MOST_LETTERS = 100
_LETTERS = 50
_NUMBER = re.compile(r"[0-9]{1,19}")


class Letters:
    """Shows dead letters in groups, in a list, and one by one.

    The query of the list: `reason` and `group` (a key of an earlier answer) select, `before` is an ID to continue with,
    `limit` the number of letters. With `before`, the groups are left out.
    """

    def __init__(
        self, queue: WatchedQueue, accounts: KnownAccounts, definition: DestinationDefinition, redactor: Redactor
    ) -> None:
        self._queue = queue
        self._accounts = accounts
        self._definition = definition
        self._redactor = redactor

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route(PATH, self._answer_list, methods=["GET"]),
            Route(f"{PATH}/{{id}}", self._answer_one, methods=["GET"]),
        ]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoints say about themselves."""
        return [
            page_operation("get", PATH, "listDeadLetters", "List dead letters, and groups of them.", LettersShown),
            page_operation(
                "get",
                f"{PATH}/{{id}}",
                "readDeadLetter",
                "Show a dead letter.",
                LetterShown,
                path_parameters={"id": "The ID of the dead letter."},
            ),
        ]

    async def _answer_list(self, request: Request) -> Response:
        query = request.query_params
        reason, group = query.get("reason", ""), query.get("group", "")
        if reason and reason not in REASONS:
            raise PageError(400, "invalid_request", f"The reason is one of {', '.join(REASONS)}.")
        before = _number(query.get("before", ""), LARGEST_ID)
        limit = _number(query.get("limit", ""), _LETTERS)
        async with self._queue.opened() as queue:
            shown = await self._list(
                queue.dead_letters,
                cast("Reason", reason) if reason else None,
                group,
                before,
                min(limit, _MOST_LETTERS),
                has_groups="before" not in query,
            )
        return answer(shown, self._redactor)

    async def _list(
        self, letters: DeadLetters, reason: Reason | None, group: str, before: int, limit: int, *, has_groups: bool
    ) -> LettersShown:
        groups = await letters.groups(DeadLetterFilter()) if has_groups else []
        counts: dict[str, int] = {}
        for each in groups:
            counts[each.reason] = counts.get(each.reason, 0) + each.count
        ids = await (ids_of_group(letters, group) if group else letters.ids(DeadLetterFilter(reason=reason)))
        older = [number for number in ids if number < before]
        some = older[len(older) - limit :] if len(older) > limit else older
        found = await letters.read(some)
        chosen = [each for each in groups if reason is None or each.reason == reason]
        return LettersShown(
            counts=counts,
            groups=[shown_group(each) for each in chosen[:_MOST_GROUPS]],
            groups_left_out=max(0, len(chosen) - _MOST_GROUPS),
            letters=[summary(kept, self._definition) for kept in reversed(found)],
            next=some[0] if len(older) > len(some) else None,
        )

    async def _answer_one(self, request: Request) -> Response:
        text = request.path_params["id"]
        if not _NUMBER.fullmatch(text):
            raise PageError(400, "invalid_request", "The ID of a dead letter is a number.")
        number = int(text)
        check_ids([number])
        async with self._queue.opened() as queue:
            found = await queue.dead_letters.read([number])
        if not found:
            raise PageError(404, "no_such_letter", f"There is no dead letter {number} any more.")
        kept = found[0]
        account = kept.letter.account
        destination = self._accounts.destination(account)
        redactors = [self._redactor, *([] if destination is None else [destination.redactor])]
        is_sent_here = self._accounts.is_sent_here(account)
        shown = shown_letter(kept, self._definition, destination, redactors, is_sent_here=is_sent_here)
        return answer(shown, self._redactor)


def _number(text: str, default: int) -> int:
    """Return a number of a query. Raises PageError."""
    if not text:
        return default
    if not _NUMBER.fullmatch(text) or int(text) == 0:
        raise PageError(400, "invalid_request", f'"{text[:40]}" in the query is not a number from 1.')
    return int(text)

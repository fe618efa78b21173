"""The address of a topic: `kafka://broker:9092,other:9092/topic?group=name`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from ....definitions import Problem, SetupError, nearest, quoted
from ...configuration.kafka_options import OPTIONS, option_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEME = "kafka://"
_OWN = ("group", "start", "lost", "from", "to", "accounts")
_BROKER = re.compile(r"(?:[A-Za-z0-9_.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_OFFSETS = re.compile(r"\d{1,9}:\d{1,18}(?:,\d{1,9}:\d{1,18})*")
_HEADER = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MOST_LETTERS = 8192
_GROUP_LETTERS = 249


@dataclass(frozen=True, slots=True)
class Bound:
    """Where reading begins or ends: at an end of the topic, at a time (ms since 1970), or at offsets by partition."""

    end: str = ""
    time: int | None = None
    offsets: Mapping[int, int] = field(default_factory=dict)


EARLIEST, LATEST = Bound("earliest"), Bound("latest")


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """A topic, and how it is read.

    - `group`: the consumer group, which also names the checkpoints.
    - `start`: where a partition begins that was never read.
    - `continues`: whether to continue, with the next event that there is, where events are lost.
    - `begin`, `end`: the range of a backfill; None for all that comes. `range` is how it was written.
    - `accounts`: the header that names the account of each message; empty if all are of one account.
    - `options`: options of the client.
    """

    brokers: str
    topic: str
    group: str = ""
    start: Bound = EARLIEST
    continues: bool = False
    begin: Bound | None = None
    end: Bound | None = None
    range: str = ""
    accounts: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The address for people, without options."""
        return f"{SCHEME}{self.brokers}/{self.topic}"


def read_address(text: str, place: str, *, is_read: bool = True) -> KafkaAddress:
    """Read the address of a topic that is read, or published to. Raises SetupError, which never repeats a secret."""
    if not text.startswith(SCHEME) or len(text) > _MOST_LETTERS:
        shown = quoted(text.partition(":")[0][:20])
        raise SetupError.of([Problem(place, f"is not the address of a topic ({shown}); {_FORM}")])
    parts = urlsplit(text)
    brokers, topic = parts.netloc, unquote(parts.path.removeprefix("/"))
    if "@" in brokers:
        advice = "has a user or a password in it; use sasl.username, and sasl.password.env for the variable's name"
        raise SetupError.of([Problem(place, advice)])
    problems: list[Problem] = []
    if not brokers or not all(map(_BROKER.fullmatch, brokers.split(","))):
        problems.append(Problem(place, f"names no broker, or one that is not host:port; {_FORM}"))
    if not _TOPIC.fullmatch(topic) or topic in {".", ".."}:
        problems.append(Problem(place, f"names no topic; {_FORM}"))
    given: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in given:
            problems.append(Problem(f"{place} {name}", "is given twice"))
        given[name] = value
    own = {name: given.pop(name) for name in _OWN if name in given}
    if not is_read:
        problems += [
            Problem(f"{place} {name}", "is for topics that are read (--from)") for name in own if name != "accounts"
        ]
    problems += _option_problems(given, place)
    address = KafkaAddress(
        brokers,
        topic,
        group=_group(own, place, problems) if is_read else "",
        start=_bound(own, "start", place, problems) or EARLIEST,
        continues=_continues(own, place, problems),
        begin=_bound(own, "from", place, problems),
        end=_bound(own, "to", place, problems),
        range=f"{own.get('from', '')}..{own.get('to', '')}" if own.keys() & {"from", "to"} else "",
        accounts=_accounts(own, place, problems),
        options=given,
    )
    if address.start.offsets:
        problems.append(Problem(f"{place} start", "is earliest, latest or a time; offsets are for from and to"))
    if problems:
        raise SetupError.of(problems)
    return address


_FORM = "write kafka://broker:9092/topic?group=name"


def _option_problems(given: Mapping[str, str], place: str) -> list[Problem]:
    known = (*_OWN, *OPTIONS)
    for name in given:
        if name not in OPTIONS and (hint := nearest(name, _OWN)):
            return [Problem(f"{place} {name}", f"is not known{hint}; there are {', '.join(known[: len(_OWN)])}")]
    return [*option_problems(given, f"{place} ")]


def _group(own: Mapping[str, str], place: str, problems: list[Problem]) -> str:
    group = own.get("group", "")
    is_range = "from" in own or "to" in own
    if not group and not is_range:
        problems.append(Problem(f"{place} group", "is missing: it names the consumer group, and the checkpoints"))
    if len(group) > _GROUP_LETTERS or not group.isprintable():
        problems.append(Problem(f"{place} group", f"is not a name of up to {_GROUP_LETTERS} letters"))
    return group


def _continues(own: Mapping[str, str], place: str, problems: list[Problem]) -> bool:
    lost = own.get("lost", "stop")
    if lost not in {"stop", "continue"}:
        problems.append(Problem(f"{place} lost", "is stop or continue: what to do where events are lost"))
    return lost == "continue"


def _accounts(own: Mapping[str, str], place: str, problems: list[Problem]) -> str:
    header = own.get("accounts", "")
    if "accounts" in own and not _HEADER.fullmatch(header):
        problems.append(Problem(f"{place} accounts", "is the name of a header: letters, digits, dots and dashes"))
    return header


def _bound(own: Mapping[str, str], name: str, place: str, problems: list[Problem]) -> Bound | None:
    """Return an end of the topic, a time, or offsets; None if it is not given, or after adding a problem."""
    text = own.get(name)
    if text is None:
        return None
    if text in {"earliest", "latest"}:
        return Bound(text)
    if _OFFSETS.fullmatch(text):
        pairs = (pair.split(":") for pair in text.split(","))
        return Bound(offsets={int(partition): int(offset) for partition, offset in pairs})
    try:
        # A plus in a query is a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        advice = "is earliest, latest, a time with its zone (2026-11-01T00:00:00Z), or offsets (0:1200,1:900)"
        problems.append(Problem(f"{place} {name}", advice))
        return None
    return Bound(time=int(moment.timestamp() * 1000))

"""Write events.ndjson, invented Segment events of many kinds, and the tables of README.md that count them.

Each kind carries the fate that its events must meet, so the counts are computed here and can never drift. The seed is
fixed and no clock is read: every run writes the same bytes.
"""

from __future__ import annotations

import json
import math
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segment_calls import (
    CITIES,
    Dice,
    Event,
    Occasion,
    alias,
    audience,
    audience_track,
    computed_trait,
    group,
    identify,
    milliseconds,
    page,
    rfc3339,
    screen,
    track,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

FOLDER = Path(__file__).parent
SEED = 20260304
START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
INDIA = timezone(timedelta(hours=5, minutes=30))
NEWFOUNDLAND = timezone(-timedelta(hours=3, minutes=30))
BATCH_EVENTS = 500
BATCH_BYTES = 1_000_000
ORDER_SHARDS = 16
LINE_BYTES = 64_000
BLANK_LINE_AT = 100
ABSENT = object()
"""In the fields of a kind: the event does not have this field at all."""


def compact(event: Event) -> bytes:
    """Write a line as JavaScript does; the library for Python puts spaces in and escapes what is not ASCII."""
    python = event["context"].get("library", {}).get("name") == "analytics-python"
    return json.dumps(event, ensure_ascii=python, separators=None if python else (",", ":")).encode()


def as_latin1(event: Event) -> bytes:
    """Write a line with one word that is not UTF-8, as an old exporter does."""
    return json.dumps(event, ensure_ascii=False).encode().replace("Zürich".encode(), "Zürich".encode("latin-1"))


class Fate(StrEnum):
    """What must happen to an event when no subscriptions are configured; the words are in README.md."""

    TRACK = "delivered by track"
    IDENTIFY = "delivered by identify"
    DUPLICATE = "delivered by track, discarded by Kable as a duplicate"
    INTEGRATIONS = "skipped: integrations"
    NOT_SUBSCRIBED = "skipped: not_subscribed"
    UNKNOWN_TYPE = "skipped: unknown_type"
    UNREADABLE = "dead_lettered: unreadable"
    REJECTED = "dead_lettered: rejected"


@dataclass(frozen=True)
class Kind:
    """Events that are alike: how many, their fate, the call that makes one, and what is changed in it.

    `fields` replaces fields of the call; a function is asked for each event. `write` makes the line.
    """

    name: str
    count: int
    fate: Fate
    make: Callable[[Occasion], Event] = track
    fields: Mapping[str, Any] = field(default_factory=dict)
    write: Callable[[Event], bytes] = compact

    def line(self, occasion: Occasion) -> bytes:
        """Make one line."""
        event = self.make(occasion)
        for name, value in self.fields.items():
            if value is ABSENT:
                event.pop(name, None)
            else:
                event[name] = value(occasion) if callable(value) else value
        return self.write(event)


def integrations(**flags: Any) -> Event:
    """Give the fields of a kind that differs in its integrations object alone."""
    return {"integrations": flags}


def timestamp(write: Callable[[datetime], Any]) -> Event:
    """Give the fields of a kind that differs in the form of its timestamp alone."""
    return {"timestamp": lambda occasion: write(occasion.moment)}


def nested(depth: int) -> Event:
    """Give an object with objects inside each other."""
    return {"level": depth, "inner": nested(depth - 1) if depth else None}


UNICODE = {
    "größe": "XL",
    "絵文字": "👩‍👩‍👧‍👦 🏳️‍🌈 🇳🇴",
    "اتجاه": "من اليمين إلى اليسار",
    "שפה": "עברית",
    "combining": "e\u0301 a\u0308",
    "astral": "\U0001d4a6 𠮷野家",
    "escapes": 'tab\there, "quotes", back\\slash, line\nbreak, null \u0000',
}
NUMBERS = {
    "tiny": 1e-7,
    "huge": 1e21,
    "beyond_javascript": 9_007_199_254_740_993,
    "largest_64_bit": 18_446_744_073_709_551_615,
    "most_negative": -9_223_372_036_854_775_808,
    "negative": -0.5,
    "decimal": 0.1,
    "zero": 0,
}
NULLS = {"coupon": None, "discount": {"code": None, "steps": [None, 1]}, "amount": 12}
SEPARATORS = {"note": "line\u2028and paragraph\u2029separator and next line\u0085, which end no line of NDJSON"}
OPTIONS = {"Actions Amplitude": {"session_id": 1772600767890}, "Mixpanel": False}

# fmt: off
KINDS = (
    Kind("track: usage (API calls, orders, files, messages …)", 390, Fate.TRACK),
    Kind("track: Engage's `Audience Entered` and `Audience Exited`", 14, Fate.TRACK, audience_track),
    Kind("track: letters, scripts and emoji of many languages", 12, Fate.TRACK, fields={"properties": UNICODE}),
    Kind("track: U+2028, U+2029 and U+0085 unescaped", 2, Fate.TRACK, fields={"properties": SEPARATORS},
         write=lambda event: json.dumps(event, ensure_ascii=False).encode()),
    Kind("track: big and small numbers", 10, Fate.TRACK, fields={"properties": NUMBERS}),
    Kind("track: properties that are null", 10, Fate.TRACK, fields={"properties": NULLS}),
    Kind("track: objects twelve deep", 4, Fate.TRACK, fields={"properties": nested(12)}),
    Kind("track: `properties` is `{}`", 4, Fate.TRACK, fields={"properties": {}}),
    Kind("track: `properties` is null: a usage event without data", 3, Fate.TRACK, fields={"properties": None}),
    Kind("track: no `properties`: a usage event without data", 3, Fate.TRACK, fields={"properties": ABSENT}),
    Kind("track: `userId` is an integer: billed to its digits", 16, Fate.TRACK,
         fields={"userId": lambda occasion: occasion.dice.between(1, 9_007_199_254_740_991)}),
    Kind("track: about 30 KB", 1, Fate.TRACK,
         fields={"properties": {"rows": [{"id": row, "city": CITIES[row % 6], "ok": True} for row in range(720)]}}),

    Kind("timestamp: RFC 3339 with Z, no fraction", 12, Fate.TRACK,
         fields=timestamp(lambda moment: rfc3339(moment, 0))),
    Kind("timestamp: RFC 3339 with a fraction of 1 to 9 digits", 18, Fate.TRACK,
         fields={"timestamp": lambda occasion: rfc3339(occasion.moment, occasion.nth % 9 + 1)}),
    Kind("timestamp: RFC 3339, offset +05:30", 8, Fate.TRACK,
         fields=timestamp(lambda moment: rfc3339(moment.astimezone(INDIA)))),
    Kind("timestamp: RFC 3339, offset -03:30, no fraction", 8, Fate.TRACK,
         fields=timestamp(lambda moment: rfc3339(moment.astimezone(NEWFOUNDLAND), 0))),
    Kind("timestamp: ISO 8601 without a zone, which is UTC", 8, Fate.TRACK,
         fields=timestamp(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}")),
    Kind("timestamp: date, `2026-03-04`", 6, Fate.TRACK, fields=timestamp(lambda moment: f"{moment:%Y-%m-%d}")),
    Kind("timestamp: basic date, `20260304`", 6, Fate.TRACK, fields=timestamp(lambda moment: f"{moment:%Y%m%d}")),
    Kind("timestamp: basic form, `20260304T050607Z`", 6, Fate.TRACK,
         fields=timestamp(lambda moment: f"{moment:%Y%m%dT%H%M%SZ}")),
    Kind("timestamp: epoch seconds, number", 6, Fate.TRACK, fields=timestamp(lambda moment: int(moment.timestamp()))),
    Kind("timestamp: epoch seconds, text", 6, Fate.TRACK,
         fields=timestamp(lambda moment: str(int(moment.timestamp())))),
    Kind("timestamp: epoch milliseconds, number", 6, Fate.TRACK, fields=timestamp(milliseconds)),
    Kind("timestamp: epoch milliseconds, text", 6, Fate.TRACK,
         fields=timestamp(lambda moment: str(milliseconds(moment)))),

    Kind("integrations: absent", 8, Fate.TRACK, fields={"integrations": ABSENT}),
    Kind("integrations: `{}`", 8, Fate.TRACK, fields=integrations()),
    Kind('integrations: `{"All": true}`', 8, Fate.TRACK, fields=integrations(All=True)),
    Kind('integrations: `{"All": false, "Kable": true}`', 8, Fate.TRACK, fields=integrations(All=False, Kable=True)),
    Kind('integrations: `{"Kable": {"option": 1}}`, options count as true', 4, Fate.TRACK,
         fields=integrations(Kable={"option": 1})),
    Kind('integrations: `{"All": false, "Kable": {"option": 1}}`', 4, Fate.TRACK,
         fields=integrations(All=False, Kable={"option": 1})),
    Kind("integrations: flags of other destinations only", 6, Fate.TRACK, fields=integrations(**OPTIONS)),
    Kind('integrations: `{"kable": false}`, no effect: flags are case sensitive', 4, Fate.TRACK,
         fields=integrations(kable=False)),
    Kind('integrations: `{"All": false}`', 10, Fate.INTEGRATIONS, fields=integrations(All=False)),
    Kind('integrations: `{"Kable": false}`', 8, Fate.INTEGRATIONS, fields=integrations(Kable=False)),
    Kind('integrations: `{"All": true, "Kable": false}`', 4, Fate.INTEGRATIONS,
         fields=integrations(All=True, Kable=False)),
    Kind('integrations: `{"All": false, "kable": true}`, case sensitive again', 3, Fate.INTEGRATIONS,
         fields=integrations(All=False, kable=True)),

    Kind("identify: Engage audience, entered or left", 60, Fate.IDENTIFY, audience),
    Kind("identify: Engage computed trait", 20, Fate.IDENTIFY, computed_trait),
    Kind("identify: ordinary, bills nobody", 80, Fate.NOT_SUBSCRIBED, identify),
    Kind("identify: `context.personas.computation_class` is null", 2, Fate.NOT_SUBSCRIBED, identify,
         {"context": {"personas": {"computation_class": None}}}),
    Kind("page", 80, Fate.NOT_SUBSCRIBED, page),
    Kind("screen", 40, Fate.NOT_SUBSCRIBED, screen),
    Kind("group", 30, Fate.NOT_SUBSCRIBED, group),
    Kind("alias", 10, Fate.NOT_SUBSCRIBED, alias),
    Kind("type is `pageview`, which Segment does not have", 2, Fate.UNKNOWN_TYPE, fields={"type": "pageview"}),
    Kind("no `type`", 1, Fate.REJECTED, fields={"type": ABSENT}),

    Kind("no `userId`, anonymous only", 2, Fate.REJECTED, fields={"userId": ABSENT, "anonymousId": "anon-1"}),
    Kind("`userId` is null", 1, Fate.REJECTED, fields={"userId": None}),
    Kind("`userId` is empty", 1, Fate.REJECTED, fields={"userId": ""}),
    Kind("`userId` is blank", 1, Fate.REJECTED, fields={"userId": "   "}),
    Kind("`userId` is true", 1, Fate.REJECTED, fields={"userId": True}),
    Kind("`userId` is an object", 1, Fate.REJECTED, fields={"userId": {"id": "cust_fox"}}),
    Kind("`userId` is a list", 1, Fate.REJECTED, fields={"userId": ["cust_fox"]}),
    Kind("`userId` is a fraction", 1, Fate.REJECTED, fields={"userId": 1024.5}),
    Kind("`userId` is `1.2345678901234568e29`, which may have lost digits", 1, Fate.REJECTED,
         fields={"userId": 1.2345678901234568e29}),
    Kind("Engage audience without `userId`", 1, Fate.REJECTED, audience, {"userId": ABSENT}),
    Kind("no `messageId`", 1, Fate.REJECTED, fields={"messageId": ABSENT}),
    Kind("`messageId` is null", 1, Fate.REJECTED, fields={"messageId": None}),
    Kind("no `timestamp`", 1, Fate.REJECTED, fields={"timestamp": ABSENT}),
    Kind('`timestamp` is `"2026"`', 1, Fate.REJECTED, fields={"timestamp": "2026"}),
    Kind("`timestamp` is `123`", 1, Fate.REJECTED, fields={"timestamp": 123}),
    Kind('`timestamp` is `"yesterday"`', 1, Fate.REJECTED, fields={"timestamp": "yesterday"}),
    Kind('`timestamp` is `"2026-02-30T00:00:00Z"`, no real moment', 1, Fate.REJECTED,
         fields={"timestamp": "2026-02-30T00:00:00Z"}),
    Kind("`properties` is a list", 1, Fate.REJECTED, fields={"properties": ["a", "b"]}),
    Kind("`properties` is text", 1, Fate.REJECTED, fields={"properties": "rows=12"}),
    Kind('integrations: `{"Kable": "no"}`', 1, Fate.REJECTED, fields=integrations(Kable="no")),
    Kind('integrations: `{"Kable": 0}`', 1, Fate.REJECTED, fields=integrations(Kable=0)),
    Kind("a line that was cut off", 1, Fate.UNREADABLE, write=lambda event: json.dumps(event)[:-60].encode()),
    Kind("a line that is JSON text", 1, Fate.UNREADABLE, write=lambda event: json.dumps(json.dumps(event)).encode()),
    Kind("a line that is a list", 1, Fate.UNREADABLE, write=lambda event: b"[%b]" % compact(event)),
    Kind("a line that is not UTF-8", 1, Fate.UNREADABLE, fields={"properties": {"city": "Zürich"}}, write=as_latin1),
    Kind("a line with `NaN`, which JSON does not have", 1, Fate.UNREADABLE, fields={"properties": {"ratio": math.nan}}),
)
# fmt: on
DUPLICATES = Kind("the line of an earlier track call once more, as a retry of an SDK sends it", 8, Fate.DUPLICATE)


@dataclass(frozen=True)
class Line:
    """One line of the file and the kind that it is of."""

    kind: Kind
    content: bytes


def make_lines() -> list[Line]:
    """Make all lines but the blank one, in the order of their moments."""
    dice = Dice(SEED)
    made: Counter[str] = Counter()
    moment = START
    lines: list[Line] = []
    for kind in dice.shuffled(each for each in KINDS for _ in range(each.count)):
        moment += timedelta(microseconds=dice.between(50_000, 240_000_000))
        lines.append(Line(kind, kind.line(Occasion(dice, moment, made[kind.name]))))
        made[kind.name] += 1
    originals = dice.shuffled(index for index, line in enumerate(lines) if line.kind.fate is Fate.TRACK)
    # From the back, so one insertion does not move the next original.
    for index in sorted(originals[: DUPLICATES.count], reverse=True):
        lines.insert(index + dice.between(1, 400), Line(DUPLICATES, lines[index].content))
    return lines


def requests(lines: Iterable[Line], *fates: Fate) -> int:
    """Count the requests that carry the events of some fates, which share an action."""
    sizes = [len(line.content) for line in lines if line.kind.fate in fates]
    batches = [sizes[start : start + BATCH_EVENTS] for start in range(0, len(sizes), BATCH_EVENTS)]
    if any(sum(batch) > BATCH_BYTES for batch in batches):
        raise ValueError(
            f"a batch may pass {BATCH_BYTES:,} bytes: the number of events alone does not give the number of requests"
        )
    return len(batches)


def shards(lines: Iterable[Line], fate: Fate) -> list[list[Line]]:
    """Divide the events of a fate by the order key of their action, the customer: a batch is of one shard."""
    divided: dict[int, list[Line]] = {}
    for line in lines:
        if line.kind.fate is fate:
            customer = json.loads(line.content)["userId"]
            divided.setdefault(zlib.crc32(customer.encode()) % ORDER_SHARDS, []).append(line)
    return list(divided.values())


def totals(lines: Sequence[Line]) -> dict[str, int]:
    """Compute what the report of a delivery must say, and what the sandbox then holds."""
    by_fate = Counter(line.kind.fate for line in lines)
    delivered = by_fate[Fate.TRACK] + by_fate[Fate.DUPLICATE] + by_fate[Fate.IDENTIFY]
    skipped = (Fate.INTEGRATIONS, Fate.NOT_SUBSCRIBED, Fate.UNKNOWN_TYPE)
    by_track = requests(lines, Fate.TRACK, Fate.DUPLICATE)
    by_identify = sum(requests(shard, Fate.IDENTIFY) for shard in shards(lines, Fate.IDENTIFY))
    return {
        "read": len(lines),
        **{fate.value: by_fate[fate] for fate in skipped},
        "delivered": delivered,
        **{fate.value: by_fate[fate] for fate in (Fate.UNREADABLE, Fate.REJECTED)},
        "dead_lettered: refused": 0,
        "dead_lettered: exhausted": 0,
        "unsent": 0,
        "duplicates": by_fate[Fate.DUPLICATE],
        "ledger": delivered - by_fate[Fate.DUPLICATE],
        "requests": by_track + by_identify,
    }


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a Markdown table."""
    cells = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in cells)


def between_markers(text: str, name: str, content: str) -> str:
    """Put content in the place that two comments of a page mark."""
    start, end = f"<!-- {name}: written by make_events.py -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"the page lacks the comments {start} and {end}")
    return f"{before}{start}\n{content}\n{end}{after}"


def main() -> None:
    """Write both files beside this one."""
    lines = make_lines()
    content = [line.content for line in lines]
    if any(len(line) > LINE_BYTES or b"\n" in line for line in content):
        raise ValueError(f"an event is one line of at most {LINE_BYTES:,} bytes")
    content.insert(BLANK_LINE_AT, b"")
    (FOLDER / "events.ndjson").write_bytes(b"".join(line + b"\n" for line in content))
    readme = FOLDER / "README.md"
    kinds = table(
        ("kind", "how many", "what happens to them"),
        ((kind.name, kind.count, kind.fate.value) for kind in (*KINDS, DUPLICATES)),
    )
    text = between_markers(readme.read_text("utf-8"), "kinds", kinds)
    text = between_markers(text, "totals", table(("count", "value"), totals(lines).items()))
    readme.write_bytes(text.encode())
    print(f"{len(lines):,} events in {readme.with_name('events.ndjson').name}, counted in {readme.name}")


if __name__ == "__main__":
    main()

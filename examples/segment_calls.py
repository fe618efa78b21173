"""Calls as Segment's sources send them, about invented people: what make_events.py fills its kinds with."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Event = dict[str, Any]
T = TypeVar("T")


class Dice:
    """Random choices that every Python makes alike: `Random.random` is the one method whose sequence is promised."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - example data holds no secret

    def between(self, low: int, high: int) -> int:
        """Choose an integer, both ends included."""
        return low + int(self._random.random() * (high - low + 1))

    def amount(self, low: float, high: float) -> float:
        """Choose an amount with two decimals."""
        return round(low + (high - low) * self._random.random(), 2)

    def pick(self, choices: Sequence[T]) -> T:
        """Choose one of some things."""
        return choices[self.between(0, len(choices) - 1)]

    def shuffled(self, items: Iterable[T]) -> list[T]:
        """Give the things in random order."""
        return [item for _, item in sorted(((self._random.random(), item) for item in items), key=lambda pair: pair[0])]

    def uuid(self) -> str:
        """Make a random UUID."""
        return str(uuid.UUID(int=sum(self.between(0, 0xFFFF) << 16 * part for part in range(8)), version=4))


@dataclass(frozen=True)
class Person:
    """Somebody who uses an invented product, and the customer who pays for their usage."""

    user_id: str
    name: str
    company: str
    locale: str
    timezone: str


@dataclass(frozen=True)
class Source:
    """Where calls come from: their context, how their message ids begin, and the other fields that they all have."""

    context: Callable[[Dice, Person], Event]
    message_prefix: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    knows_visitors: bool = True
    """Whether its calls carry an anonymousId."""


@dataclass(frozen=True)
class Occasion:
    """What a call is made of: chance, its moment, and which one of its kind it is, counted from 0."""

    dice: Dice
    moment: datetime
    nth: int


PEOPLE = (
    Person("cust_quillfeather", "Zoë Müller-O'Neill", "Quillfeather Ltd", "en-GB", "Europe/London"),
    Person("cust_bluebarge", "Ana García Núñez", "Blue Barge Freight", "es-ES", "Europe/Madrid"),
    Person("10f3b2a4-5c6d-4e7f-8a9b-0c1d2e3f4a5b", "Ørjan Åsberg", "Fjordprøve AS", "nb-NO", "Europe/Oslo"),
    Person("billing@tokyo.example.com", "山田 太郎", "例え商事株式会社", "ja-JP", "Asia/Tokyo"),
    Person("cust_seoul_77", "김민준", "보기 주식회사", "ko-KR", "Asia/Seoul"),
    Person("cust_cairo", "محمد الفارسي", "شركة المثال", "ar-EG", "Africa/Cairo"),
    Person("cust_haifa", "שרה כהן", 'דוגמה בע"מ', "he-IL", "Asia/Jerusalem"),
    Person("cust_hanoi", "Nguyễn Thị Hoa", "Công ty Ví Dụ", "vi-VN", "Asia/Ho_Chi_Minh"),
    Person("клиент-0042", "Анна Ковалёва", "Завод «Пример»", "ru-RU", "Asia/Yekaterinburg"),
    Person("cust_pune", "प्रिया शर्मा", "उदाहरण प्रा. लि.", "hi-IN", "Asia/Kolkata"),
    Person("cust_fox", "🦊 Fox Tester", "Emoji & Söhne 🚀 GmbH", "de-DE", "Europe/Berlin"),
    Person("cust_stjohns", "Jo Public", 'The "Quoted" \\ Company', "en-CA", "America/St_Johns"),
)
USER_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
)
SERVER_LIBRARIES = (
    ("analytics-python", "2.3.3"),
    ("@segment/analytics-node", "2.2.1"),
    ("analytics-ruby", "2.5.0"),
    ("analytics-go", "3.3.0"),
    ("analytics-java", "3.5.2"),
    ("analytics-php", "3.8.1"),
)
PATHS = ("/", "/pricing", "/docs/api/usage", "/app/reports/77", "/価格", "/app/settings/billing")
CITIES = ("Zürich", "São Paulo", "東京", "القاهرة", "Łódź", "Reykjavík")
AUDIENCES = ("order_completed_last_30days", "trial_about_to_end", "high_volume_senders", "dormant_admins")


def milliseconds(moment: datetime) -> int:
    """Give a moment as a Unix time in milliseconds."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def rfc3339(moment: datetime, digits: int = 3) -> str:
    """Write a moment as RFC 3339 with so many digits of a second's fraction."""
    zone = moment.isoformat()[-len("+00:00") :].replace("+00:00", "Z")
    fraction = f"{moment.microsecond:06}789"[:digits]
    return f"{moment:%Y-%m-%dT%H:%M:%S}{'.' if digits else ''}{fraction}{zone}"


def in_browser(dice: Dice, person: Person) -> Event:
    """Give the context that analytics.js sends."""
    path = dice.pick(PATHS)
    context: Event = {
        "ip": f"203.0.113.{dice.between(1, 254)}",
        "library": {"name": "analytics.js", "version": dice.pick(("next-1.77.0", "next-1.79.1", "2.1.0"))},
        "locale": person.locale,
        "page": {
            "path": path,
            "referrer": dice.pick(("", "https://search.example.com/?q=usage+billing")),
            "search": dice.pick(("", "?utm_source=newsletter&utm_campaign=spring")),
            "title": f"{person.company} | Console",
            "url": f"https://app.example.com{path}",
        },
        "timezone": person.timezone,
        "userAgent": dice.pick(USER_AGENTS),
    }
    if context["page"]["search"]:
        context["campaign"] = {"name": "spring", "source": "newsletter"}
    return context


def on_iphone(dice: Dice, person: Person) -> Event:
    """Give the context that the library for iOS sends."""
    return {
        "app": {"name": "Meterly", "version": "4.12.1", "build": "4121", "namespace": "com.example.meterly"},
        "device": {"id": dice.uuid().upper(), "manufacturer": "Apple", "model": "iPhone16,2", "type": "ios"},
        "ip": f"203.0.113.{dice.between(1, 254)}",
        "library": {"name": "analytics-ios", "version": "4.1.8"},
        "locale": person.locale,
        "network": {
            "bluetooth": False,
            "carrier": dice.pick((None, "Example Mobile")),
            "cellular": True,
            "wifi": False,
        },
        "os": {"name": "iOS", "version": "18.3.1"},
        "screen": {"height": 932, "width": 430},
        "timezone": person.timezone,
    }


def on_android(dice: Dice, person: Person) -> Event:
    """Give the context that the library for Android sends."""
    return {
        "app": {"name": "Meterly", "version": "4.12.0", "build": 412, "namespace": "com.example.meterly"},
        "device": {"id": dice.uuid(), "manufacturer": "Example", "model": "Phone 9", "type": "android"},
        "instanceId": dice.uuid(),
        "library": {"name": "analytics-kotlin", "version": "1.19.1"},
        "locale": person.locale,
        "os": {"name": "Android", "version": "15"},
        "screen": {"density": 2.625, "height": 2424, "width": 1080},
        "timezone": person.timezone,
        "userAgent": "Dalvik/2.1.0 (Linux; U; Android 15; Phone 9)",
    }


def on_server(dice: Dice, person: Person) -> Event:
    """Give the context that a library for servers sends."""
    name, version = dice.pick(SERVER_LIBRARIES)
    context: Event = {"library": {"name": name, "version": version}}
    if dice.pick((True, False)):
        context |= {"groupId": f"grp_{person.user_id}", "ip": f"10.{dice.between(0, 255)}.{dice.between(0, 255)}.7"}
    return context


BROWSER = Source(in_browser, "ajs-next-", {"integrations": {}})
SERVER = Source(on_server, fields={"channel": "server", "version": "1"}, knows_visitors=False)
SOURCES = (BROWSER, BROWSER, Source(on_iphone), Source(on_android), SERVER, SERVER)


def engage(computation_class: str, key: str) -> Source:
    """Give Engage as a source, which puts what it computed into the context."""
    personas = {
        "computation_class": computation_class,
        "computation_id": f"aud_{key[:5]}",
        "computation_key": key,
        "namespace": "spa_example",
        "space_id": "spa_example",
    }
    return Source(lambda _dice, _person: {"personas": personas}, "personas_", {"integrations": {"All": True}}, False)


def call(occasion: Occasion, source: Source | None = None, **fields: Any) -> Event:
    """Make the fields that calls of every type have, as the source sends them; any of the sources by default."""
    dice, moment = occasion.dice, occasion.moment
    person, source = dice.pick(PEOPLE), source or dice.pick(SOURCES)
    visitor = {"anonymousId": dice.uuid()} if source.knows_visitors else {}
    return {
        **visitor,
        "context": source.context(dice, person),
        "messageId": f"{source.message_prefix}{dice.uuid()}",
        "originalTimestamp": rfc3339(moment - timedelta(milliseconds=dice.between(0, 900))),
        "receivedAt": rfc3339(moment + timedelta(milliseconds=dice.between(40, 4000))),
        "sentAt": rfc3339(moment),
        "timestamp": rfc3339(moment),
        "userId": person.user_id,
        **source.fields,
        **fields,
    }


def api_request(dice: Dice) -> Event:
    """Give the properties of a call to an invented API."""
    return {
        "endpoint": {
            "method": dice.pick(("GET", "POST", "DELETE")),
            "path": dice.pick(("/v2/messages", "/v2/search")),
            "region": dice.pick(("eu-west", "us-east", "ap-south")),
        },
        "status": dice.pick((200, 201, 404)),
        "latencyMs": dice.amount(0.4, 900),
        "responseBytes": dice.between(0, 2_000_000),
        "cached": dice.pick((True, False)),
    }


def order(dice: Dice) -> Event:
    """Give the properties of Segment's "Order Completed": a list of objects."""
    products: list[Event] = [
        {
            "product_id": f"p-{dice.between(1, 99):03}",
            "name": dice.pick(("Ünïcode mug ☕", "茶碗", "Field notebook", "כוס תה")),
            "price": dice.amount(1, 120),
            "quantity": dice.between(1, 9),
            "tags": ["gift", "fragile"][: dice.between(0, 2)],
        }
        for _ in range(dice.between(1, 4))
    ]
    total = round(sum(item["price"] * item["quantity"] for item in products), 2)
    currency = dice.pick(("EUR", "USD", "JPY"))
    return {
        "order_id": f"o-{dice.between(10_000, 99_999)}",
        "revenue": total,
        "currency": currency,
        "products": products,
    }


USAGE: tuple[tuple[str, Callable[[Dice], Event]], ...] = (
    ("API Request", api_request),
    ("API Request", api_request),
    ("Order Completed", order),
    ("Tokens Consumed", lambda dice: {"model": "small-1", "input": dice.between(1, 9000), "output": None}),
    ("File Stored", lambda dice: {"bytes": dice.between(1, 9_000_000_000), "name": f"Größe {dice.pick(CITIES)}.pdf"}),
    ("Message Sent", lambda dice: {"to": f"user{dice.between(1, 99)}@example.com", "text": "お元気ですか 👋🏽"}),
    ("Seats Changed", lambda dice: {"before": dice.between(1, 50), "after": dice.between(1, 50), "plan": "team"}),
    ("Report Exported", lambda dice: {"rows": dice.between(0, 100_000), "filters": {"city": dice.pick(CITIES)}}),
    ("Video Streamed", lambda dice: {"seconds": dice.amount(0, 7200), "qualities": ["720p", "1080p"], "live": False}),
)


def track(occasion: Occasion) -> Event:
    """Make a track call: the one that is usage."""
    event, properties = occasion.dice.pick(USAGE)
    return call(occasion, type="track", event=event, properties=properties(occasion.dice))


def audience_track(occasion: Occasion) -> Event:
    """Make Engage's other form of a membership, which is a track call like any."""
    key = occasion.dice.pick(AUDIENCES)
    event = occasion.dice.pick(("Audience Entered", "Audience Exited"))
    properties = {key: event == "Audience Entered", "audience_key": key}
    return call(occasion, engage("audience", key), type="track", event=event, properties=properties)


def audience(occasion: Occasion) -> Event:
    """Make the identify call by which Engage reports that somebody entered or left an audience."""
    key = occasion.dice.pick(AUDIENCES)
    return call(occasion, engage("audience", key), type="identify", traits={key: occasion.dice.pick((True, False))})


def computed_trait(occasion: Occasion) -> Event:
    """Make the identify call by which Engage reports a value that it computed."""
    traits: Event = occasion.dice.pick(
        ({"lifetime_value": 1204.5}, {"top_cities": ["Łódź", "東京"]}, {"logins_7days": occasion.nth})
    )
    return call(occasion, engage("computed_trait", next(iter(traits))), type="identify", traits=traits)


def identify(occasion: Occasion) -> Event:
    """Make an ordinary identify call, which bills nobody."""
    person = occasion.dice.pick(PEOPLE)
    address = {"city": occasion.dice.pick(CITIES), "postalCode": None}
    traits = {"name": person.name, "email": f"user{occasion.nth}@example.com", "company": {"name": person.company}}
    return call(occasion, type="identify", traits=traits | {"address": address, "createdAt": "2025-11-30"})


def page(occasion: Occasion) -> Event:
    """Make a page call; half of the visitors are not known."""
    name = occasion.dice.pick(("Pricing", "Docs", "料金"))
    event = call(occasion, BROWSER, type="page", name=name, properties={"path": "/pricing", "title": name})
    if occasion.nth % 2:
        event["userId"] = None
    return event


def screen(occasion: Occasion) -> Event:
    """Make a screen call."""
    source = occasion.dice.pick((Source(on_iphone), Source(on_android)))
    return call(occasion, source, type="screen", name="Usage", properties={"variation": "blue signup button"})


def group(occasion: Occasion) -> Event:
    """Make a group call."""
    person = occasion.dice.pick(PEOPLE)
    traits = {"name": person.company, "employees": occasion.dice.between(1, 9000), "plan": "enterprise"}
    return call(occasion, type="group", groupId=f"grp_{person.user_id}", traits=traits)


def alias(occasion: Occasion) -> Event:
    """Make an alias call."""
    return call(occasion, type="alias", previousId=occasion.dice.uuid())

"""Made-up events, with fixed ids and a fixed clock: the same in every run."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, Literal

from .errors import DefinitionError, TriggerError
from .mapping import compile_mapping
from .mapping.validation import is_directive
from .nearest import nearest
from .sample_values import sample_value
from .trigger import compile_trigger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .action import ActionDefinition
    from .input_field import InputField

EventType = Literal["track", "identify", "page", "screen", "group", "alias"]

_TYPE_IN_TRIGGER = re.compile(r"""type\s*=\s*["'](\w+)["']""")

_USER = "customer_42"
_ANONYMOUS = "8f2b6c1e-5a3d-4b7f-9c0e-1d2a3b4c5d6e"

_COMMON: dict[str, Any] = {
    "anonymousId": _ANONYMOUS,
    "userId": _USER,
    "messageId": "ajs-next-0f7c2d9a1b3e4c5d6f708192a3b4c5d6",
    "timestamp": "2026-03-04T05:06:07.890Z",
    "originalTimestamp": "2026-03-04T05:06:07.800Z",
    "sentAt": "2026-03-04T05:06:08.000Z",
    "receivedAt": "2026-03-04T05:06:08.090Z",
    "version": 2,
    "channel": "client",
    "context": {
        "active": True,
        "app": {"name": "Acme", "version": "3.1.4", "build": "314", "namespace": "com.acme.app"},
        "campaign": {"name": "spring", "source": "newsletter", "medium": "email", "term": "usage", "content": "top"},
        "device": {
            "id": "b5372db0-c21e-11e4-8dfc-aa07a5b093db",
            "advertisingId": "7a3cbea0-bdf5-11e4-8dfc-aa07a5b093db",
            "adTrackingEnabled": True,
            "manufacturer": "Apple",
            "model": "iPhone15,2",
            "name": "iPhone",
            "type": "ios",
            "token": "ff15bc0c20c4aa6cd50854ff165fd265c838e5405bfeb9571066395b8c9da449",
        },
        "groupId": "company_7",
        "ip": "203.0.113.7",
        "library": {"name": "analytics.js", "version": "npm:next-1.70.0"},
        "locale": "en-GB",
        "location": {"city": "London", "country": "United Kingdom", "latitude": 51.5, "longitude": -0.12},
        "network": {"bluetooth": False, "carrier": "Example Mobile", "cellular": True, "wifi": False},
        "os": {"name": "iOS", "version": "17.4"},
        "page": {
            "path": "/docs/billing",
            "referrer": "https://www.example.org/search",
            "search": "?q=usage",
            "title": "Billing",
            "url": "https://www.example.com/docs/billing?q=usage",
        },
        "screen": {"density": 3, "height": 852, "width": 393},
        "timezone": "Europe/London",
        "traits": {"email": "ada@example.com", "plan": "pro"},
        "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15",
    },
    "integrations": {},
}

_PERSON = {
    "id": _USER,
    "email": "ada@example.com",
    "name": "Ada Example",
    "firstName": "Ada",
    "lastName": "Example",
    "username": "ada",
    "phone": "+442079460123",
    "age": 36,
    "birthday": "1990-01-02",
    "createdAt": "2021-02-03T04:05:06Z",
    "title": "Engineer",
    "website": "https://ada.example.com",
    "avatar": "https://ada.example.com/face.png",
    "plan": "pro",
    "company": {"id": "company_7", "name": "Acme", "industry": "Software", "employee_count": 12, "plan": "pro"},
    "address": {
        "street": "1 High Street",
        "city": "London",
        "state": "London",
        "postalCode": "N1 9GU",
        "country": "UK",
    },
}
_AUDIENCE = {
    "computation_class": "audience",
    "computation_id": "aud_2XkPq7",
    "computation_key": "order_completed_last_30days",
    "namespace": "spa_9mQ",
    "space_id": "spa_9mQ",
}
_ORDER = {
    "order_id": "order_1001",
    "checkout_id": "checkout_2002",
    "total": 42.5,
    "revenue": 40.0,
    "value": 42.5,
    "price": 20.0,
    "quantity": 2,
    "currency": "USD",
    "coupon": "SPRING",
    "units": 7,
    "region": "eu",
    "email": "ada@example.com",
    "products": [
        {"product_id": "p_1", "sku": "SKU-1", "name": "Calls", "category": "API", "price": 20.0, "quantity": 2},
    ],
}
_PAGE = {**_COMMON["context"]["page"], "name": "Billing", "category": "Docs"}
_GROUP = {
    "id": "company_7",
    "name": "Acme",
    "email": "office@example.com",
    "industry": "Software",
    "employees": 12,
    "plan": "pro",
    "phone": "+442079460100",
    "website": "https://www.example.com",
    "createdAt": "2020-01-02T03:04:05Z",
    "address": _PERSON["address"],
}

_BY_TYPE: Mapping[str, dict[str, Any]] = {
    "track": {"event": "Order Completed", "properties": _ORDER},
    "identify": {"traits": {**_PERSON, "order_completed_last_30days": True}},
    "page": {"name": "Billing", "category": "Docs", "properties": _PAGE},
    "screen": {"name": "Billing", "category": "Docs", "properties": {"name": "Billing", "category": "Docs"}},
    "group": {"groupId": "company_7", "traits": _GROUP},
    "alias": {"previousId": _ANONYMOUS},
}

_NAMED: Mapping[str, dict[str, Any]] = {
    "track": {"event": "Example Event"},
    "page": {"name": "Example Page"},
    "screen": {"name": "Example Screen"},
    "group": {"groupId": "group_1"},
    "alias": {"previousId": "user_0"},
}

EVENT_TYPES: tuple[EventType, ...] = ("track", "identify", "page", "screen", "group", "alias")
"""The calls of Segment's spec."""


def event(type: EventType = "track", /, **changes: Any) -> dict[str, Any]:  # noqa: A002 - the field's word
    """Make a full event of one of Segment's six calls.

    `changes` are merged into it, object by object: `event("track", properties={"units": 3})` keeps the other
    properties. None takes a key out; a list takes the place of a list. An identify call comes from Engage: it carries
    `context.personas`.
    """
    if type not in _BY_TYPE:
        known = ", ".join(EVENT_TYPES)
        raise ValueError(f'there is no call "{type}"{nearest(type, EVENT_TYPES)}; the calls are {known}')
    made = copy.deepcopy({"type": type, **_COMMON, **_BY_TYPE[type]})
    if type == "identify":
        made["context"]["personas"] = copy.deepcopy(_AUDIENCE)
    return _merged(made, changes)


def example_events() -> dict[EventType, dict[str, Any]]:
    """Return a full event of each call, by its type."""
    return {call: event(call) for call in EVENT_TYPES}


def event_for(trigger: str) -> dict[str, Any]:
    """Make a full event that a trigger is for: one that matches, or else one of the type that it names."""
    try:
        matches = compile_trigger(trigger, is_published=True).matches
    except TriggerError:
        return event("track")
    full = [event(call) for call in EVENT_TYPES]
    named = _TYPE_IN_TRIGGER.findall(trigger)
    return next((one for one in full if matches(one)), next((one for one in full if one["type"] in named), full[0]))


def sample_event(call_type: str, action: ActionDefinition) -> dict[str, Any]:
    """Make an event of a type, with a value wherever a default mapping of the action looks for one."""
    event: dict[str, Any] = {
        "type": call_type,
        **_NAMED.get(call_type, {}),
        "userId": "user_1",
        "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
        "timestamp": "2026-03-04T05:06:07Z",
    }
    for key, field in action.fields.items():
        _fill(event, key, field, field.default)
    return event


def short_event_for(trigger: str, action: ActionDefinition) -> dict[str, Any]:
    """Make an event that a trigger matches, with little more than an action reads; a full one if that fails."""
    try:
        matches = compile_trigger(trigger, is_published=True).matches
    except TriggerError:
        return event("track")
    short = (sample_event(call, action) for call in EVENT_TYPES)
    return next((one for one in short if matches(one)), None) or event_for(trigger)


def _merged(value: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    for key, change in changes.items():
        if change is None:
            value.pop(key, None)
        elif isinstance(change, dict) and isinstance(value.get(key), dict):
            _merged(value[key], change)
        else:
            value[key] = copy.deepcopy(change)
    return value


def _fill(event: dict[str, Any], key: str, field: InputField, mapping: Any) -> None:
    """Put a value into the event wherever a mapping looks for one; within an object, a value for each property."""
    if isinstance(mapping, dict) and field.properties and not field.multiple and not is_directive(mapping):
        for name, inner in mapping.items():
            if name in field.properties:
                _fill(event, name, field.properties[name], inner)
        return
    for path in _paths(key, mapping):
        _put(event, path, sample_value(field))


def _paths(key: str, default: Any) -> Sequence[tuple[str, ...]]:
    if default is None:
        return ()
    try:
        return compile_mapping({key: default}).keys
    except DefinitionError:
        return ()


def _put(event: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Put a value at a path, unless something else is there or on the way."""
    at = event
    for part in path[:-1]:
        at = at.setdefault(part, {})
        if not isinstance(at, dict):
            return
    if path:
        at.setdefault(path[-1], value)

"""A small manifest in Segment's shape, to change in a test."""

from __future__ import annotations

from typing import Any


def field(**more: Any) -> dict[str, Any]:
    """Describe a field of an action, in every key that Segment writes."""
    return {
        "label": "Name",
        "description": "What happened.",
        "type": "string",
        "required": False,
        "multiple": False,
        "allowNull": False,
        "dynamic": False,
        "default": {"@path": "$.event"},
        "choices": None,
        "placeholder": None,
        "properties": None,
        "category": None,
        "depends_on": None,
        "readOnly": None,
        "hidden": None,
        "minimum": None,
        "maximum": None,
        "defaultObjectUI": None,
        "disabledInputMethods": None,
        "displayMode": None,
        "format": None,
        "additionalProperties": False,
        **more,
    }


def setting(**more: Any) -> dict[str, Any]:
    """Describe a setting, in every key that Segment writes."""
    return {
        "label": "API Key",
        "description": "The key.",
        "type": "password",
        "required": True,
        "multiple": False,
        "choices": None,
        "default": None,
        "depends_on": None,
        **more,
    }


def action(**more: Any) -> dict[str, Any]:
    """Describe an action that sends the name of a track event."""
    return {
        "title": "Send",
        "description": "Sends an event.",
        "platform": "cloud",
        "defaultSubscription": 'type = "track"',
        "hidden": False,
        "hasPerformBatch": False,
        "syncMode": None,
        "hooks": None,
        "dynamicFields": None,
        "fields": {
            "name": field(required=True),
            "units": field(type="integer", default={"@path": "$.properties.units"}),
        },
        **more,
    }


def preset(**more: Any) -> dict[str, Any]:
    """Describe a preset whose mapping holds the defaults, as Segment writes it."""
    return {
        "name": "All usage",
        "type": "automatic",
        "partnerAction": "send",
        "subscribe": 'type = "track"',
        "mapping": {"name": {"@path": "$.event"}, "units": {"@path": "$.properties.units"}},
        "eventSlug": None,
        **more,
    }


def manifest(**more: Any) -> dict[str, Any]:
    """Describe a destination with one setting, one action and one preset."""
    return {
        "slug": "actions-meter",
        "name": "Meter",
        "mode": "cloud",
        "description": "Counts.",
        "authentication": {"scheme": "custom", "fields": {"apiKey": setting()}},
        "audienceConfig": None,
        "actions": {"send": action()},
        "presets": [preset()],
        **more,
    }


def without_nulls(value: Any) -> Any:
    """Leave out what is null: in a manifest, that is the same as absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value

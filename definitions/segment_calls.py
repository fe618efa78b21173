"""What Segment's calls hold: their types, their top-level keys and the usual keys of their context.

Source: Segment's spec, and what its own libraries and tests add.
"""

from __future__ import annotations

CALL_TYPES = frozenset({"track", "identify", "page", "screen", "group", "alias", "delete"})
"""The types of Segment's events."""

EVENT_KEYS = frozenset({
    "_metadata", "anonymousId", "category", "channel", "context", "email", "event", "groupId", "integrations",
    "messageId", "name", "options", "originalTimestamp", "previousId", "projectId", "properties", "receivedAt",
    "sentAt", "timestamp", "traits", "type", "userId", "version", "writeKey",
})  # fmt: skip
"""The top-level keys of Segment's calls."""

OBJECT_KEYS = frozenset({"_metadata", "context", "integrations", "options", "properties", "traits"})
"""Those of them that hold objects; the others hold texts."""

CONTEXT_KEYS = frozenset({
    "active", "amp", "app", "campaign", "channel", "client", "consent", "device", "event_transformed", "groupId", "ip",
    "library", "locale", "location", "network", "os", "page", "personas", "protocols", "referrer", "screen",
    "sessionId", "timezone", "traits", "userAgent", "userAgentData",
})  # fmt: skip
"""The usual keys of `context`. It may hold others, so only a near miss of one of these is worth a word."""

CONTEXT_OBJECT_KEYS = frozenset({
    "amp", "app", "campaign", "consent", "device", "library", "location", "network", "os", "page", "personas",
    "protocols", "referrer", "screen", "traits",
})  # fmt: skip
"""Those of them that hold objects."""

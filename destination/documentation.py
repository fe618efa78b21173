"""The page about Kable, beyond settings and actions. Source: Kable's public pages and its worked example."""

from __future__ import annotations

from ..definitions import Documentation, WorkedExample

_USER = {"apiKey": "sk_live.of-nobody", "kableClientId": "kci_3c90e9ac92c6"}

documentation = Documentation(
    owner="Kable (partner owned)",
    support="contact@kable.io",
    website="https://kable.io",
    getting_started=(
        "In the Segment app, open Catalog, then Destinations.",
        "Find Kable in the catalog and choose it.",
        "Choose Configure Kable.",
        "Choose the sources that send events to Kable, and name this destination.",
        (
            "Fill in the connection settings. The API Key and the Kable Client ID are on the Company page of the "
            "Kable dashboard (https://dashboard.kable.io/company). Client ID Field names the field of your events that "
            "holds your customer's Client ID, and Properties Mappings gives properties the names of your dimensions."
        ),
    ),
    examples=(
        WorkedExample(
            title="Usage from a Track call",
            text=(
                "Each Track call becomes one usage event. Here Properties Mappings gives the property segmentX "
                "the name kableX; all other properties keep their names."
            ),
            settings={**_USER, "propertiesMappings": {"segmentX": "kableX"}},
            event={
                "type": "track",
                "event": "your_event_type",
                "userId": "yourcompanyuser_1234567890",
                "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
                "timestamp": "2022-01-09T09:32:01Z",
                "properties": {
                    "segmentX": "important data point",
                    "messageId": "msg_ABC123XYZ456",
                    "objectCount": 12,
                    "bankAccountBalance": 399.99,
                },
            },
        ),
        WorkedExample(
            title="Membership from an Engage audience",
            text="Engage sends an Identify call when a customer enters or leaves an audience.",
            settings=_USER,
            event={
                "type": "identify",
                "userId": "yourcompanyuser_1234567890",
                "messageId": "3a0f8c1e-52f7-4b8e-9b1f-6d2f0c9a7e11",
                "timestamp": "2022-01-09T09:32:01Z",
                "traits": {"order_completed_last_30days": True},
                "context": {
                    "personas": {
                        "computation_class": "audience",
                        "computation_key": "order_completed_last_30days",
                        "computation_id": "aud_example",
                    },
                },
            },
        ),
    ),
    engage=(
        (
            "You can send computed traits and audiences from Engage to Kable. They arrive as a user property: Engage "
            "makes an Identify call for each user who is added or removed. Its trait has the name of the audience in "
            "snake_case and is true or false, such as order_completed_last_30days: true."
        ),
        (
            "When an audience is created there is one call for every member; later there are calls only for users "
            "whose membership has changed."
        ),
        "The first sync of an audience can take six hours or more. After it, expect one every two to three hours.",
        (
            "Without Engage, kable-destination audience sync sends the same calls from a list of members: a file, "
            "standard input or a query. It syncs computed traits too, whenever you run it."
        ),
    ),
)

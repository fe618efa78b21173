"""Sends events with one of Segment's SDKs for Python, as a program of a customer would.

The argument is a JSON object: `module` of the SDK, `host`, `writeKey`, `name` and `count` of the events, `start` of
their times in milliseconds, and `single`: whether each event goes in a request of its own.
"""

from __future__ import annotations

import importlib
import json
import sys
from datetime import UTC, datetime, timedelta

asked = json.loads(sys.argv[1])
failed = []
client = importlib.import_module(f"{asked['module']}.client").Client(
    asked["writeKey"],
    host=asked["host"],
    max_queue_size=asked["count"] + 1,
    on_error=lambda error, _batch: failed.append(error),
    **({"upload_size": 1, "thread": 4} if asked["single"] else {}),
)
start = datetime.fromtimestamp(asked["start"] / 1000, UTC)
for number in range(asked["count"]):
    client.track(
        f"{asked['name']}-user",
        "Units",
        {"sdk": asked["name"], "number": number, "text": "Zoë 漢字 😀", "nested": {"list": [1, {"null": None}]}},
        timestamp=start + timedelta(milliseconds=number),
    )
client.shutdown()
if failed:
    sys.exit(f"{len(failed)} batches failed: {failed[0]!r}")

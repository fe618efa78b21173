"""The options of a delivery, which come from the file, the environment and the command line."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

# SQLite's own names for a database in memory, ours, and none at all.
_KEEPS_NOTHING = re.compile(r"((sqlite|file):/*)?(:memory:(\?.*)?)?|memory:.*", re.IGNORECASE)

DEFAULT_OUTBOX = "outbox.sqlite"


class DeliveryOptions(BaseModel):
    """How a run sends: the host, the size of requests, how many at once, and how long it retries."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    base_url: str | None = Field(
        default=None,
        description="Base URL to send to instead of the destination's own: `https`, or `http` on a loopback address.",
    )
    live: bool = Field(
        default=False,
        description="Bill real customers: without it, nothing is sent to a live environment.",
    )
    batch_size: int | None = Field(
        default=None, ge=1, description="Maximum events per request. Without it, the destination's own limit applies."
    )
    outbox: str | Literal[False] = Field(
        default=DEFAULT_OUTBOX,
        description="File or URL of the queue that keeps accepted events until they are sent; `false` for none.",
    )
    outbox_megabytes: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Maximum size of the queued events, in megabytes. Accounts share it: each may queue an equal part even if "
            "others have filled the outbox. Without it, there is no limit."
        ),
    )
    concurrency: int = Field(
        default=16,
        ge=1,
        le=64,
        description="Maximum requests in flight, per lane. There are fewer at first, and while the server is slow.",
    )
    planners: int | None = Field(
        default=None,
        ge=0,
        le=64,
        description=(
            "Processes that plan: they map events while this one accepts and sends. `0` plans in the process itself. "
            "Without it, one for each spare core, at most 4. A small input starts none."
        ),
    )
    rate: float | None = Field(
        default=None,
        gt=0,
        description=(
            "Maximum requests per second, per lane; processes with the same outbox share it. Without it, there is no "
            "limit."
        ),
    )
    keep_ids: float = Field(
        default=400,
        gt=0,
        description="Days to remember IDs, so no event is sent twice. Events older than that are not sent.",
    )
    allow_old: bool = Field(
        default=False, description="Send events older than `keepIds` too, although they may have been sent before."
    )
    on_missing_client_id: Literal["dead-letter", "count"] = Field(
        default="dead-letter",
        description=(
            "What happens to an event that lacks only a required identifier (for Kable, the Client ID), such as "
            "that of an anonymous visitor: `dead-letter` keeps it; `count` skips it, and the report counts it as "
            "`missing_client_id`."
        ),
    )
    dead_letter_days: float | None = Field(
        default=None,
        gt=0,
        description="Days to keep dead letters. Older ones are deleted, and the report counts them.",
    )
    dead_letter_megabytes: float | None = Field(
        default=None,
        gt=0,
        description=(
            "Maximum size of all dead letters, in megabytes. The oldest are deleted, and the report counts them. "
            "Without it, there is no limit."
        ),
    )
    attempts: int = Field(default=4, ge=1, le=20, description="Attempts per request when there is no outbox.")
    give_up_hours: float = Field(
        default=72, gt=0, description="Hours after which an unsent event becomes a dead letter, with an outbox."
    )
    wait: float = Field(
        default=60, ge=0, description="Seconds to wait when all unsent events are due later; they stay in the outbox."
    )
    grace: float = Field(
        default=10, ge=0, description="Seconds for requests in flight to finish when a run is interrupted."
    )
    timeout: float = Field(default=30, gt=0, le=600, description="Seconds to wait for the server, at each step.")

    @field_validator("outbox", mode="before")
    @classmethod
    def _read_false(cls, value: Any) -> Any:
        """Accept `false` from the environment, where every value is text."""
        return False if value == "false" else value

    @field_validator("outbox")
    @classmethod
    def _keeps_something(cls, value: str | Literal[False]) -> str | Literal[False]:
        """Refuse what would be kept in memory: the program says of an outbox that it keeps what is not sent."""
        if value is not False and "\0" in value:
            raise ValueError("no name of a file holds a NUL")
        if value is not False and _KEEPS_NOTHING.fullmatch(value.strip()):
            raise ValueError(f'"{value}" would keep nothing; name a file, or turn the outbox off (--no-outbox)')
        return value

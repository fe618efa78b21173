"""The tables of an outbox in PostgreSQL.

A batch is one row. A lease changes it in place: no index is on a column that a lease changes, and each page has room
for another version of its rows. Bodies are compressed by the client, so they are stored beside the row and as they are.
Texts are bytes in UTF-8, since those of events may hold what PostgreSQL's own type refuses.

What many processes count is in one row for each of some slots, and a process uses the slot that it drew: two processes
hardly ever wait for each other's commits.
"""

from __future__ import annotations

VERSION = 1
"""The format of the tables, which the table `outbox` says."""

SLOTS = 64
"""So many rows share a count."""

# Rows come and go all the time, so the servers' settings for tables that grow slowly would clean up too late.
_CLEANED = "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0"
_CLEANED_TOAST = (
    "toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 2000,"
    " toast.autovacuum_vacuum_cost_delay = 0"
)
_COUNTED = f"WITH (fillfactor = 50, {_CLEANED})"

TABLES = f"""
CREATE TABLE outbox (
    version integer NOT NULL,
    salt bytea NOT NULL
);
CREATE TABLE lanes (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account bytea NOT NULL,
    action bytea NOT NULL,
    error bytea,
    error_at double precision,
    stopped boolean NOT NULL DEFAULT false,
    paused_until double precision NOT NULL DEFAULT 0,
    paused_for double precision NOT NULL DEFAULT 0,
    UNIQUE (account, action)
) {_COUNTED};
CREATE TABLE lane_counts (
    lane integer NOT NULL,
    slot smallint NOT NULL,
    batches bigint NOT NULL DEFAULT 0,
    events bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    delivered bigint NOT NULL DEFAULT 0,
    delivered_at double precision,
    PRIMARY KEY (lane, slot)
) {_COUNTED};
CREATE TABLE batches (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane integer NOT NULL,
    shard bigint,
    run bigint NOT NULL,
    events integer NOT NULL,
    bytes bigint NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    accepted_at double precision NOT NULL,
    due double precision NOT NULL,
    wait double precision NOT NULL DEFAULT 0,
    owner bytea,
    leased_until double precision NOT NULL DEFAULT 0,
    error bytea,
    about bytea NOT NULL,
    payloads bytea NOT NULL,
    contents bytea NOT NULL
) WITH (fillfactor = 70, toast_tuple_target = 128, {_CLEANED}, {_CLEANED_TOAST});
ALTER TABLE batches ALTER about SET STORAGE EXTERNAL;
ALTER TABLE batches ALTER payloads SET STORAGE EXTERNAL;
ALTER TABLE batches ALTER contents SET STORAGE EXTERNAL;
CREATE INDEX batches_in_order ON batches (lane, shard, id) WHERE shard IS NOT NULL;
CREATE INDEX batches_by_due ON batches (lane, due, id) WHERE shard IS NULL;
CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identity bytea NOT NULL UNIQUE,
    run bigint NOT NULL,
    at double precision NOT NULL,
    reason text NOT NULL,
    message bytea NOT NULL,
    source bytea NOT NULL,
    place bigint NOT NULL,
    unit text NOT NULL,
    event bytea,
    account bytea NOT NULL,
    action bytea,
    subscription bytea,
    key bytea,
    payload bytea,
    problems bytea NOT NULL,
    status_code integer,
    request_id bytea,
    path bytea NOT NULL,
    name bytea,
    size bigint NOT NULL,
    group_id bigint NOT NULL
);
CREATE INDEX dead_letters_by_name ON dead_letters (name) WHERE name IS NOT NULL;
CREATE INDEX dead_letters_by_group ON dead_letters (group_id, at);
CREATE TABLE known_ids (
    day integer NOT NULL,
    name bytea NOT NULL,
    batch bigint NOT NULL,
    PRIMARY KEY (name, day)
) PARTITION BY RANGE (day);
CREATE TABLE batch_ids (
    day integer NOT NULL,
    batch bigint NOT NULL,
    run bigint NOT NULL,
    names bytea NOT NULL,
    digests bytea,
    PRIMARY KEY (batch, day)
) PARTITION BY RANGE (day);
ALTER TABLE batch_ids ALTER names SET STORAGE EXTERNAL;
ALTER TABLE batch_ids ALTER digests SET STORAGE EXTERNAL;
CREATE TABLE id_counts (
    day integer NOT NULL,
    slot smallint NOT NULL,
    ids bigint NOT NULL,
    PRIMARY KEY (day, slot)
) {_COUNTED};
CREATE TABLE checkpoints (
    key bytea PRIMARY KEY,
    name bytea NOT NULL,
    state bytea NOT NULL,
    is_end boolean NOT NULL,
    at double precision NOT NULL
) {_COUNTED};
CREATE TABLE records (key bytea PRIMARY KEY, value bytea NOT NULL) {_COUNTED};
CREATE TABLE puts (
    run bigint PRIMARY KEY,
    number bigint NOT NULL,
    at double precision NOT NULL,
    result bytea NOT NULL
) {_COUNTED};
CREATE TABLE rates (
    lane integer NOT NULL,
    minute bigint NOT NULL,
    slot smallint NOT NULL,
    delivered bigint NOT NULL,
    PRIMARY KEY (lane, minute, slot)
) {_COUNTED};
CREATE TABLE outcomes (
    run bigint NOT NULL,
    outcome text NOT NULL,
    slot smallint NOT NULL,
    events bigint NOT NULL,
    PRIMARY KEY (run, outcome, slot)
) {_COUNTED};
"""

DAY_TABLES = ("known_ids", "batch_ids")
"""The tables with a partition for each day."""


def statements(script: str) -> list[str]:
    """Return the statements of a script."""
    return [statement for statement in script.strip().split(";\n") if statement.strip(" ;\n")]

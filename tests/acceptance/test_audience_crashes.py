"""A sync that is killed at random moments: after the next one, the ledger is right for every member, with no doubles.

KABLE_AUDIENCE_KILLS is the number of kills (3), and KABLE_AUDIENCE_MEMBERS that of members (3,000).
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from postgres_server import require_postgres, shared_server

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

KILLS = int(os.environ.get("KABLE_AUDIENCE_KILLS", "3"))
MEMBERS = int(os.environ.get("KABLE_AUDIENCE_MEMBERS", "3000"))
PATIENCE = 1.5 + MEMBERS / 10_000
"""Seconds within which an undisturbed sync is over."""


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_killed_sync_is_taken_up_by_the_next(
    command_line: CommandLine, sandbox: RunningSandbox, tmp_path: Path, engine: str
) -> None:
    """Every list is another one, so a member may be sent that they left before it is known that they entered."""
    outbox = "outbox.sqlite"
    if engine == "postgres":
        require_postgres()
        outbox = shared_server().outbox(tmp_path)
    dice = random.Random(18)  # noqa: S311 - no secret
    options = ("--base-url", sandbox.base_url, "--batch-size", "100", "--outbox", outbox)
    command = ("audience", "sync", "--name", "A", "members.txt", *options)
    listed: set[int] = set()
    for _ in range(KILLS):
        listed = {number for number in range(MEMBERS) if dice.random() < 0.8}
        write(command_line, dice, listed)
        with command_line.start(*command, "--max-removed", "100") as process:
            time.sleep(dice.uniform(0.1, PATIENCE))
            process.kill()
    write(command_line, dice, listed)
    run = command_line(*command, "--max-removed", "100")
    assert run.code == 0, run.err
    members = check(sandbox)
    assert members == {f"u{number:06}" for number in listed}
    shown = json.loads(command_line("audience", "show", "A", "--outbox", outbox, "--json").out)["audience"]
    assert (shown["members"], shown["under_way"]) == (len(members), None)
    # Nothing is left to do.
    count = len(sandbox.ledger.events)
    assert command_line(*command).code == 0
    assert len(sandbox.ledger.events) == count


def write(command_line: CommandLine, dice: random.Random, listed: set[int]) -> None:
    """Write a list, in no order."""
    lines = [f"u{number:06}\n" for number in listed]
    dice.shuffle(lines)
    (command_line.folder / "members.txt").write_text("".join(lines), encoding="utf-8")


def check(sandbox: RunningSandbox) -> set[str]:
    """Return who is a member by the ledger, in which true and false must alternate for each, and no ID is twice."""
    events = sandbox.ledger.events
    ids = Counter(event["transactionId"] for event in events)
    assert not [number for number, count in ids.items() if count > 1]
    member: dict[str, bool] = {}
    for event in events:
        who, value = event["clientId"], event["data"]["a"]
        assert value is not member.get(who, False), f"{who} was sent {value} twice"
        member[who] = value
    return {who for who, value in member.items() if value}

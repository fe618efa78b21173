"""`snapshot` begins with the change in the bill."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from segment_events import ndjson, track
from snapshot_folder import EVENTS, change, files, snapshot, write_folder

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine


@pytest.fixture
def folder(command_line: CommandLine) -> Path:
    """A folder with a TOML file and an NDJSON file, and nothing else."""
    return write_folder(command_line)


def test_the_change_in_the_bill_names_each_customer_and_dimension(command_line: CommandLine, folder: Path) -> None:
    events = [track(number, properties={"units": 0.1, "region": "eu"}) for number in range(14)]
    (folder / "events.ndjson").write_bytes(ndjson(*events))
    snapshot(command_line)
    change(folder, 'event = "API Call"', 'userId != "customer_3"')
    change(folder, "units =", "amount =")
    run = snapshot(command_line)
    table = run.out.partition("\n\n")[0].splitlines()
    assert table[:9] == [
        "the bill changes for 7 customers:",
        "customer       dimension         before  after  difference",
        "all customers  events     count      14     12          -2",
        "               amount     count       0     12         +12",
        "                          sum         0    1.2        +1.2",
        "               units      count      14      0         -14",
        "                          sum       1.4      0        -1.4",
        "customer_3     events     count       2      0          -2",
        "               units      count       2      0          -2",
    ]
    printed = json.loads(snapshot(command_line, "--json").out)
    assert printed["bill"]["customers"][0] == {
        "customer": "customer_3",
        "events": {"before": 2, "after": 0, "difference": -2},
        "dimensions": [
            {
                "dimension": "units",
                "count": {"before": 2, "after": 0, "difference": -2},
                "sum": {"before": "0.2", "after": "0", "difference": "-0.2"},
            }
        ],
    }


def test_a_bill_that_changes_for_two_customers_and_not_in_all_is_a_change(
    command_line: CommandLine, folder: Path
) -> None:
    snapshot(command_line)
    swapped = (track(1, userId="customer_2"), track(2, userId="customer_1"), *EVENTS[2:])
    (folder / "events.ndjson").write_bytes(ndjson(*swapped))
    out = snapshot(command_line).out
    assert "the bill changes for 2 customers:" in out
    assert "all customers  events     count       2      2           0" in out
    assert "customer_1     events     count       1      1           0" in out
    assert "               units      sum         1      2          +1" in out


def test_a_renamed_subscription_is_a_rename(command_line: CommandLine, folder: Path) -> None:
    snapshot(command_line)
    change(folder, 'name = "API calls"', 'name = "Calls"')
    run = snapshot(command_line)
    assert run.code == 1
    assert run.out.splitlines() == [
        "the bill: all counts and sums stay the same",
        "",
        'subscription "Calls", all events',
        '  name: was "API calls", now "Calls"',
        "",
        "what all events share is not as recorded in snap; if you meant this, record it with --update",
    ]
    printed = json.loads(snapshot(command_line, "--json").out)
    assert printed["renamed"] == [{"before": "API calls", "after": "Calls"}]
    assert (printed["state"], printed["changed_events"], printed["bill"]["customers"]) == ("changed", 0, [])
    assert json.loads(snapshot(command_line, "--json", "--update").out)["state"] == "updated"
    assert set(files(folder)) == {"calls.json", "no_subscription.json"}
    assert json.loads(snapshot(command_line, "--json").out)["state"] == "unchanged"


def test_another_subscription_of_other_events_is_no_rename(command_line: CommandLine, folder: Path) -> None:
    snapshot(command_line)
    change(folder, 'name = "API calls"', 'name = "Pages"')
    change(folder, 'type = "track" and event = "API Call"', 'type = "page"')
    run = snapshot(command_line)
    assert 'subscription "Pages", all events\n  subscription: was nothing, now there' in run.out
    assert 'subscription "API calls", all events\n  subscription: was there, now nothing' in run.out
    assert json.loads(snapshot(command_line, "--json").out)["renamed"] == []

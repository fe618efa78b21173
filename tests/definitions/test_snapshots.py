"""Every destination of this repository, ours and the reference plugins, passes the suite that authors get.

What they send is recorded in `snapshots/`. After a change that is meant: `make snapshots`, and read the difference
before it is committed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from kable_destination.definitions import Destination, shown_request
from kable_destination.definitions.testing import destination_suite
from kable_destination.destination import kable
from ledger_destination import ledger
from meter_destination import meter
from tally_destination import tally

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

ROOT = Path(__file__).parents[2]

TestKable = destination_suite(kable)
TestMeter = destination_suite(meter)
TestLedger = destination_suite(ledger, answers={"record": [{"account": "acc_1"}]})
TestTally = destination_suite(tally)


def test_no_snapshot_is_left_of_what_is_gone() -> None:
    suites = (TestKable, TestMeter, TestLedger, TestTally)
    expected = {f"{name}.json" for suite in suites for name, _ in suite.recordings()}
    assert {path.name for path in (ROOT / "snapshots").iterdir()} == {*expected, "kable-documented-example.json"}


def test_the_documented_example_is_what_kable_receives(readable_snapshot: SnapshotAssertion) -> None:
    event = json.loads((ROOT / "examples" / "event.json").read_text(encoding="utf-8"))
    settings = {
        "apiKey": "sk_live.of-nobody",
        "kableClientId": "kci_3c90e9ac92c6",
        "propertiesMappings": {"segmentX": "kableX"},
    }
    destination = Destination(kable, settings)
    (planned,) = destination.plan([event]).requests
    assert shown_request(planned.request, destination.redactor, all_headers=True) == readable_snapshot(
        name="kable-documented-example"
    )

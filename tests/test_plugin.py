"""Another destination, found by its own entry point, goes through the same runner without a change to it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from scripted_server import scripted_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine

PLUGIN = """
from kable_destination.definitions import ActionDefinition, BatchLimits, DestinationDefinition, InputField, Preset
from kable_destination.definitions import RequestOptions

send = ActionDefinition(
    title="Send",
    description="Sends an event.",
    fields={
        "name": InputField(label="Name", type="string", required=True, default={"@path": "$.event"}),
        "region": InputField(label="Region", type="string", required=True, default={"@path": "$.properties.region"}),
        "units": InputField(label="Units", type="number", default={"@path": "$.properties.units"}),
    },
    batch=BatchLimits(events=2, bytes=10_000),
    batch_keys=("region",),
    perform=lambda request, data: request("PUT", "/one", json={"item": data.payload}),
    perform_batch=lambda request, data: request("POST", "/many", json={"items": data.payloads}),
)

meter = DestinationDefinition(
    name="Meter",
    slug="actions-meter",
    settings={
        "user": InputField(label="User", type="string", required=True),
        "token": InputField(label="Token", type="password", required=True),
    },
    extend_request=lambda settings: RequestOptions(
        "https://meter.example", username=settings["user"], password=settings["token"]
    ),
    actions={"send": send},
    presets=(Preset(name="All usage", partner_action="send", subscribe='type = "track"'),),
)
"""


CREDENTIALS = {"METER_USER": "ada", "METER_TOKEN": "t0ken-of-nobody"}


@pytest.fixture
def with_meter(command_line: CommandLine) -> CommandLine:
    """The command line, in an environment where a second plugin is installed."""
    site = command_line.folder / "site"
    metadata = site / "meter_destination-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "meter_destination.py").write_text(PLUGIN, encoding="utf-8")
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: meter-destination\nVersion: 1.0\n", encoding="utf-8"
    )
    entry = "[destination_actions]\nmeter = meter_destination:meter\n"
    (metadata / "entry_points.txt").write_text(entry, encoding="utf-8")
    command_line.environment.update(PYTHONPATH=str(site), **CREDENTIALS)
    return command_line


def test_it_is_delivered_in_its_own_batches_with_its_own_credentials(with_meter: CommandLine) -> None:
    events = [
        track(number, properties={"region": "eu" if number % 2 else "us", "units": number}) for number in range(5)
    ]
    with scripted_server(lambda _: (200, {}, b"")) as server:
        run = with_meter.deliver(ndjson(*events), server.base_url, "--destination", "meter", "--concurrency", "1")
    assert run.code == 0, run.err
    assert run.report["delivered"] == 5
    bodies = [json.loads(body) for body in server.bodies]
    units = [[item["units"] for item in body.get("items", [body.get("item")])] for body in bodies]
    assert units == [[0, 2], [1, 3], [4]]
    expected = "Basic " + base64.b64encode(b"ada:t0ken-of-nobody").decode()
    assert {headers["Authorization"] for _, _, headers, _ in server.requests} == {expected}
    assert expected not in run.out + run.err


def test_it_is_previewed_and_checked_like_ours(with_meter: CommandLine) -> None:
    (with_meter.folder / "event.json").write_text(json.dumps(track()), encoding="utf-8")
    run = with_meter("preview", "event.json", "--destination", "meter")
    assert "https://meter.example/one" in run.out
    assert "t0ken-of-nobody" not in run.out
    checked = with_meter("check", "--destination", "meter")
    assert (checked.code, "Meter" in checked.out) == (0, True)


def test_an_unknown_destination_is_refused_with_the_installed_ones(with_meter: CommandLine) -> None:
    run = with_meter("check", "--destination", "metre")
    assert run.code == 2
    assert "kable, meter" in run.err

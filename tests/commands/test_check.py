"""`check`, as a user runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from manifests import action, field, manifest, preset
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

OVERLAP = """
[[subscriptions]]
name = "calls"
partnerAction = "track"
subscribe = 'type = "track"'

[[subscriptions]]
name = "big calls"
partnerAction = "track"
subscribe = 'type = "track" and properties.units > 10'
"""


def test_check_is_content_with_what_works(command_line: CommandLine) -> None:
    run = command_line("check")
    assert run.code == 0
    assert "Record usage, Record membership" in run.out
    assert run.err == "", "the presets exclude each other"


def test_check_warns_where_triggers_can_overlap(command_line: CommandLine) -> None:
    (command_line.folder / "kable.toml").write_text(OVERLAP, encoding="utf-8")
    run = command_line("check", "--config", "kable.toml")
    assert run.code == 0
    assert '"calls" and "big calls" can both match' in run.err
    separate = OVERLAP.replace("subscribe = 'type = \"track\"'\n", "subscribe = 'properties.units <= 10'\n")
    (command_line.folder / "kable.toml").write_text(separate, encoding="utf-8")
    assert command_line("check", "--config", "kable.toml").err == ""


def test_check_lists_all_problems_a_line_each(command_line: CommandLine) -> None:
    (command_line.folder / "kable.toml").write_text("[settings]\napikey = 1\n[delivry]\n", encoding="utf-8")
    run = command_line("check", "--config", "kable.toml", KABLE_API_KEY="")
    assert run.code == 2
    assert len(run.err.strip().splitlines()) == 3
    assert all(line.startswith("error: ") for line in run.err.strip().splitlines())


def test_check_asks_about_the_credentials(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    good = command_line("check", "--credentials", "--base-url", sandbox.base_url)
    assert (good.code, "accepts the credentials" in good.out) == (0, True)
    bad = command_line("check", "--credentials", "--base-url", sandbox.base_url, KABLE_API_KEY="sk_test.wrong-key-here")
    assert (bad.code, "401" in bad.err) == (3, True)
    assert "sk_test.wrong" not in bad.err
    down = command_line("check", "--credentials", "--base-url", "http://127.0.0.1:9")
    assert (down.code, "cannot be reached" in down.err) == (1, True)


def test_check_prints_findings_as_warnings_and_succeeds(command_line: CommandLine) -> None:
    """Also where the settings are not valid, and the destination cannot be set up."""
    given = manifest(
        actions={"send": action(fields={"name": field(required=True, default={"@path": "$.evnt"})})},
        presets=[preset(mapping={"name": {"@path": "$.event"}})],
    )
    (command_line.folder / "meter.json").write_text(json.dumps(given), encoding="utf-8")
    expected = (
        'warning: KD203 actions.send.fields.name.default: reads $.evnt, but no event of Segment has "evnt"; '
        'did you mean "event"? (docs/lint.md#kd203)\n'
    )
    run = command_line("check", "--destination", "meter.json", METER_API_KEY="secret-key")
    assert (run.code, run.err) == (0, expected)
    without = command_line("check", "--destination", "meter.json")
    assert (without.code, without.err.startswith(expected)) == (2, True)


def test_check_has_nothing_to_say_of_ours(command_line: CommandLine) -> None:
    assert command_line("check").err == ""


MAPPED = """
[[subscriptions]]
name = "calls"
partnerAction = "track"
subscribe = 'type = "track"'
[subscriptions.mapping]
clientId = { "@path" = "$.properties.tenant" }
data = { "@path" = "$.propertes" }
"""


def test_check_counts_what_the_events_of_a_file_would_become(command_line: CommandLine) -> None:
    (command_line.folder / "events.ndjson").write_bytes(ndjson(track(0), track(1, userId=None), {"type": "page"}))
    run = command_line("check", "--events", "events.ndjson")
    assert run.code == 0
    assert "events.ndjson: 3 events (track 2, page 1)" in run.out
    assert "Record usage: matches 2" in run.out
    assert "1: clientId: Client ID is required, but it is missing or empty" in run.out
    assert "filled in 1 of 2" in run.out
    assert "Record membership: matches 0" in run.out


def test_check_fails_if_a_required_field_is_never_filled(command_line: CommandLine) -> None:
    (command_line.folder / "kable.toml").write_text(MAPPED, encoding="utf-8")
    run = command_line("check", "--config", "kable.toml", "--events", "-", stdin=ndjson(track(0), track(1)))
    assert run.code == 1
    assert (
        'calls, data: reads $.propertes, but no event of Segment has "propertes"; did you mean "properties"?' in run.err
    )
    assert "clientId       filled in 0 of 2  error: required, and never filled" in run.out
    assert "warning: $.properties.tenant is mapped, but no event has it" in run.out
    assert "warning: $.propertes is mapped, but no event has it" in run.out


def test_check_counts_events_that_would_be_discarded_as_duplicates(command_line: CommandLine) -> None:
    (command_line.folder / "kable.toml").write_text(
        MAPPED.replace("data = ", 'transactionId = { "@path" = "$.userId" }\ndata = ').replace(
            "propertes", "properties"
        ),
        encoding="utf-8",
    )
    events = ndjson(*(track(0, properties={"tenant": "acme"}) for _ in range(3)))
    run = command_line("check", "--config", "kable.toml", "--events", "-", stdin=events)
    assert "calls, transactionId: reads $.userId, which is not an ID of an event" in run.err
    assert "warning: 2 of 3 repeat the ID of an earlier one, so they would be discarded as duplicates" in run.out


def test_check_fails_if_nothing_matches_and_if_the_file_is_not_there(command_line: CommandLine) -> None:
    run = command_line("check", "--events", "-", stdin=ndjson(track(type="purchase"), track(type="Track")))
    assert run.code == 1
    assert "no event matches any subscription" in run.out
    assert "1 event with a wrong type or integrations object" in run.out
    missing = command_line("check", "--events", "nowhere.ndjson")
    assert (missing.code, "nowhere.ndjson" in missing.err, "Traceback" in missing.err) == (2, True, False)


def test_check_fails_for_a_setting_that_hardly_ever_matches_and_deliver_warns(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    """Nothing refuses events for it."""
    (command_line.folder / "kable.toml").write_text(
        '[settings]\npropertiesMappings = {"$.a" = "x"}\n', encoding="utf-8"
    )
    run = command_line("check", "--config", "kable.toml")
    assert run.code == 2
    assert 'error: settings.propertiesMappings.$.a: "$.a" hardly ever names a property; write "a"' in run.err
    sent = command_line(
        "deliver", "--config", "kable.toml", "--base-url", sandbox.base_url, "-", stdin=ndjson(track(0), track(1))
    )
    assert sent.code == 0
    assert '"$.a" hardly ever names a property; write "a"' in sent.err
    previewed = command_line("preview", "--config", "kable.toml", "-", stdin=ndjson(track(0)))
    assert "a mapped value replaces a property of the same name" in previewed.out

"""Nothing that comes from outside steers the terminal, and JSON means the same with its escapes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kable_destination.definitions import json_line, visible_json
from scripted_server import scripted_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_line import CommandLine, Run

STEERING = {
    "escape": "\x1b[2J",
    "CSI": "\x9b2J",
    "delete": "\x7f",
    "next line": "\x85",
    "override": "\u202e",
    "isolate": "\u2066",
    "zero width space": "\u200b",
    "line separator": "\u2028",
    "byte order mark": "\ufeff",
    "tag": "\U000e0041",
}


def steering(text: str) -> set[str]:
    """Give what would steer a terminal."""
    return {character for character in text if not character.isprintable() and character not in "\n\u00a0"}


def toml(text: str) -> str:
    """Write a text in TOML."""
    return '"' + "".join(f"\\U{ord(character):08X}" for character in text) + '"'


def printed(command_line: CommandLine, text: str) -> Iterator[Run]:
    """Run each command that prints texts of events, of servers, of the configuration or of file names."""
    good = track(1, properties={text: [text, "größer 日本"]})
    bad = {**track(2, properties={text: text}), "userId": {text: text}}
    name = f"events {text}.ndjson"
    (command_line.folder / name).write_bytes(ndjson(good, bad, f"no event {text}".encode()))
    (command_line.folder / "one.json").write_bytes(json.dumps(good, ensure_ascii=False).encode())
    subscription = f'name = {toml(text)}\npartnerAction = "track"\nsubscribe = "type = \\"track\\""'
    (command_line.folder / "kable.toml").write_text(f"[[subscriptions]]\n{subscription}\n", encoding="utf-8")
    yield command_line("deliver", name, "--dry-run")
    yield command_line("preview", "one.json", "--explain")
    yield command_line("check", "--config", "kable.toml")
    yield command_line("check", "--config", f"{text}.toml")
    yield command_line("deliver", f"missing {text}")
    answer = json.dumps({"message": text}, ensure_ascii=False).encode()
    with scripted_server(lambda _: (400, {"Content-Type": "application/json"}, answer)) as server:
        for log in ("console", "json"):
            files = ("--outbox", f"{log}.sqlite", "--dead-letters", f"{log} {text}.ndjson", "--report", "r.json")
            yield command_line("deliver", name, "--base-url", server.base_url, "--log", log, *files)
    for command in (("status",), ("status", "--json"), ("dead-letters", "list"), ("dead-letters", "show", "1")):
        yield command_line(*command, "--outbox", "console.sqlite")
    yield command_line("dead-letters", "replay", "--dry-run", "--outbox", "console.sqlite")


def test_no_command_lets_a_text_steer_the_terminal(command_line: CommandLine) -> None:
    text = "-".join(STEERING.values())
    for run in printed(command_line, text):
        assert "Traceback" not in run.err
        assert steering(run.out + run.err) == set()
    for file in (command_line.folder / f"console {text}.ndjson", command_line.folder / "r.json"):
        assert steering(file.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("text", STEERING.values(), ids=STEERING.keys())
def test_json_with_escapes_means_the_same(text: str) -> None:
    shown = json_line({text: text})
    assert steering(shown) == set()
    assert json.loads(shown) == {text: text}
    assert json.loads(visible_json(json.dumps([text], ensure_ascii=False))) == [text]


def test_json_that_is_shown_means_what_was_sent(command_line: CommandLine) -> None:
    sent = {f"key {name}": f"a{text}b" for name, text in STEERING.items()} | {"plain": "größer 日本"}
    (command_line.folder / "events.ndjson").write_bytes(ndjson(track(1, properties=sent)))
    shown = command_line("deliver", "events.ndjson", "--dry-run").out
    assert json.loads(shown.split("\n\n")[1])["data"] == sent
    assert "größer 日本" in shown
    with scripted_server(lambda _: (400, {}, b"")) as server:
        (letter,) = command_line.deliver(ndjson(track(1, properties=sent)), server.base_url).letters
    assert letter["event"]["properties"] == sent
    kept = json.loads(command_line("dead-letters", "show", "1").out)
    assert kept["event"]["properties"] == kept["payload"]["data"] == sent

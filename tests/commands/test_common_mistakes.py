"""The mistakes that people make: each gives one sentence with the remedy, and neither a traceback nor a secret."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

EVENTS = ndjson(track(1))
SECRET = "S3cret-of-nobody"  # noqa: S105 - of nobody
SUBSCRIPTION = '[[subscriptions]]\nname = "calls"\npartnerAction = "track"\nsubscribe = '


@dataclass(frozen=True)
class Mistake:
    """What somebody runs, with which files and variables, and the line that says what to do."""

    told: str
    arguments: tuple[str, ...] = ("check",)
    toml: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    code: int = 2


DELIVER = ("deliver", "events.ndjson", "--base-url", "BASE_URL")
MISTAKES = {
    "key in quotes": Mistake(
        "error: settings.apiKey (KABLE_API_KEY): has quotation marks around it; remove them: the key itself should "
        "begin with sk_live or sk_test",
        variables={"KABLE_API_KEY": f"'sk_test.{SECRET}'"},
    ),
    "key with one quote": Mistake(
        "error: settings.apiKey (KABLE_API_KEY): has quotation marks around it; remove them: the key itself should "
        "begin with sk_live or sk_test",
        variables={"KABLE_API_KEY": f'sk_test.{SECRET}"'},
    ),
    "key with a line break": Mistake(
        "error: settings.apiKey (KABLE_API_KEY): has spaces or line breaks around it; remove them: the key itself "
        "should begin with sk_live or sk_test",
        variables={"KABLE_API_KEY": f"sk_test.{SECRET}\r"},
    ),
    "Client ID in quotes": Mistake(
        "error: settings.kableClientId: has quotation marks around it; remove them",
        variables={"KABLE_CLIENT_ID": '"kci_1"'},
    ),
    "key that is none": Mistake(
        "error: settings.apiKey (KABLE_API_KEY): should begin with sk_live or sk_test, which says where events go; if "
        "it belongs to another host, give a base URL",
        variables={"KABLE_API_KEY": SECRET},
    ),
    "key of the other environment": Mistake(
        "error: settings.apiKey: is a Test key, but live.kable.io is Live; use a Live key, or another base URL",
        ("check", "--base-url", "https://live.kable.io"),
        variables={"KABLE_API_KEY": f"sk_test.{SECRET}"},
    ),
    "key of the other environment in an account": Mistake(
        "error: accounts.production.apiKeyEnv: MY_KEY: is a Test key, but the account production is Live; correct one "
        "of them",
        ("check", "--account", "production"),
        toml='[accounts.production]\nenvironment = "Live"\nclientId = "kci_1"\napiKeyEnv = "MY_KEY"\n',
        variables={"MY_KEY": f"sk_test.{SECRET}"},
    ),
    "no key": Mistake(
        "error: settings.apiKey: API Key is required, but it is missing or empty; set KABLE_API_KEY",
        variables={"KABLE_API_KEY": ""},
    ),
    "no Client ID": Mistake(
        "error: settings.kableClientId: Kable Client ID is required, but it is missing or empty; set KABLE_CLIENT_ID "
        "or write kableClientId under [settings]",
        variables={"KABLE_CLIENT_ID": ""},
    ),
    "wrong file": Mistake(
        "error: settings.toml holds no events: none of its first 100 lines is an event",
        ("deliver", "settings.toml", "--base-url", "BASE_URL"),
        files={"settings.toml": b"a = 1\n" * 120},
    ),
    "missing file": Mistake(
        'error: event.ndjson: cannot be read: No such file or directory; did you mean "events.ndjson"?',
        ("deliver", "event.ndjson", "--base-url", "BASE_URL"),
    ),
    "missing configuration": Mistake(
        'error: kabel.toml: cannot be read: No such file or directory; did you mean "kable.toml"?',
        ("check", "--config", "kabel.toml"),
        toml="",
    ),
    "pattern": Mistake(
        "error: logs/*.gz names no file",
        ("deliver", "logs/*.gz", "--base-url", "BASE_URL"),
        files={"logs/a.ndjson": EVENTS},
    ),
    "folder as a configuration": Mistake(
        "error: logs: is a folder; name the file in it",
        ("check", "--config", "logs"),
        files={"logs/a.ndjson": EVENTS},
    ),
    "CSV": Mistake(
        "error: usage.csv is a CSV table (its first line is userId,event,units), not JSON text; deliver it with "
        "--columns FILE, or export it as JSON lines (NDJSON). None of it was accepted",
        ("deliver", "usage.csv", "--base-url", "BASE_URL"),
        files={"usage.csv": b"userId,event,units\n" + b"u1,API Call,5\n" * 200},
    ),
    "JSON as a configuration": Mistake(
        "error: kable.toml: is JSON, and a configuration is TOML; see examples/kable.toml", toml='{"settings": {}}'
    ),
    "events as a configuration": Mistake(
        "error: events.ndjson: is JSON, and a configuration is TOML; see examples/kable.toml",
        ("check", "--config", "events.ndjson"),
    ),
    "forgotten @path": Mistake(
        'error: subscriptions[0].mapping.clientId: "$.userId" would be sent as text; write {"@path": "$.userId"} for '
        'the value, or {"@literal": "$.userId"} if you mean the text',
        toml=f'{SUBSCRIPTION}\'type = "track"\'\nmapping = {{ clientId = "$.userId" }}\n',
    ),
    "misspelt setting": Mistake(
        'error: settings.kableClientID: there is no such setting; did you mean "kableClientId"?',
        toml='[settings]\nkableClientID = "kci_1"\n',
    ),
    "misspelt delivery option": Mistake(
        'error: delivery.batchsize: there is no such key; did you mean "batchSize"?', toml="[delivery]\nbatchsize = 5\n"
    ),
    "misspelt variable": Mistake(
        "warning: KABLE_CLIENTID: there is no such variable, so it is not read; did you mean KABLE_CLIENT_ID?",
        variables={"KABLE_CLIENTID": "kci_1"},
        code=0,
    ),
    "misspelt action": Mistake(
        'error: subscriptions[0].partnerAction: there is no action "trak"; did you mean "track"?',
        toml='[[subscriptions]]\npartnerAction = "trak"\nsubscribe = \'type = "track"\'\n',
    ),
    "misspelt trigger": Mistake(
        'warning: calls: it compares type with "trak", which is not a type of Segment\'s events; did you mean "track"?',
        toml=f"{SUBSCRIPTION}'type = \"trak\"'\n",
        code=0,
    ),
    "trigger with two equals signs": Mistake(
        "Write = for that",
        toml=f"{SUBSCRIPTION}'type == \"track\"'\n",
    ),
    "misspelt path": Mistake(
        'warning: calls, data: reads $.propertes, but no event of Segment has "propertes"; did you mean "properties"?',
        toml=f'{SUBSCRIPTION}\'type = "track"\'\nmapping = {{ data = {{ "@path" = "$.propertes" }} }}\n',
        code=0,
    ),
    "misspelt field": Mistake(
        'error: subscriptions[0].mapping.clientID: the action has no such field; did you mean "clientId"?',
        toml=f'{SUBSCRIPTION}\'type = "track"\'\nmapping = {{ clientID = "x" }}\n',
    ),
    "misspelt directive": Mistake(
        'error: subscriptions[0].mapping.clientId: there is no directive "@pth"; did you mean @path?',
        toml=f'{SUBSCRIPTION}\'type = "track"\'\nmapping = {{ clientId = {{ "@pth" = "$.userId" }} }}\n',
    ),
    "misspelt destination": Mistake(
        '"kabel" is not installed; did you mean "kable"?',
        ("check", "--destination", "kabel"),
    ),
    "missing quotes in TOML": Mistake(
        "error: kable.toml: is not valid TOML: invalid value (line 2, column 17); put text in quotation marks: "
        'kableClientId = "kci_1"\n    kableClientId = kci_1\n                    ^',
        toml="[settings]\nkableClientId = kci_1\n",
    ),
    "missing quotes around a key": Mistake(
        "error: kable.toml: is not valid TOML: invalid value (line 2, column 10); put text in quotation marks: "
        'apiKey = "…"\n    apiKey = …\n             ^',
        toml=f"[settings]\napiKey = sk_test.{SECRET}\n",
    ),
    "missing end of a text in TOML": Mistake(
        "error: kable.toml: is not valid TOML: illegal character '\\n' (line 2, column 30); a quotation mark is "
        "missing at the end of the line\n    apiKey = …\n              ^",
        toml=f'[settings]\napiKey = "sk_test.{SECRET[:11]}\n',
    ),
    "unquoted directive": Mistake(
        'put the name of a directive in quotation marks, such as { "@path" = "$.userId" }',
        toml=f'{SUBSCRIPTION}\'type = "track"\'\n[subscriptions.mapping]\nclientId = {{ @path = "$.userId" }}\n',
    ),
    "quotes within quotes": Mistake(
        "put text in quotation marks: subscribe = 'type = \"track\"'",
        toml=f'{SUBSCRIPTION}"type = "track""\n',
    ),
    "Python's booleans": Mistake("write live = true", toml="[delivery]\nlive = True\n"),
    "a key twice": Mistake(
        "outbox is there twice, so remove one of them", toml='[delivery]\noutbox = "a"\noutbox = "b"\n'
    ),
    "outbox in another folder": Mistake(
        "error: outbox: there is no outbox at elsewhere/outbox.sqlite; deliver makes one, and --outbox names another",
        ("status", "--outbox", "elsewhere/outbox.sqlite"),
    ),
    "outbox in a folder that does not exist": Mistake(
        "error: outbox: the outbox elsewhere/outbox.sqlite cannot be made: there is no folder elsewhere",
        (*DELIVER, "--outbox", "elsewhere/outbox.sqlite"),
    ),
    "old option": Mistake("error: --live: is called --credentials now; nothing was sent", ("check", "--live")),
}
"""Each by what it is. The line is looked for in all that is printed."""


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_sentence_with_the_remedy(
    command_line: CommandLine, sandbox: RunningSandbox, name: str
) -> None:
    mistake = MISTAKES[name]
    folder = command_line.folder
    (folder / "events.ndjson").write_bytes(EVENTS)
    for path, content in mistake.files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    arguments = [text.replace("BASE_URL", sandbox.base_url) for text in mistake.arguments]
    if mistake.toml is not None:
        (folder / "kable.toml").write_text(mistake.toml, encoding="utf-8")
        arguments += [] if "--config" in arguments else ["--config", "kable.toml"]
    run = command_line(*arguments, stdin=b"", **mistake.variables)
    printed = run.out + run.err
    assert run.code == mistake.code, printed
    assert mistake.told in printed, printed
    assert "Traceback" not in printed
    assert SECRET not in printed
    errors = [line for line in run.err.splitlines() if line.startswith(("error:", "warning:"))]
    assert len(errors) == 1, printed
    assert sandbox.ledger.events == []


def test_windows_line_ends_are_read(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """In events, in the configuration and in `.env`; and the mark with which some editors begin a file."""
    toml = f'{SUBSCRIPTION}\'type = "track"\'\n[delivery]\nbaseUrl = "{sandbox.base_url}"\n'
    (command_line.folder / "kable.toml").write_text(f"\ufeff{toml}", encoding="utf-8", newline="\r\n")
    key, client = command_line.environment["KABLE_API_KEY"], command_line.environment["KABLE_CLIENT_ID"]
    file = f"\ufeffKABLE_API_KEY={key}\nKABLE_CLIENT_ID={client}\n"
    (command_line.folder / ".env").write_text(file, encoding="utf-8", newline="\r\n")
    (command_line.folder / ".env").chmod(0o600)
    lines = "".join(f"{json.dumps(track(number))}\r\n" for number in range(3))
    (command_line.folder / "events.ndjson").write_bytes(b"\xef\xbb\xbf" + lines.encode())
    unset = {"KABLE_API_KEY": "", "KABLE_CLIENT_ID": ""}
    run = command_line("deliver", "events.ndjson", "--config", "kable.toml", stdin=b"", **unset)
    assert (run.code, run.err) == (0, "")
    assert len(sandbox.ledger.events) == 3

"""A bug in an author's code says what it is and where; arguments of the wrong type are a TypeError."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.definitions import (
    ActionDefinition,
    Destination,
    DestinationDefinition,
    EventCounter,
    EventData,
    InputField,
    Preset,
    RequestBuilder,
    RequestOptions,
    SetupError,
    compile_fields,
    explain,
    lint,
    read_event,
)
from kable_destination.definitions.testing import run_action
from kable_destination.destination import kable
from segment_events import track

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"}
SECRET = "a-secret-of-somebody"  # noqa: S105 - it is made up


def definition(**action: Any) -> DestinationDefinition:
    """Make a destination whose author's code is given."""
    return DestinationDefinition(
        name="Test",
        slug="test",
        settings={"apiKey": InputField(label="Key", type="password")},
        extend_request=lambda _: RequestOptions("https://api.example.com"),
        actions={
            "send": ActionDefinition(
                title="Send",
                fields={"units": InputField(label="Units", type="number", default={"@path": "$.properties.units"})},
                **{"perform": lambda request, data: request("POST", "/", json=data.payload), **action},
            )
        },
        presets=(Preset(name="All", partner_action="send", subscribe='type = "track"'),),
    )


def missing_key(_: RequestBuilder, data: EventData) -> Any:
    return data.payload["amount"]


def in_a_library(_: RequestBuilder, __: EventData) -> Any:
    return json.loads("{")


def with_a_secret(_: RequestBuilder, data: EventData) -> Any:
    raise ValueError(f"the key {data.settings['apiKey']} is wrong\n\x1b[31mred")


class SilentError(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


def silent(_: RequestBuilder, __: EventData) -> Any:
    raise SilentError


def ending(_: RequestBuilder, __: EventData) -> Any:
    raise SystemExit(3)


def for_settings(_: RequestBuilder, __: EventData) -> Any:
    raise SetupError("not like this")


def exchange(_: RequestBuilder, data: EventData) -> Any:
    yield data.payload["amount"]


def line_of(function: Callable[..., Any], text: str) -> int:
    code = function.__code__
    lines = Path(code.co_filename).read_text(encoding="utf-8").splitlines()
    return next(number for number in range(code.co_firstlineno, len(lines)) if text in lines[number - 1])


@pytest.mark.parametrize(
    ("perform", "said", "text"),
    [
        (missing_key, "missing_key: KeyError: 'amount'", "amount"),
        (in_a_library, "in_a_library: JSONDecodeError: Expecting property name", "json.loads"),
        (exchange, "KeyError: 'amount'", "amount"),
        (silent, "silent: SilentError (file", "raise SilentError"),
        (ending, "ending: SystemExit: 3 (file", "raise SystemExit"),
        (for_settings, "for_settings: SetupError: not like this (file", "raise SetupError"),
    ],
)
def test_a_bug_in_perform_shows_exception_value_file_and_line(perform: Any, said: str, text: str) -> None:
    destination = Destination(definition(perform=perform), {})
    (outcome,) = destination.plan([track()]).outcomes
    message = str(outcome.error)
    assert said in message
    assert f'(file "{perform.__code__.co_filename}", line {line_of(perform, text)})' in message
    assert "this is a fault of the plugin" in message
    assert said in run_action(definition(perform=perform), "send", track()).reason


def test_a_bug_in_prepare_is_shown_too() -> None:
    def prepare(data: EventData) -> Any:
        return 1 / int(data.payload["units"])

    (outcome,) = Destination(definition(prepare=prepare), {}).plan([track(properties={"units": 0})]).outcomes
    assert "prepare: ZeroDivisionError: division by zero (file" in str(outcome.error)


def test_a_secret_in_an_exception_is_masked_and_nothing_steers_the_terminal() -> None:
    (outcome,) = Destination(definition(perform=with_a_secret), {"apiKey": SECRET}).plan([track()]).outcomes
    message = str(outcome.error)
    assert "ValueError: the key •••••••• is wrong" in message
    assert SECRET not in message
    assert "\n" not in message
    assert "\x1b" not in message


def test_a_bug_in_what_sets_a_destination_up_is_a_set_up_error() -> None:
    def extend_request(settings: Any) -> RequestOptions:
        return RequestOptions(settings["region"])

    broken = definition().model_copy(update={"extend_request": extend_request})
    with pytest.raises(SetupError, match=r"extend_request: KeyError: 'region' \(file .*, line \d+\)"):
        Destination(broken, {})


@pytest.mark.parametrize(
    ("event", "kind"),
    [(b"{}", "bytes"), ("{}", "string"), ((1,), "array"), (5, "number"), ({1}, "set"), (None, "null")],
)
def test_what_is_no_event_is_named(event: Any, kind: str) -> None:
    (outcome,) = READY.plan([event]).outcomes
    assert str(outcome.error) == f"an event is an object, but this is {kind}"


def test_settings_that_an_author_refuses_are_a_set_up_error() -> None:
    def extend_request(_: Any) -> RequestOptions:
        raise SetupError("the region is unknown")

    with pytest.raises(SetupError, match=r"^the region is unknown$"):
        Destination(definition().model_copy(update={"extend_request": extend_request}), {})


READY = Destination(kable, SETTINGS)


@pytest.mark.parametrize(
    "call",
    [
        lambda: READY.plan("abc"),
        lambda: READY.plan(b"abc"),
        lambda: READY.plan(track()),
        lambda: READY.plan(None),  # type: ignore[arg-type]
        lambda: READY.plan(5),  # type: ignore[arg-type]
        lambda: READY.planner().feed("abc"),
        lambda: READY.planner().feed(track()),
        lambda: READY.planner().feed_texts(b"{}"),  # type: ignore[arg-type]
        lambda: READY.planner().feed_texts("{}"),  # type: ignore[arg-type]
        lambda: Destination("kable", SETTINGS),  # type: ignore[arg-type]
        lambda: Destination(kable, "settings"),  # type: ignore[arg-type]
        lambda: Destination(kable, None),  # type: ignore[arg-type]
        lambda: Destination(kable, SETTINGS, "all"),  # type: ignore[arg-type]
        lambda: Destination(kable, SETTINGS, [{"partnerAction": "track"}]),  # type: ignore[list-item]
        lambda: read_event("{}"),  # type: ignore[arg-type]
        lambda: compile_fields([1]),  # type: ignore[arg-type]
        lambda: lint("kable"),  # type: ignore[arg-type]
        lambda: explain(kable, track()),  # type: ignore[arg-type]
        lambda: EventCounter(kable),  # type: ignore[arg-type]
    ],
)
def test_arguments_of_the_wrong_type_are_a_type_error(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match="but th"):
        call()


@pytest.mark.parametrize("events", [[track()], (track(),), iter([track()])])
def test_any_iterable_of_events_will_do(events: Any) -> None:
    assert len(READY.plan(events).requests) == 1

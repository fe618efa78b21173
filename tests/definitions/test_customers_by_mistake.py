"""A mapping that would bill the wrong customer is refused or warned of, and what is no identifier is never billed."""

from __future__ import annotations

from typing import Any

import pytest

from kable_destination.definitions import (
    Destination,
    DestinationDefinition,
    InputField,
    MappingError,
    RejectedError,
    SetupError,
    Subscription,
    TriggerError,
    compile_fields,
    compile_mapping,
    compile_trigger,
    lint,
)
from kable_destination.destination import kable
from manifests import action, field, manifest, preset
from segment_events import track

SETTINGS = {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"}


def ready(mapping: dict[str, Any], subscribe: str = 'type = "track"', **settings: Any) -> Destination:
    subscription = Subscription(partner_action="track", subscribe=subscribe, mapping=mapping)
    return Destination(kable, {**SETTINGS, **settings}, [subscription])


def problems(mapping: dict[str, Any]) -> list[str]:
    with pytest.raises(SetupError) as error:
        ready(mapping)
    return [str(problem).removeprefix("subscriptions[0].mapping.") for problem in error.value.problems]


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("$.userId", ""),
        ("$['userId']", ""),
        ("$[0].id", ""),
        (" $.userId", ""),
        ({"@template": "$.userId"}, ".@template"),
        ({"@liquid": "$.userId"}, ".@liquid"),
        ({"@if": {"exists": {"@path": "$.userId"}, "then": "$.userId"}}, ".@if.then"),
        ({"@if": {"exists": "$.userId", "then": {"@path": "$.userId"}}}, ".@if.exists"),
        ({"@case": {"operator": "lower", "value": "$.userId"}}, ".@case.value"),
        ({"@replace": {"pattern": "a", "value": "$.userId"}}, ".@replace.value"),
        ({"@json": {"mode": "encode", "value": ["$.a"]}}, ".@json.value[0]"),
        ({"@merge": {"objects": [{"a": "$.a"}], "direction": "left"}}, ".@merge.objects[0].a"),
        ({"@transform": {"apply": {"x": "$.a"}, "mapping": {"@path": "$.x"}}}, ".@transform.apply.x"),
        ({"@arrayPath": ["$.properties.items", {"sku": "$.sku"}]}, ".@arrayPath[1].sku"),
        ({"deep": [{"a": "$.a"}]}, ".deep[0].a"),
        ({"@excludeWhenNull": "$.a"}, ".@excludeWhenNull"),
    ],
)
def test_text_that_reads_as_a_path_is_refused_wherever_a_value_is_expected(value: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        compile_mapping({"f": value})
    (problem,) = error.value.problems
    assert problem.place == f"f{place}"
    assert "@path" in problem.message
    assert any(f"f{place}" in line or "data" in line for line in problems({"data": value}))


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ({"@literal": "$.userId"}, "$.userId"),
        ({"@literal": {"a": ["$.a"]}}, {"a": ["$.a"]}),
        ({"@replace": {"pattern": "$.", "replacement": "$[", "value": {"@path": "$.x"}}}, "$[a"),
        ({"@path": {"@template": "$.{{key}}"}}, "found"),
        ({"@flatten": {"value": {"a": {"b": 1}}, "separator": "$."}}, {"a$.b": 1}),
        ("US$.5", "US$.5"),
        ("$5", "$5"),
    ],
)
def test_a_text_that_is_meant_or_no_value_passes(value: Any, given: Any) -> None:
    assert compile_mapping({"f": value})({"x": "$.a", "key": "y", "y": "found"})["f"] == given


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("acme", ""),
        (17, ""),
        (["acme"], "[0]"),
        ({"@template": "acme"}, ".@template"),
        ({"@liquid": "acme"}, ".@liquid"),
        ({"@liquid": "{{ userId | default: 'acme' }}"}, ".@liquid"),
        ({"@liquid": "{% if userId %}{{ userId }}{% else %}acme{% endif %}"}, ".@liquid"),
        ({"@liquid": "{% if properties.vip %}acme{% else %}{{ userId }}{% endif %}"}, ".@liquid"),
        ({"@liquid": "{% if a %}{{ userId }}{% elsif b %}{% unless c %}acme{% endunless %}{% endif %}"}, ".@liquid"),
        ({"@liquid": "{% liquid\nif a\necho 'acme'\nelse\necho userId\nendif %}"}, ".@liquid"),
        ({"@liquid": "{% capture x %}{% if a %}acme{% endif %}{% endcapture %}{{ x }}"}, ".@liquid"),
        ({"@if": {"exists": {"@path": "$.userId"}, "then": {"@path": "$.userId"}, "else": "acme"}}, ".@if.else"),
        ({"@if": {"exists": {"@path": "$.userId"}, "then": {"@template": "acme"}}}, ".@if.then.@template"),
        ({"@case": {"operator": "upper", "value": "acme"}}, ".@case.value"),
        ({"@replace": {"pattern": "x", "value": "acme"}}, ".@replace.value"),
        ({"@json": {"mode": "encode", "value": 7}}, ".@json.value"),
        ({"@transform": {"apply": {"id": "acme"}, "mapping": {"@path": "$.id"}}}, ".@transform.apply.id"),
        (
            {"@transform": {"apply": {"n": {"id": "acme"}}, "mapping": {"@path": "$.n.id"}}},
            ".@transform.apply.n.id",
        ),
        ({"@excludeWhenNull": "acme"}, ".@excludeWhenNull"),
    ],
)
@pytest.mark.parametrize("key", ["clientId", "transactionId"])
def test_a_constant_in_any_branch_is_refused_for_an_identifier(key: str, value: Any, place: str) -> None:
    (line,) = problems({key: value})
    assert line.startswith(f"{key}{place}: ")
    assert "is a constant" in line
    assert ("duplicates" in line) is (key == "transactionId")


def test_a_literal_customer_is_meant_but_a_literal_idempotency_key_is_not() -> None:
    (planned,) = ready({"clientId": {"@literal": "acme"}}).plan([track(userId=None)]).requests
    assert b'"clientId":"acme"' in planned.request.content
    assert "duplicates" in problems({"transactionId": {"@literal": "one"}})[0]
    branch = {"@if": {"exists": {"@path": "$.messageId"}, "then": {"@path": "$.messageId"}, "else": {"@literal": "x"}}}
    assert "duplicates" in problems({"transactionId": branch})[0]
    assert "duplicates" in problems({"transactionId": {"@template": {"@literal": "acme"}}})[0]


def test_a_path_without_its_beginning_is_named() -> None:
    assert 'did you mean {"@path": "$.userId"}?' in problems({"clientId": "userId"})[0]
    assert 'did you mean {"@path": "$.properties.id"}?' in problems({"transactionId": "properties.id"})[0]


@pytest.mark.parametrize("mapping", [{"data": {"a": "constant", "b": 1}}, {"clientId": None}, {"clientId": ""}])
def test_other_constants_and_the_lack_of_a_value_are_no_such_mistake(mapping: dict[str, Any]) -> None:
    ready(mapping)


@pytest.mark.parametrize(
    ("fql", "advice"),
    [
        ("event != null", 'write contains(event, "")'),
        ("event = null", 'write type != "track"'),
        ("type = null", "Every event has a type"),
        ("type != null", "Every event has a type"),
        ('type = "track" and (event != null)', 'write contains(event, "")'),
        ("event > null", 'write type != "track"'),
        ("properties.paid = True", "Write true"),
        ("properties.paid != NULL", "Write null"),
        ("userId = None", "Write null"),
        ("userId != undefined", "Write null"),
    ],
)
def test_a_word_that_segment_compares_as_text_is_refused(fql: str, advice: str) -> None:
    with pytest.raises(TriggerError) as error:
        compile_trigger(fql)
    assert advice in str(error.value)
    compile_trigger(fql, is_published=True)


@pytest.mark.parametrize(
    "fql", ['event = "null"', 'properties.paid = "True"', "userId != null", "properties.x = Nullable"]
)
def test_the_same_in_quotes_or_where_it_has_a_meaning_passes(fql: str) -> None:
    compile_trigger(fql)


@pytest.mark.parametrize(
    ("subscribe", "mapping", "expected"),
    [
        ('type = "trak"', {}, 'did you mean "track"?'),
        ('type = "Track"', {}, 'did you mean "track"?'),
        ('type != "purchase"', {}, "they are alias, delete"),
        ('type = "track"', {"data": {"@path": "$.propertes"}}, 'did you mean "properties"?'),
        ('type = "track"', {"transactionId": {"@path": "$.message_id"}}, 'did you mean "messageId"?'),
        ('type = "track"', {"clientId": {"@template": "{{$.userId}}"}}, 'write "{{userId}}"'),
        ('type = "track"', {"clientId": {"@liquid": "{{ user_id }}"}}, 'did you mean "userId"?'),
        ('type = "track"', {"clientId": {"@path": "$.plan"}}, "is in properties, traits or context"),
        ('type = "track"', {"clientId": {"@path": "$.context.group_id"}}, 'write "context.groupId"'),
        ('type = "track" and context.librari.name = "x"', {}, 'write "context.library"'),
    ],
)
def test_a_type_or_a_path_that_no_event_has_is_a_warning_with_the_nearest(
    subscribe: str, mapping: dict[str, Any], expected: str
) -> None:
    (warning,) = ready(mapping, subscribe).probable_mistakes()
    assert expected in str(warning)


def test_what_is_usual_is_no_warning() -> None:
    mapping = {"clientId": {"@path": "$.context.tenant"}, "data": {"@path": "$.properties.anything.at.all"}}
    assert list(ready(mapping).probable_mistakes()) == []
    assert list(Destination(kable, SETTINGS).probable_mistakes()) == []
    (warning,) = ready({}, clientIdField="user_id").probable_mistakes()
    assert 'did you mean "userId"?' in str(warning)


def test_a_published_definition_loads_with_a_finding() -> None:
    """What Segment evaluates is good enough there; a user who writes the same is refused."""
    given = manifest(
        actions={"send": action(fields={"name": field(default="$.event")}, defaultSubscription="event != null")},
        presets=[preset(subscribe='type = "track" and event != null', mapping={"name": "$.name"})],
    )
    definition = DestinationDefinition.from_manifest(given)
    codes = [finding.code for finding in lint(definition)]
    assert codes.count("KD306") == 2
    assert codes.count("KD210") == 2
    settings = {"apiKey": "secret-key"}
    (compiled,) = Destination(definition, settings).compiled_subscriptions
    assert compiled.matches({"type": "track", "event": "X"})
    assert compiled.payload({"type": "track"}) == {"name": "$.name"}
    own = Subscription(partner_action="send", subscribe='type = "track"', mapping={"name": "$.event"})
    with pytest.raises(SetupError, match="would be sent as text"):
        Destination(definition, settings, [own])


PLACEHOLDERS = [
    "(nil)", "[object Undefined]", "[object Null]", "%!s(<nil>)", "%!v(<nil>)", "<no value>", "<NA>", "\\N",
    "Optional(nil)", "00000000-0000-0000-0000-000000000000",
    "undefined", "null", "NULL", "None", "nil", "<nil>", "<null>", "(null)", "NaN", "nan", "[object Object]", " null ",
    "\t[object Object]\n", "\u200b", "\u2060\ufeff", "\u00ad", "\u2800", "\u3164", "\x00", " \u200d\ufe0f ",
    "None\u200b", "\ufeffundefined", "\u2060 [object Object] \u2060", "nu\u00adll", "<no\u200b value>", "nan\x00",
]  # fmt: skip


@pytest.mark.parametrize("value", PLACEHOLDERS)
@pytest.mark.parametrize("key", ["userId", "messageId"])
def test_what_programs_print_for_no_value_is_never_billed(key: str, value: str) -> None:
    event = {**track(), key: value}
    subscribed, preset_only = ready({}), Destination(kable, SETTINGS)
    for plan in (subscribed.plan([event]), preset_only.plan([event])):
        (outcome,) = plan.outcomes
        assert outcome.status == "rejected"
        assert "an identifier must name something" in str(outcome.error)


@pytest.mark.parametrize(
    "value",
    [
        "undefined-1",
        "N",
        "[object object]",
        "00000000-0000-0000-0000-000000000001",
        "Optional(1)",
        "nil@example.com",
        "Null",
        "\u200bacme",
        "é",
        "中文",
        "a b",
        "👩‍👩‍👧",
        "0",
        "null,1",
    ],
)
def test_a_name_that_only_looks_so_is_billed(value: str) -> None:
    (planned,) = ready({}).plan([track(userId=value)]).requests
    assert planned.batch.payloads[0]["clientId"] == value


def test_a_field_may_allow_placeholders() -> None:
    allowing = InputField(label="F", type="string", identifier=True, allows_placeholders=True)
    assert compile_fields({"f": allowing})({"f": "null"}) == {"f": "null"}
    with pytest.raises(RejectedError, match="is blank"):
        compile_fields({"f": allowing})({"f": "\u200b"})


FLAG, OBJECT, NOTHING = {"@path": "$.properties.flag"}, {"@path": "$.properties"}, {"@path": "$.properties.none"}


@pytest.mark.parametrize(
    "mapping",
    [
        {"@template": "{{properties}}"},
        {"@template": "{{properties.flag}}"},
        {"@template": "user-{{properties}}"},
        {"@template": "user-{{properties.flag}}"},
        {"@template": "user-{{properties.none}}"},
        {"@template": "{{userId}}-{{properties.none}}"},
        {"@template": "user-{{properties.undefined}}"},
        {"@template": "user-{{properties.list}}"},
        {"@template": "user-{{properties.half}}"},
        {"@json": {"mode": "encode", "value": {"@path": "$.properties.null"}}},
        {"@json": {"mode": "encode", "value": FLAG}},
        {"@json": {"mode": "encode", "value": {"@path": "$.properties.undefined"}}},
        {"@json": {"mode": "encode", "value": {"@path": "$.properties.empty"}}},
        {"@replace": {"pattern": "x", "value": FLAG}},
        {"@replace": {"pattern": "x", "value": {"@path": "$.properties.half"}}},
        {"@case": {"operator": "upper", "value": {"@path": "$.properties.undefined"}}},
        {"@if": {"exists": {"@path": "$.type"}, "then": {"@template": "user-{{properties.flag}}"}}},
        {"@liquid": "{{ properties }}"},
        {"@liquid": "{{ properties.flag }}"},
        {"@liquid": "user-{{ properties.none }}"},
        {"@liquid": "user-{{ properties.undefined }}"},
        {"@transform": {"apply": {"id": {"@template": "user-{{properties.none}}"}}, "mapping": {"@path": "$.id"}}},
        {"@transform": {"apply": {"n": {"id": {"@liquid": "u{{ none }}"}}}, "mapping": {"@template": "{{n.id}}"}}},
        {"@template": {"@path": "$.properties.undefined"}},
        FLAG,
        OBJECT,
        NOTHING,
    ],
)
def test_what_makes_text_of_anything_does_not_make_an_identifier_of_it(mapping: Any) -> None:
    event = track(properties={
        "flag": True, "null": None, "undefined": "undefined", "list": ["a"], "half": 1.5, "empty": {}
    })  # fmt: skip
    (outcome,) = ready({"clientId": mapping}).plan([event]).outcomes
    assert outcome.status == "rejected"
    assert outcome.problems[0].place.startswith("clientId")


@pytest.mark.parametrize(
    ("mapping", "sent"),
    [
        ({"@template": "{{properties.team}}-{{properties.n}}"}, "blue-7"),
        ({"@template": "{{ userId }}"}, "u-1"),
        ({"@json": {"mode": "encode", "value": {"@path": "$.properties.key"}}}, '["blue",7]'),
        ({"@replace": {"pattern": "-", "replacement": "_", "value": {"@path": "$.userId"}}}, "u_1"),
        ({"@case": {"operator": "upper", "value": {"@template": "{{properties.team}}"}}}, "BLUE"),
        ({"@liquid": "{{ properties.team | upcase }}-{{ properties.n }}"}, "BLUE-7"),
        ({"@if": {"exists": NOTHING, "then": NOTHING, "else": {"@path": "$.userId"}}}, "u-1"),
    ],
)
def test_an_identifier_may_be_made_of_identifiers(mapping: Any, sent: str) -> None:
    event = track(userId="u-1", properties={"team": "blue", "n": 7, "key": ["blue", 7]})
    (planned,) = ready({"clientId": mapping}).plan([event]).requests
    assert planned.batch.payloads[0]["clientId"] == sent


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01", "0001-01-01T00:00:00.000Z",
        "1999-12-31T23:59:59Z",
        "2000-01-01T00:30:00+01:00", "1900-01-01T00:00:00Z", "1601-01-01T00:00:00Z", "1980-01-06", "1999-W52",
    ],
)  # fmt: skip
def test_an_unset_clock_is_not_billed(moment: Any) -> None:
    (outcome,) = ready({}).plan([track(timestamp=moment)]).outcomes
    assert outcome.status == "rejected"
    assert outcome.problems[0].place == "timestamp"


@pytest.mark.parametrize(
    "moment", ["2000-01-01T00:00:00Z", "1999-12-31T23:30:00-01:00", "2026-03-04", 1468836000, 1468836000000]
)
def test_a_moment_since_2000_is_billed(moment: Any) -> None:
    assert len(ready({}).plan([track(timestamp=moment)]).requests) == 1

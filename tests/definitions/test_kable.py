"""What Kable receives: the documented example, the environments, the defaults, the settings that change them."""

import json
from typing import Any

import httpx
import pytest

from kable_destination.definitions import (
    ConfigurationError,
    CredentialsError,
    Destination,
    Plan,
    RefusedError,
    RetryableError,
    SetupError,
    Subscription,
    UnexpectedAnswerError,
)
from kable_destination.destination import kable
from segment_events import track

SETTINGS = {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"}

EXAMPLE = {
    "type": "track",
    "event": "your_event_type",
    "userId": "yourcompanyuser_1234567890",
    "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
    "timestamp": "2022-01-09T09:32:01Z",
    "properties": {
        "segmentX": "important data point",
        "messageId": "msg_ABC123XYZ456",
        "objectCount": 12,
        "bankAccountBalance": 399.99,
    },
}
EXAMPLE_BODY = (
    b'{"clientId":"yourcompanyuser_1234567890","timestamp":"2022-01-09T09:32:01Z",'
    b'"transactionId":"022bb90c-bbac-11e4-8dfc-aa07a5b093db",'
    b'"data":{"kableX":"important data point","messageId":"msg_ABC123XYZ456",'
    b'"objectCount":12,"bankAccountBalance":399.99}}'
)


def plan(*events: Any, subscriptions: list[Subscription] | None = None, **settings: Any) -> Plan:
    """Plan events for Kable."""
    return Destination(kable, {**SETTINGS, **settings}, subscriptions).plan(events)


def body(made: Plan) -> Any:
    """Give the body of a plan's only request."""
    (planned,) = made.requests
    return json.loads(planned.request.content)


def test_the_documented_example_plans_to_the_documented_request() -> None:
    (planned,) = plan(EXAMPLE, propertiesMappings={"segmentX": "kableX"}).requests
    request = planned.request
    assert (request.method, str(request.url)) == ("POST", "https://live.kable.io/api/v1/events/create")
    assert request.content == EXAMPLE_BODY
    assert dict(request.headers) == {
        "kable-client-id": "kci_0001",
        "kable-client-secret": "sk_live.abcdefgh",
        "content-type": "application/json",
        "accept": "application/json",
        "host": "live.kable.io",
        "content-length": str(len(EXAMPLE_BODY)),
    }


def test_a_test_key_goes_to_the_test_environment() -> None:
    (planned,) = plan(track(), apiKey="sk_test.abcdefgh").requests
    assert planned.request.url.host == "test.kable.io"


def test_one_event_is_an_object_and_several_are_a_list() -> None:
    assert isinstance(body(plan(track(1))), dict)
    assert [event["transactionId"] for event in body(plan(track(1), track(2)))] == ["message-000001", "message-000002"]


def test_the_client_id_field_names_another_field() -> None:
    event = track(context={"groupId": "group_9"})
    assert body(plan(event, clientIdField="context.groupId"))["clientId"] == "group_9"
    assert body(plan(event, clientIdField="$.context.groupId"))["clientId"] == "group_9"
    assert body(plan(event, clientIdField=""))["clientId"] == "customer_0"


def test_a_subscriptions_own_mapping_wins_over_the_setting() -> None:
    own = Subscription(
        partner_action="track", subscribe='type = "track"', mapping={"clientId": {"@path": "$.properties.region"}}
    )
    made = plan(track(context={"groupId": "group_9"}), subscriptions=[own], clientIdField="context.groupId")
    assert body(made)["clientId"] == "eu"
    assert body(made)["transactionId"] == "message-000000", "fields that it leaves out keep their defaults"


def test_an_engage_membership_is_recorded_with_its_traits_as_they_are() -> None:
    event = {
        "type": "identify",
        "userId": "u1",
        "messageId": "m1",
        "timestamp": "2026-03-04T05:06:07Z",
        "traits": {"order_completed_last_30days": True},
        "context": {"personas": {"computation_class": "audience", "computation_key": "order_completed_last_30days"}},
    }
    made = plan(event, propertiesMappings={"order_completed_last_30days": "renamed"})
    assert body(made)["data"] == {"order_completed_last_30days": True}


def test_an_ordinary_identify_call_bills_nobody() -> None:
    (outcome,) = plan({"type": "identify", "userId": "u1", "traits": {"plan": "pro"}}).outcomes
    assert (outcome.status, outcome.reason) == ("skipped", "not_subscribed")


@pytest.mark.parametrize(
    ("value", "sent"), [("abc", "abc"), (" a ", " a "), (42, "42"), (5.0, "5"), (2**60, str(2**60))]
)
def test_an_identifier_is_text_or_the_digits_of_an_integer(value: object, sent: str) -> None:
    assert body(plan(track(userId=value)))["clientId"] == sent


@pytest.mark.parametrize("key", ["userId", "messageId"])
@pytest.mark.parametrize("value", [None, "", "  ", True, False, 1.5, 1e22, ["a"], [], {"id": 1}, {}])
def test_an_identifier_is_never_guessed(key: str, value: Any) -> None:
    made = plan({**track(), key: value}, track(2))
    assert [outcome.status for outcome in made.outcomes] == ["rejected", "planned"]
    place = {"userId": "clientId", "messageId": "transactionId"}[key]
    assert [problem.place for problem in made.outcomes[0].problems] == [place]


@pytest.mark.parametrize("value", ["text", 5, [1], True])
def test_properties_that_are_no_object_are_rejected(value: object) -> None:
    (outcome,) = plan(track(properties=value)).outcomes
    assert [problem.place for problem in outcome.problems] == ["data"]


@pytest.mark.parametrize("value", [None, {}])
def test_an_event_may_have_no_data(value: object) -> None:
    made = plan(track(properties=value))
    assert made.outcomes[0].status == "planned"


def test_all_problems_of_an_event_are_told_at_once() -> None:
    (outcome,) = plan({"type": "track", "properties": []}).outcomes
    assert {problem.place for problem in outcome.problems} == {"clientId", "timestamp", "transactionId", "data"}


def test_a_second_usage_event_with_the_same_transaction_id_is_rejected() -> None:
    both = [Subscription(partner_action="track", subscribe='type = "track"') for _ in range(2)]
    made = plan(track(1), subscriptions=both)
    assert [outcome.status for outcome in made.outcomes] == ["planned", "rejected"]
    (problem,) = made.outcomes[1].problems
    assert problem.place == "transactionId"
    assert "discard" in problem.message


def test_subscriptions_whose_transaction_ids_differ_both_record() -> None:
    second = {"transactionId": {"@template": "{{messageId}}-bytes"}}
    made = plan(
        track(1),
        subscriptions=[
            Subscription(partner_action="track", subscribe='type = "track"'),
            Subscription(partner_action="track", subscribe='type = "track"', mapping=second),
        ],
    )
    assert [event["transactionId"] for event in body(made)] == ["message-000001", "message-000001-bytes"]


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"apiKey": None}, "settings.apiKey"),
        ({"kableClientId": ""}, "settings.kableClientId"),
        ({"apiKey": "sk_test.with\nnewline"}, "settings.apiKey"),
        ({"apiKey": "sk_test.with\u2026ellipsis"}, "settings.apiKey"),
        ({"propertiesMappings": {"a": "x", "b": "x"}}, "settings.propertiesMappings.b"),
        ({"propertiesMappings": {"a": "x", "a.b": "y"}}, "settings.propertiesMappings.a.b"),
        ({"propertiesMappings": ["a"]}, "settings.propertiesMappings"),
        ({"kableClientID": "kci_0001"}, "settings.kableClientID"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name_and_never_by_value(settings: dict[str, Any], place: str) -> None:
    with pytest.raises(SetupError) as caught:
        plan(**settings)
    assert place in [problem.place for problem in caught.value.problems]
    assert "sk_test" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, None) for status in (200, 201, 202, 204)),
        *((status, RefusedError) for status in (400, 409, 413, 422)),
        *((status, CredentialsError) for status in (401, 403)),
        *((status, ConfigurationError) for status in (301, 302, 307, 308, 404, 405, 410)),
        *((status, RetryableError) for status in (207, 408, 423, 425, 429, 500, 501, 502, 503, 504, 599)),
        *((status, ConfigurationError) for status in (402, 407)),
        # These say nothing about the content, so no event may be given up for them.
        *((status, ConfigurationError) for status in (406, 415, 418, 431, 451)),
        (101, UnexpectedAnswerError),
    ],
)
def test_every_answer_has_its_meaning(status: int, expected: type[Exception] | None) -> None:
    destination = Destination(kable, SETTINGS)
    (planned,) = destination.plan([track(1), track(2)]).requests
    answer = httpx.Response(status, headers={"X-REQUEST-ID": "req_77"}, json={"message": "the reason"})
    results = destination.read(planned, answer)
    assert isinstance(results, list)
    assert [result.index for result in results] == [0, 1]
    for result in results:
        assert result.request_id == "req_77"
        assert result.delivered is (expected is None)
        assert type(result.error) is (expected or type(None))
        if expected is not None:
            assert "req_77" in str(result.error)
            assert "the reason" in str(result.error) or status == 207


def test_the_authentication_test_asks_kable_and_bills_nothing() -> None:
    destination = Destination(kable, SETTINGS)
    request = destination.authentication_request()
    assert request is not None
    assert str(request.url) == "https://live.kable.io/api/v1/authenticate"
    assert request.headers["X-CLIENT-ID"] == request.headers["Kable-Client-ID"] == "kci_0001"
    assert request.headers["X-API-KEY"] == request.headers["Kable-Client-Secret"] == "sk_live.abcdefgh"
    assert destination.read_authentication(httpx.Response(200)) is None
    assert isinstance(destination.read_authentication(httpx.Response(401)), CredentialsError)

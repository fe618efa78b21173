"""Timestamps go out as RFC 3339, or the event is rejected."""

import pytest

from kable_destination.definitions import FieldsError, InputField, RejectedError, compile_fields
from kable_destination.definitions.fields.datetimes import datetime_fault
from kable_destination.definitions.fields.rfc3339 import rfc3339


@pytest.mark.parametrize(
    "value",
    [
        "2022-01-09T09:32:01Z",
        "2026-03-04T05:06:07.890Z",
        "2026-03-04T05:06:07.123456789+05:30",
        "2026-03-04T05:06:07-00:00",
        "2026-03-04t05:06:07z",
        "2024-02-29T23:59:59Z",
        "2016-12-31T23:59:60Z",
        "2017-01-01T00:59:60+01:00",
        "9999-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00Z",
    ],
)
def test_rfc3339_passes_unchanged(value: str) -> None:
    assert rfc3339(value) == value


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("2026-03-04", "2026-03-04T00:00:00Z"),
        ("20260304", "2026-03-04T00:00:00Z"),
        (20260304, "2026-03-04T00:00:00Z"),
        ("2026-03-04T05:06:07", "2026-03-04T05:06:07Z"),
        ("2026-03-04 05:06:07", "2026-03-04T05:06:07Z"),
        ("2026-03-04 05:06:07Z", "2026-03-04T05:06:07Z"),
        ("2026-03-04T05:06", "2026-03-04T05:06:00Z"),
        ("2026-03-04T05", "2026-03-04T05:00:00Z"),
        ("2026-03-04T05:06+02:00", "2026-03-04T03:06:00Z"),
        ("2026-03-04T05:06:07+0530", "2026-03-03T23:36:07Z"),
        ("2026-03-04T05:06:07-03", "2026-03-04T08:06:07Z"),
        ("2026-03-04T05:06:07.1234567891", "2026-03-04T05:06:07.1234567891Z"),
        ("2026-03-04T05:06:07,5Z", "2026-03-04T05:06:07.5Z"),
        ("20260304T050607Z", "2026-03-04T05:06:07Z"),
        ("20260304T050607.25+0100", "2026-03-04T04:06:07.25Z"),
        ("2026-W10-3", "2026-03-04T00:00:00Z"),
        ("2026W103T0506", "2026-03-04T05:06:00Z"),
        ("2026-063", "2026-03-04T00:00:00Z"),
        ("2026-03-04T24:00:00Z", "2026-03-05T00:00:00Z"),
        (1772600767, "2026-03-04T05:06:07Z"),
        ("1772600767", "2026-03-04T05:06:07Z"),
        (1772600767.0, "2026-03-04T05:06:07Z"),
        (1772600767890, "2026-03-04T05:06:07.890Z"),
        ("1772600767890", "2026-03-04T05:06:07.890Z"),
    ],
)
def test_other_forms_become_utc(value: object, sent: str) -> None:
    assert rfc3339(value) == sent


@pytest.mark.parametrize(
    "value",
    [
        "2026",
        "123",
        123,
        -1,
        0,
        1772600767.5,
        17726007670,
        "2026-03",
        "2026-02-30",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-03-04T25:00:00Z",
        "2026-03-04T05:06:61Z",
        "2026-03-04T05:06:60Z",
        "2026-03-04T05:06:07+24:00",
        "2026-366",
        "2026-W54-1",
        "yesterday",
        "Mar 4 2026",
        "04/03/2026",
        "",
        " ",
        " 2026-03-04",
        "2026-03-04T05:06:07Z\n",
        "٢٠٢٦-03-04",
        True,
        1e300,
        float("nan"),
        10**400,
        "9" * 10_000,
    ],
)
def test_what_names_no_moment_is_rejected_and_named(value: object) -> None:
    assert rfc3339(value) is None
    fields = compile_fields({"at": InputField(label="Timestamp", type="datetime", rfc3339=True, required=True)})
    with pytest.raises(RejectedError) as caught:
        fields({"at": value})
    (problem,) = caught.value.problems
    assert problem.place == "at"
    assert problem.message.startswith("Timestamp ")
    assert len(problem.message) < 300


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("2026-03-04T05:06:07.890Z", "2026-03-04T05:06:07.890Z"),
        ("2026-03-04", "2026-03-04T00:00:00Z"),
        (1772600767, "2026-03-04T05:06:07Z"),
        ([1772600767], "2026-03-04T05:06:07Z"),
    ],
)
def test_a_field_gives_its_moment_as_rfc3339_and_takes_it_back(value: object, sent: str) -> None:
    fields = compile_fields({"at": InputField(label="At", type="datetime", rfc3339=True)})
    assert fields({"at": value}) == {"at": sent}
    assert fields({"at": sent}) == {"at": sent}


@pytest.mark.parametrize("at", range(24))
def test_the_quick_test_of_the_common_form_decides_as_the_thorough_one(at: int) -> None:
    """Each character of a moment is replaced by others."""
    fields = compile_fields({"at": InputField(label="At", type="datetime", rfc3339=True)})

    def answer(text: str) -> object:
        try:
            return fields({"at": text})["at"]
        except RejectedError:
            return None

    signs = [*map(chr, range(0x250)), *"\u0663\u06f3\uff13\u2028\ud800\U0001d7d1"]
    for common in ("2026-03-04T05:06:07.890Z", "2024-02-29T23:59:59.999Z", "0001-12-31T20:19:29.000Z"):
        for sign in signs:
            text = common[:at] + sign + common[at + 1 :]
            assert answer(text) == (rfc3339(text) if datetime_fault(text) is None else None), text


def test_a_list_of_moments_is_converted_one_by_one() -> None:
    fields = compile_fields({"at": InputField(label="At", type="datetime", rfc3339=True, multiple=True)})
    assert fields({"at": ["2026-03-04", 1772600767]}) == {"at": ["2026-03-04T00:00:00Z", "2026-03-04T05:06:07Z"]}


def test_only_a_datetime_without_choices_can_be_rfc3339() -> None:
    with pytest.raises(FieldsError, match="rfc3339 is for a datetime without choices, not for string"):
        compile_fields({"at": InputField(label="At", type="string", rfc3339=True)})
    with pytest.raises(FieldsError, match="not for choices"):
        compile_fields({"at": InputField(label="At", type="datetime", rfc3339=True, choices=("2026-03-04",))})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1468836000000.0", 'write "1468836000000"'),
        ("1468836000.0", 'write "1468836000"'),
        ("1468836000 ", 'write "1468836000"'),
        (" 1468836000000", 'write "1468836000000"'),
        ("+1468836000", 'write "1468836000"'),
        ("1468836000.", 'write "1468836000"'),
        ("0000000001", "one of 10 digits does not begin with 0"),
        ("14688360000000", "this has 14 digits"),
        ("1468836000000000", "this has 16 digits"),
        ("1468836000000000000", "this has 19 digits"),
    ],
)
def test_a_number_that_is_no_unix_time_is_rejected_for_what_is_wrong_with_it(text: str, reason: str) -> None:
    for rfc in (True, False):
        fields = compile_fields({"at": InputField(label="At", type="datetime", rfc3339=rfc)})
        with pytest.raises(RejectedError) as error:
            fields({"at": text})
        assert "a Unix time is text of 10 digits" in str(error.value)
        assert reason in str(error.value)


@pytest.mark.parametrize(
    ("digits", "sent"),
    [
        ("1468836000000", "2016-07-18T10:00:00.000Z"),
        ("9999999999999", "2286-11-20T17:46:39.999Z"),
        ("8640000000001", "2243-10-17T00:00:00.001Z"),
        ("0946684800000", "2000-01-01T00:00:00.000Z"),
        ("0000000000000", "1970-01-01T00:00:00.000Z"),
    ],
)
def test_thirteen_digits_are_always_milliseconds(digits: str, sent: str) -> None:
    assert rfc3339(digits) == sent
    fields = compile_fields({"at": InputField(label="At", type="datetime", rfc3339=True)})
    assert fields({"at": digits}) == {"at": sent}
    if not digits.startswith("0"):
        assert fields({"at": int(digits)}) == {"at": sent}
    assert compile_fields({"at": InputField(label="At", type="datetime")})({"at": digits}) == {"at": digits}

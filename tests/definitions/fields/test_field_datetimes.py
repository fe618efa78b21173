"""A date and time passes unchanged; one that names no real moment is rejected with the reason."""

from __future__ import annotations

import pytest

from fields_under_test import one, rejection

ACCEPTED_DATES = [
    "2026-03-04T05:06:07.890Z", "2026-03-04T05:06:07Z", "2024-02-29T23:59:59.999Z", "2026-03-04T05:06:07+02:00",
    "2026-03-04T05:06:07-0330", "2026-03-04t05:06:07z", "2026-03-04 05:06:07", "2026-03-04", "2026-3-4", "2026/03/04",
    "20260304T050607Z", "20260304T0506", "2026-03-04T05", "2026-03-04T05Z", "2026-03-04T05:06:07,5Z", "2026-W10-3",
    "2026W103T05", "2026-W10", "2026-063", "2026-365", "2026063T05:06Z".replace(":", ""), "+002026-03-04T05:06:07Z",
    "2026-03-04T24:00:00Z", "2016-12-31T23:59:60", "Wed, 04 Mar 2026 05:06:07 GMT", "Wed, 04 Mar 2026 05:06:07 +0200",
    "4 Mar 2026", "Mar 4 2026", "March 4, 2026 5:06 PM", "03/04/2026", "03/04/2026 05:06",
    "Wed Mar 04 2026 05:06:07 GMT+0100 (CET)", "1772600767", "1772600767890", "-1", "1.5", "0", "2026", "20",
]  # fmt: skip
UNREAL_DATES = {
    "2026-02-30": "February 2026 has 28 days",
    "2026-02-29T05:06:07.890Z": "February 2026 has 28 days",
    "1900-02-29": "February 1900 has 28 days",
    "2026-13-01": "there is no month 13",
    "2026-01-01T25:00:00": "there is no hour 25",
    "2026-01-01T05:60": "there is no minute 60",
    "2026-01-01T05:06:60": "there is no second 60",
    "2026-W54-1": "2026 has 53 weeks",
    "2026-W10-8": "a week has 7 days",
    "2026-366": "2026 has 365 days",
    "31 Apr 2026": "April 2026 has 30 days",
    "02/30/2026": "February 2026 has 28 days",
}
NO_DATES = [
    "abc", "tomorrow", "12:00", "1e3", "Infinity", "NaN", " ", "true", "2026-03-04T25:00:00Z", "2026-03-04T05:06:07.Z",
    "2026-03-04T05:06:407Z", "2026-03-04T05:06:07 junk", "2026-03-04x05:06:07Z", "20260304050607", "٢٠٢٦-٠٣-٠٤",
    "2026-03-04T05:06:07.890Z\n\n(" * 100,
]  # fmt: skip


@pytest.mark.parametrize("text", ACCEPTED_DATES)
def test_a_date_and_time_passes_unchanged(text: str) -> None:
    assert one(type="datetime")({"f": text}) == {"f": text}


@pytest.mark.parametrize(("text", "reason"), UNREAL_DATES.items())
def test_a_date_that_names_no_real_moment_is_rejected_with_the_reason(text: str, reason: str) -> None:
    assert rejection(one(type="datetime"), {"f": text}) == [
        f'f: Fld must be a date and time, but it is the text "{text}": it names no real moment: {reason}'
    ]


@pytest.mark.parametrize("text", NO_DATES)
def test_a_text_that_is_no_date_is_rejected(text: str) -> None:
    (told,) = rejection(one(type="datetime"), {"f": text})
    assert told.startswith("f: Fld must be a date and time, but it is the text ")

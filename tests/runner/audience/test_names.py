"""The trait of an audience is its name in snake case, as Segment's own library makes it."""

from __future__ import annotations

import pytest

from kable_destination.runner.audience.names import key_of, name_fault, snake_case


@pytest.mark.parametrize(
    ("name", "key"),
    [
        # What the tests of segmentio/go-snakecase say.
        ("sample text", "sample_text"),
        ("sample-text", "sample_text"),
        ("sample_text", "sample_text"),
        ("sample___text", "sample_text"),
        ("sampleText", "sample_text"),
        ("inviteYourCustomersAddInvites", "invite_your_customers_add_invites"),
        ("sample 2 Text", "sample_2_text"),
        ("   $#$sample   2    Text   ", "sample_2_text"),
        ("SAMPLE 2 TEXT", "sample_2_text"),
        ("___$$Base64Encode", "base64_encode"),
        ("FOO:BAR$BAZ", "foo_bar_baz"),
        ("something.com", "something_com"),
        ("$something%", "something"),
        # What Segment's documentation shows.
        ("Order Completed Last 30days", "order_completed_last_30days"),
        ("Total Revenue 180 Days", "total_revenue_180_days"),
        ("First-time shopper", "first_time_shopper"),
        # Decided here: everything else separates words.
        ("Order Completed Last 30 Days", "order_completed_last_30_days"),
        ("90Days", "90days"),
        ("VIP", "vip"),
        ("iOS Users", "i_os_users"),
        ("HTTPServer", "httpserver"),
        ("Big spenders 🎉", "big_spenders"),
        ("👩‍👩‍👧 Families ❤️", "families"),
        ("50 % off — “now”!", "50_off_now"),
        ("a/b\\c|d", "a_b_c_d"),
        ("€ > 100", "100"),
    ],
)
def test_a_name_gives_the_trait(name: str, key: str) -> None:
    assert key_of(name) == key


@pytest.mark.parametrize(
    ("name", "dropped"),
    [
        ("Größe XL", "gr_e_xl"),
        ("Клиенты", ""),
        ("日本の顧客 2024", "2024"),
        ("عملاء", ""),
        ("ग्राहक", ""),
        ("ελληνικά vip", "vip"),
        ("Ⅻ months", "months"),
        ("é", ""),
        ("e\N{COMBINING ACUTE ACCENT}te", "e_te"),
    ],
)
def test_letters_that_would_be_dropped_need_a_key(name: str, dropped: str) -> None:
    assert snake_case(name) == dropped
    with pytest.raises(ValueError, match=r"has letters that snake case drops .*--key"):
        key_of(name)


@pytest.mark.parametrize("name", ["🎉", "!!!", "—"])
def test_a_name_without_letters_needs_a_key(name: str) -> None:
    with pytest.raises(ValueError, match=r"has no letter and no digit.*--key"):
        key_of(name)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "is blank"),
        (" \t", "is blank"),
        ("x" * 201, "has 201 characters"),
        ("a\nb", "cannot be seen"),
        ("a\x1b[31mb", "cannot be seen"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}b", "cannot be seen"),
    ],
)
def test_a_name_that_nobody_can_read_is_refused(name: str, fault: str) -> None:
    assert fault in (name_fault(name) or "")


def test_other_names_are_fine() -> None:
    assert [name_fault(name) for name in ("Big spenders", "日本の顧客", "👩‍👩‍👧 Families ❤️")] == [None, None, None]

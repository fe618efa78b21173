"""Sums of JSON numbers without rounding: whole numbers as int, all others as Decimal."""

from __future__ import annotations

from decimal import Context, Decimal

Number = int | Decimal

_EXACT = Context(prec=1_000_000, Emin=-999_999, Emax=999_999)
"""More digits than any sum of doubles and of integers in events has, so no addition rounds."""

_LONGEST_SHOWN = 26
_DIGITS_SHOWN = 12


def exact_sum(first: Number, second: Number) -> Number:
    """Return a sum, with all its digits."""
    if type(first) is int and type(second) is int:
        return first + second
    return _EXACT.add(Decimal(first), Decimal(second))


def exact_difference(first: Number, second: Number) -> Number:
    """Return what is left of the first number when the second is taken away."""
    return exact_sum(first, -second if isinstance(second, int) else second.copy_negate())


def number_text(number: Number) -> str:
    """Return all digits of a number, as JSON writes it; equal numbers have one text (1.50 is 1.5)."""
    exact = Decimal(number)
    return "0" if not exact else f"{exact.normalize(_EXACT):f}"


def shown_number(number: Number) -> str:
    """Return a number for people, in groups of three digits.

    One of very many digits is rounded, and a sign says so.
    """
    whole, _, fraction = number_text(number).partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    first = len(digits) % 3 or 3
    grouped = ",".join((digits[:first], *(digits[at : at + 3] for at in range(first, len(digits), 3))))
    text = f"{sign}{grouped}{'.' if fraction else ''}{fraction}"
    return text if len(text) <= _LONGEST_SHOWN else f"≈{Decimal(number):.{_DIGITS_SHOWN - 1}e}"

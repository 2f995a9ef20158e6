"""Numbers in the words of the interface."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import formats


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (19.25, 1, "19.3"),
        (-19.25, 1, "−19.3"),
        (1.005, 2, "1.01"),
        (1234.5, 0, "1,235"),
        (2**53, 0, "9,007,199,254,740,992"),
        (np.float64(0.25), 1, "0.3"),
        (Decimal("0.25"), 1, "0.3"),
        (True, 0, "1"),
        (1e300, 0, f"{1e300:,.0f}"),
        (float("nan"), 1, "nan"),
        (float("-inf"), 1, "−inf"),
    ],
)
def test_halves_are_rounded_away_from_zero(value: float, digits: int, shown: str) -> None:
    assert formats.number(value, digits) == shown


@given(st.floats(-1e12, 1e12), st.integers(0, 4))
def test_a_number_is_no_further_from_what_is_shown_than_half_of_the_last_digit(
    value: float, digits: int
) -> None:
    shown = formats.number(value, digits)
    read = Decimal(shown.replace(",", "").replace("−", "-"))
    assert abs(read - Decimal(repr(value))) <= Decimal("0.5").scaleb(-digits)


def test_shares_and_differences_round_alike() -> None:
    assert (formats.percent(77 / 400), formats.signed(19.25)) == ("19.3%", "+19.3")
    assert (formats.percent(0), formats.percent(1), formats.signed(-0.04)) == ("0%", "100%", "0.0")

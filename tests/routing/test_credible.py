"""Bounds of a share, and which of two is larger."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.routing.credible import bounds, difference


@pytest.mark.parametrize(
    ("good", "bad", "inside", "low", "high"),
    [
        (1, 1, 0.9, 0.05, 0.95),
        (2, 2, 0.9, 0.135350, 0.864650),  # 3x^2 - 2x^3 = 0.05
        (1, 3, 0.8, 1 - 0.9 ** (1 / 3), 1 - 0.1 ** (1 / 3)),
        (50, 1, 0.5, 0.25 ** (1 / 50), 0.75 ** (1 / 50)),
    ],
)
def test_bounds_are_those_of_the_beta_distribution(
    good: float, bad: float, inside: float, low: float, high: float
) -> None:
    found = bounds(good, bad, inside)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5))


@given(good=st.floats(0.5, 1e5), bad=st.floats(0.5, 1e5))
def test_bounds_are_in_order_and_hold_the_middle(good: float, bad: float) -> None:
    wide, narrow = bounds(good, bad, 0.95), bounds(good, bad, 0.5)
    assert 0 <= wide.low <= narrow.low <= narrow.high <= wide.high <= 1


def test_the_larger_of_two_shares_is_told_with_how_sure_that_is() -> None:
    clear = difference((10, 40), (40, 10))
    assert clear.larger > 0.999
    assert clear.mean == pytest.approx(0.6)
    assert 0.4 < clear.bounds.low < 0.6 < clear.bounds.high < 0.8
    none = difference((2, 2), (2, 2))
    assert none.larger == pytest.approx(0.5, abs=0.02)
    assert none.bounds.low < 0 < none.bounds.high
    assert difference((3, 5), (5, 3)) == difference((3, 5), (5, 3))

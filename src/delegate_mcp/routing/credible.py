"""Within which bounds a share lies, and which of two is larger, as far as counts tell: Beta posteriors. Pure."""

from dataclasses import dataclass
from math import exp, lgamma, log
from random import Random

_HALVINGS = 40
_TERMS, _ENOUGH, _TINY = 300, 1e-12, 1e-300
_DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """An interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A share less another."""

    mean: float
    bounds: Bounds
    larger: float
    """The probability that it is above 0."""


def bounds(good: float, bad: float, inside: float = 0.9) -> Bounds:
    """The middle `inside` of a Beta posterior."""
    return Bounds(_quantile(good, bad, (1 - inside) / 2), _quantile(good, bad, (1 + inside) / 2))


def difference(a: tuple[float, float], b: tuple[float, float], inside: float = 0.95) -> Difference:
    """The share of b less that of a, of their posteriors; the same draws each time."""
    rng = Random(0)  # noqa: S311 - a sum over what may be
    drawn = sorted(rng.betavariate(*b) - rng.betavariate(*a) for _ in range(_DRAWS))
    cut = int(_DRAWS * (1 - inside) / 2)
    return Difference(
        mean=b[0] / sum(b) - a[0] / sum(a),
        bounds=Bounds(drawn[cut], drawn[-cut - 1]),
        larger=sum(row > 0 for row in drawn) / _DRAWS,
    )


def _quantile(good: float, bad: float, part: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _below(middle, good, bad) < part:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _below(x: float, a: float, b: float) -> float:
    """The probability of less than x: the regularised incomplete beta function, by its continued fraction."""
    if not 0 < x < 1:
        return float(x >= 1)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Lentz's way to compute it."""
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _apart(1 + term * d)
            c = _apart(1 + term / c)
            found *= c * d
        if abs(c * d - 1) < _ENOUGH:
            break
    return found


def _apart(value: float) -> float:
    return value if abs(value) > _TINY else _TINY

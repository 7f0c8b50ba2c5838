"""How large the parts are, and whether the limits admit them in time."""

import pytest

from delegate_mcp.answering.sizes import LEAST_PART, part_size


@pytest.mark.parametrize(
    ("rooms", "total", "size"),
    [
        ([6_000], 7_000, 3_850),  # two of a size, not one full and one nearly empty
        ([6_000, 6_000, 6_500], 60_000, 6_000),  # a little smaller, so that all three may read
        ([6_000, 100_000], 300_000, 100_000),  # one that takes all at once beats one that takes crumbs beside it
        ([1_300], 9_000, 1_300),  # smaller than is liked, where nobody takes more
        ([300, 6_000], 12_000, 6_000),
        ([200], 9_000, None),
        ([], 9_000, None),
    ],
)
def test_parts_are_as_large_as_most_work_at_once_allows(rooms: list[int], total: int, size: int | None) -> None:
    assert part_size(rooms, total) == size


def test_what_was_refused_bounds_the_parts() -> None:
    assert part_size([30_000], 10_000, 5_000) == 5_000
    assert part_size([30_000], 2_000, 1_000) == 1_000


def test_parts_are_not_absurdly_small() -> None:
    assert part_size([LEAST_PART, 900, 900, 900], 5_000) == LEAST_PART

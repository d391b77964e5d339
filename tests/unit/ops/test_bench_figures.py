"""Percentiles, because a wrong one makes every figure a lie."""

import pytest

from sagashop_ops.bench.figures import percentile


@pytest.mark.parametrize(("percent", "expected"), [(1, 1.0), (50, 50.0), (99, 99.0), (100, 100.0)])
def test_a_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    samples = [float(number) for number in range(100, 0, -1)]

    assert percentile(samples, percent) == expected


def test_a_percentile_of_one_sample_is_that_sample() -> None:
    assert percentile([3.0], 99) == 3.0

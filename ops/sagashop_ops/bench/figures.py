"""What a measurement yields: samples, the figure drawn from them, and whether it suffices."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One line of the benchmark's table.

    `samples` are the raw measurements in `unit`; `met` is None for a figure without a target.
    """

    name: str
    value: str
    target: str
    met: bool | None
    unit: str = "s"
    samples: Sequence[float] = field(default=())


def percentile(samples: Sequence[float], percent: float) -> float:
    """Returns the nearest-rank percentile: the smallest sample that `percent` % do not exceed."""
    ranked = sorted(samples)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def median(samples: Sequence[float]) -> float:
    return percentile(samples, 50)

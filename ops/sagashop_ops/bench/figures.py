"""A measured figure, its target, and the machine that it was measured on."""

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distributions

import psutil

from sagashop_ops.stack import PROJECT_ROOT


@dataclass(frozen=True)
class Figure:
    """One line of the benchmark's table; `samples` are the raw measurements in `unit`."""

    name: str
    value: str
    target: str
    met: bool
    unit: str = "s"
    samples: Sequence[float] = ()


def at_most(name: str, measured: float, limit: float, unit: str = "") -> Figure:
    """Returns a figure that must not exceed its limit."""
    value = f"{measured:,.2f}".rstrip("0").rstrip(".")
    target = f"<= {limit:,g} {unit}".rstrip()
    return Figure(name, f"{value} {unit}".rstrip(), target, measured <= limit, unit, [measured])


def percentile(samples: Sequence[float], percent: float) -> float:
    """Returns the nearest-rank percentile: the smallest sample that `percent` % do not exceed."""
    ranked = sorted(samples)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def describe_machine() -> dict[str, str]:
    """Returns the machine, and the versions of the programs that the figures depend on."""
    machine = {
        "processor": _processor_model(),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    environments = PROJECT_ROOT / ".local" / "envs"
    folders = [str(folder) for folder in environments.glob("*/lib/python3.*/site-packages")]
    measured = ("localstack-core", "ministack", "awslambdaric", "boto3")
    installed = {package.name: package.version for package in distributions(path=folders)}
    return machine | {name: installed.get(name, "not installed") for name in measured}


def _processor_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - macOS has no such file
            return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (FileNotFoundError, StopIteration):
        return platform.processor() or platform.machine()

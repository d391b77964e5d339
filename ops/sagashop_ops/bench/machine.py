"""On what the figures were measured: without it they mean nothing to anyone else."""

import os
import platform
from importlib.metadata import PathDistribution
from pathlib import Path

import psutil


def describe_machine() -> dict[str, str]:
    """Returns the processor, its cores, the memory, the system and the Python version."""
    memory_gib = psutil.virtual_memory().total / 2**30
    return {
        "processor": _processor_model(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory_gib:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def installed_versions(environments: Path) -> dict[str, str]:
    """Returns the versions of the programs that the figures depend on.

    `environments` holds one virtual environment per program, made by `localstack/bootstrap.py`.
    """
    wanted = {
        "engine": ["localstack-core"],
        "dynamodb": ["ministack"],
        "runtime": ["awslambdaric", "boto3"],
    }
    return {
        name: _version_in(environments / environment, name)
        for environment, names in wanted.items()
        for name in names
    }


def _version_in(environment: Path, name: str) -> str:
    pattern = f"lib/python3.*/site-packages/{name.replace('-', '_')}-*.dist-info"
    for path in environment.glob(pattern):
        return PathDistribution(path).version
    return "not installed"

"""The plug-in's settings, read once from the engine's environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WORKERS_PER_CORE = 4
MINIMUM_WORKERS = 40


def default_worker_limit(cores: int) -> int:
    """Four workers a core, and never fewer than 40.

    A call mostly waits for the network, so a core serves several. An order calls ten functions:
    in a rush each of them has several workers, so that none replaces another's. The pool ends those
    that are not needed after it.
    """
    return max(MINIMUM_WORKERS, WORKERS_PER_CORE * cores)


@dataclass(frozen=True, slots=True)
class Settings:
    """`LAMBDA_WORKER_PYTHON` (required), `LAMBDA_WORKER_LIMIT` and
    `LAMBDA_WORKER_ENDPOINT_URL_DYNAMODB`."""

    worker_python: Path
    worker_limit: int
    dynamodb_endpoint_url: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises ValueError that names the setting where one is missing or makes no sense."""
        python = environment.get("LAMBDA_WORKER_PYTHON")
        if not python:
            raise ValueError("LAMBDA_WORKER_PYTHON must name the interpreter that runs functions")
        limit = environment.get("LAMBDA_WORKER_LIMIT")
        if limit and not (limit.isdecimal() and int(limit) >= 1):
            raise ValueError(f"LAMBDA_WORKER_LIMIT must be a number from 1 on, not {limit!r}")
        worker_limit = int(limit) if limit else default_worker_limit(os.cpu_count() or 1)
        return cls(
            worker_python=Path(python),
            worker_limit=worker_limit,
            dynamodb_endpoint_url=environment.get("LAMBDA_WORKER_ENDPOINT_URL_DYNAMODB") or None,
        )

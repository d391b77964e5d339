"""Failure injection, in sandbox stages only: how often partners and steps refuse, fail or are slow.

The failures are set in one JSON document, a parameter of SSM's, so that running functions follow a
change within seconds and without a deploy. All of it is optional, and 0 or null is off:

    {"payment": {"failure_rate": 0.1, "decline_above_cents": 100000},
     "shipping": {"error_rate": 0.5, "delay_seconds": 2},
     "notification": {"failure_rate": 1},
     "steps": {"CommitStock": {"error_rate": 1}}}

    failure_rate         0 to 1    refusals: declined, rejected, not sent; a step fails for good
    error_rate           0 to 1    requests or calls that fail, and may succeed when repeated
    delay_seconds        0 to 60   how much longer every request or call takes
    decline_above_cents  from 0    the highest charge that is accepted; for payment only
    kill_rate            0 to 1    workers that die after a step's effect, before its answer
    duplicate_rate       0 to 1    steps that are delivered twice; like kill_rate, for steps only

The adapters that stand in for a partner read a partner's section; a real one does without. `steps`
has a section for each step of the saga that is to fail, under its state's name: `shared.tasks` runs
every step through `disturbed`.

One order can have failures of its own, for each of its steps once: `arm` keeps such a document
under the order's correlation id, which begins with OWN_FAILURES. Others' orders are not asked for.
"""

import json
import random
import re
import signal
import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import (
    GetParameterError,
    TransformParameterError,
)

from shared import settings
from shared.errors import ConfigurationError, InjectedFailure, StorageContention
from shared.logging import logger

SANDBOX_STAGES = frozenset({"local", "dev"})
OWN_FAILURES = "sandbox-"
"""How the correlation id of an order begins that may have failures of its own."""
_MAX_AGE_SECONDS = 2
_RANGES: Mapping[str, tuple[float, float]] = {
    "failure_rate": (0, 1),
    "error_rate": (0, 1),
    "delay_seconds": (0, 60),
    "decline_above_cents": (0, 2**53 - 1),
    "kill_rate": (0, 1),
    "duplicate_rate": (0, 1),
}
# What a parameter's name can hold, and a caller can't guess.
_OWN_ID = re.compile(rf"{OWN_FAILURES}[A-Za-z0-9-]{{16,64}}")
SETTINGS: Mapping[str, AbstractSet[str]] = {
    "payment": frozenset({"failure_rate", "error_rate", "delay_seconds", "decline_above_cents"}),
    "shipping": frozenset({"failure_rate", "error_rate", "delay_seconds"}),
    "notification": frozenset({"failure_rate", "delay_seconds"}),
    "steps": frozenset(
        {"failure_rate", "error_rate", "delay_seconds", "kill_rate", "duplicate_rate"}
    ),
}
"""What may be set in each section, and of each step in `steps`."""


@dataclass(frozen=True, slots=True)
class Failures:
    """What goes wrong at a partner or at a step; `decline_above_cents` 0 is no limit."""

    failure_rate: float = 0
    error_rate: float = 0
    delay_seconds: float = 0
    decline_above_cents: float = 0
    kill_rate: float = 0
    duplicate_rate: float = 0

    def disturb(self, error: Exception) -> None:
        """Delays a request, and raises `error` in its place as often as `error_rate` says."""
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        if strikes(self.error_rate):
            raise error


@dataclass(frozen=True, slots=True)
class Chaos:
    """The failures to inject at each partner and at each step; by default none."""

    payment: Failures = field(default_factory=Failures)
    shipping: Failures = field(default_factory=Failures)
    notification: Failures = field(default_factory=Failures)
    steps: Mapping[str, Failures] = field(default_factory=dict)


CALM = Chaos()


@dataclass(frozen=True)
class _Settings:
    chaos_parameter: str = ""
    stage: str = ""


def read() -> Chaos:
    """Returns the failures to inject, at most two seconds old; none outside the sandbox stages.

    There are none either where the parameter can't be read. Raises ConfigurationError where a stage
    that is no sandbox has such a parameter, and where the document is not valid.
    """
    configured = _settings()
    if not configured.chaos_parameter:
        return CALM
    if configured.stage not in SANDBOX_STAGES:
        raise ConfigurationError(f"failures can't be injected in stage {configured.stage!r}")
    try:
        document = parameters.get_parameter(
            configured.chaos_parameter, transform="json", max_age=_MAX_AGE_SECONDS
        )
    except GetParameterError as exc:
        logger.warning("chaos not read", reason=str(exc))
        return CALM
    except TransformParameterError as exc:
        raise ConfigurationError(f"{configured.chaos_parameter} is not JSON") from exc
    return parse(document)


def parse(document: object) -> Chaos:
    """Reads the document; raises ConfigurationError naming what is unknown or out of range."""
    sections = _members(document, "the document", SETTINGS.keys())
    steps = _members(sections.pop("steps", None), "steps")
    return Chaos(
        **{name: _read(name, section, SETTINGS[name]) for name, section in sections.items()},
        steps={
            step: _read(f"steps.{step}", section, SETTINGS["steps"])
            for step, section in steps.items()
        },
    )


def disturbed[R](step: str, correlation_id: str, run: Callable[[], R]) -> R:
    """Runs a step as often and as late as its section says, or fails in its place.

    Raises StorageContention for an error, which the state machine retries as it retries a step
    whose table throttles, and InjectedFailure for a failure, which it does not retry. A worker that
    is to die takes its whole process with it.
    """
    failures = _take_own(step, correlation_id) or read().steps.get(step, Failures())
    failures.disturb(StorageContention(f"failure injection: {step}"))
    if strikes(failures.failure_rate):
        raise InjectedFailure(step)
    answer = run()
    if strikes(failures.duplicate_rate):
        logger.info("step delivered twice: failure injection")
        answer = run()
    if strikes(failures.kill_rate):
        logger.warning("worker killed: failure injection")
        signal.raise_signal(signal.SIGKILL)
    return answer


def is_sandbox() -> bool:
    """Whether failures may be injected here."""
    configured = _settings()
    return bool(configured.chaos_parameter) and configured.stage in SANDBOX_STAGES


def may_have_own_failures(correlation_id: str) -> bool:
    """Whether an order with this correlation id can be given failures of its own."""
    return is_sandbox() and _OWN_ID.fullmatch(correlation_id) is not None


def arm(correlation_id: str, document: Mapping[str, Any]) -> None:
    """Gives one order failures of its own, in place of those that it has.

    `may_have_own_failures` must be true of the order. Each step's failures strike once.
    """
    _store().set(_own_parameter(correlation_id), json.dumps(document), overwrite=True)


def _take_own(step: str, correlation_id: str) -> Failures | None:
    """Returns an order's own failures at a step, which it then no longer has."""
    if not may_have_own_failures(correlation_id):
        return None
    parameter = _own_parameter(correlation_id)
    try:
        document = _store().get(parameter, transform="json", force_fetch=True)
    except GetParameterError:
        return None  # It has none, or no more.
    failures = parse(document).steps.get(step)
    if failures is not None:
        _store().client.delete_parameter(Name=parameter)
    return failures


def _own_parameter(correlation_id: str) -> str:
    return f"{_settings().chaos_parameter}/{correlation_id}"


@cache
def _store() -> SSMProvider:
    return SSMProvider()


def strikes(rate: float) -> bool:
    """Draws whether something that happens at this rate happens now."""
    return random.random() < rate


def _read(name: str, section: object, known: AbstractSet[str]) -> Failures:
    failures = _members(section, name, known)
    for setting, value in failures.items():
        minimum, maximum = _RANGES[setting]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigurationError(f"chaos: {name}.{setting} must be a number")
        if not minimum <= value <= maximum:
            raise ConfigurationError(
                f"chaos: {name}.{setting} must be from {minimum:g} to {maximum:g}"
            )
    return Failures(**failures)


def _members(value: object, name: str, known: AbstractSet[str] | None = None) -> dict[str, Any]:
    """Returns an object's members without those that are null; `known` are the only names."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigurationError(f"chaos: {name} must be an object")
    if known is not None and (unknown := sorted(value.keys() - known)):
        raise ConfigurationError(f"chaos: {name} has no {', '.join(unknown)}")
    return {key: member for key, member in value.items() if member is not None}


@cache
def _settings() -> _Settings:
    # Read at the first call: most functions never make one.
    return settings.load(_Settings)

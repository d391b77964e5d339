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

The adapters that stand in for a partner read a partner's section; a real one does without. `steps`
has a section for each step of the saga that is to fail, under its state's name: `shared.tasks`
applies it before the step does anything.
"""

import random
import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.parameters.exceptions import (
    GetParameterError,
    TransformParameterError,
)

from shared import settings
from shared.errors import ConfigurationError, InjectedFailure, StorageContention
from shared.logging import logger

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SANDBOX_STAGES = frozenset({"local", "dev"})
_MAX_AGE_SECONDS = 2
_RATE = (0, 1)
_RANGES: Mapping[str, tuple[float, float]] = {
    "failure_rate": _RATE,
    "error_rate": _RATE,
    "delay_seconds": (0, 60),
    "decline_above_cents": (0, 2**53 - 1),
}


@dataclass(frozen=True, slots=True)
class PaymentChaos:
    """What goes wrong at the payment provider; `decline_above_cents` 0 is no limit."""

    failure_rate: float = 0
    error_rate: float = 0
    delay_seconds: float = 0
    decline_above_cents: float = 0


@dataclass(frozen=True, slots=True)
class ShippingChaos:
    """What goes wrong at the carrier."""

    failure_rate: float = 0
    error_rate: float = 0
    delay_seconds: float = 0


@dataclass(frozen=True, slots=True)
class NotificationChaos:
    """What goes wrong at the mail service."""

    failure_rate: float = 0
    delay_seconds: float = 0


@dataclass(frozen=True, slots=True)
class StepChaos:
    """What goes wrong at a step of the saga."""

    failure_rate: float = 0
    error_rate: float = 0
    delay_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Chaos:
    """The failures to inject at each partner and at each step; by default none."""

    payment: PaymentChaos = field(default_factory=PaymentChaos)
    shipping: ShippingChaos = field(default_factory=ShippingChaos)
    notification: NotificationChaos = field(default_factory=NotificationChaos)
    steps: Mapping[str, StepChaos] = field(default_factory=dict)


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
    sections = _members(document, "the document", _names(Chaos))
    steps = _members(sections.get("steps"), "steps")
    return Chaos(
        payment=_read(PaymentChaos, "payment", sections.get("payment")),
        shipping=_read(ShippingChaos, "shipping", sections.get("shipping")),
        notification=_read(NotificationChaos, "notification", sections.get("notification")),
        steps={step: _read(StepChaos, f"steps.{step}", section) for step, section in steps.items()},
    )


def disturb_step(step: str) -> None:
    """Delays a step, or fails in its place, as often as its section says.

    Raises StorageContention for an error, which the state machine retries as it retries a step
    whose table throttles, and InjectedFailure for a failure, which it does not retry.
    """
    section = read().steps.get(step)
    if section is None:
        return
    time.sleep(section.delay_seconds)
    if strikes(section.failure_rate):
        raise InjectedFailure(step)
    if strikes(section.error_rate):
        raise StorageContention(f"failure injection: {step}")


def strikes(rate: float) -> bool:
    """Draws whether something that happens at this rate happens now."""
    return random.random() < rate


def _read[S: DataclassInstance](section: type[S], name: str, value: object) -> S:
    rates = _members(value, name, _names(section))
    return section(
        **{rate: _number(f"{name}.{rate}", value, *_RANGES[rate]) for rate, value in rates.items()}
    )


def _names(section: "type[DataclassInstance]") -> AbstractSet[str]:
    return {member.name for member in fields(section)}


def _members(value: object, name: str, known: AbstractSet[str] | None = None) -> Mapping[str, Any]:
    """Returns an object's members without those that are null; `known` are the only names."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigurationError(f"chaos: {name} must be an object")
    if known is not None and (unknown := sorted(value.keys() - known)):
        raise ConfigurationError(f"chaos: {name} has no {', '.join(unknown)}")
    return {key: member for key, member in value.items() if member is not None}


def _number(name: str, value: object, minimum: float, maximum: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"chaos: {name} must be a number")
    if not minimum <= value <= maximum:
        raise ConfigurationError(f"chaos: {name} must be from {minimum:g} to {maximum:g}")
    return value


@cache
def _settings() -> _Settings:
    # Read at the first call: most functions never make one.
    return settings.load(_Settings)

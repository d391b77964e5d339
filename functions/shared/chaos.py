"""Failures on demand, in sandbox stages only: how often simulated partners refuse, fail or dawdle.

They are set in one JSON document, a parameter of SSM's, so that running functions follow a change
within seconds and without a deploy. All of it is optional, and 0 or null is off:

    {"payment": {"failure_rate": 0.1, "decline_above_cents": 100000},
     "shipping": {"error_rate": 0.5, "delay_seconds": 2},
     "notification": {"failure_rate": 1}}

    failure_rate         0 to 1    refusals: declined, rejected; for notification: not sent
    error_rate           0 to 1    requests that are not taken, and may be when they are repeated
    delay_seconds        0 to 60   what every request takes longer
    decline_above_cents  from 0    the most that a charge may come to; payment's alone

Only the adapters that stand in for a partner read this. A real one does without.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.parameters.exceptions import (
    GetParameterError,
    TransformParameterError,
)

from shared import settings
from shared.errors import ConfigurationError
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
class Chaos:
    """What goes wrong at each partner; by default nothing does."""

    payment: PaymentChaos = field(default_factory=PaymentChaos)
    shipping: ShippingChaos = field(default_factory=ShippingChaos)
    notification: NotificationChaos = field(default_factory=NotificationChaos)


CALM = Chaos()


@dataclass(frozen=True)
class _Settings:
    chaos_parameter: str = ""
    stage: str = ""


def read() -> Chaos:
    """Returns what is to go wrong now, at most two seconds old; nothing outside the sandbox.

    Nor does anything where the parameter can't be read: failing is not left to chance. Raises
    ConfigurationError where a stage that is no sandbox has such a parameter, and where the document
    is not as it must be.
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
    partners = _members(document, "the document", Chaos)
    return Chaos(
        payment=_read(PaymentChaos, "payment", partners),
        shipping=_read(ShippingChaos, "shipping", partners),
        notification=_read(NotificationChaos, "notification", partners),
    )


def strikes(rate: float) -> bool:
    """Draws whether something that happens at this rate happens now."""
    return random.random() < rate


def _read[P: DataclassInstance](partner: type[P], name: str, document: Mapping[str, Any]) -> P:
    rates = _members(document.get(name), name, partner)
    return partner(
        **{rate: _number(f"{name}.{rate}", value, *_RANGES[rate]) for rate, value in rates.items()}
    )


def _members(value: object, name: str, known: "type[DataclassInstance]") -> Mapping[str, Any]:
    """Returns an object's members, which are fields of `known`, without those that are null."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigurationError(f"chaos: {name} must be an object")
    if unknown := sorted(value.keys() - {member.name for member in fields(known)}):
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

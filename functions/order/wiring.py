"""Builds what the order service's functions work with, once a process and at its first use.

Each builder reads the settings that it needs, so that a function needs no others.
"""

from dataclasses import dataclass
from functools import cache

from order.execution import Sagas
from order.repository import OrderRepository
from shared import dynamodb, settings


@dataclass(frozen=True, slots=True)
class _Table:
    table_name: str


@dataclass(frozen=True, slots=True)
class _StateMachine:
    state_machine_arn: str


@dataclass(frozen=True, slots=True)
class _Payment:
    payment_wait_seconds: int = 900


@dataclass(frozen=True, slots=True)
class _Sweep:
    sweep_grace_seconds: int = 300


@dataclass(frozen=True, slots=True)
class _Operators:
    operator_secret_arn: str


@cache
def orders() -> OrderRepository:
    """Returns the order table."""
    return OrderRepository(dynamodb.client(), settings.load(_Table).table_name)


@cache
def sagas() -> Sagas:
    """Returns the executions of the stack's state machine."""
    return Sagas(settings.load(_StateMachine).state_machine_arn, payment_wait_seconds())


@cache
def payment_wait_seconds() -> int:
    """Returns how long a customer may take to pay."""
    return settings.load(_Payment).payment_wait_seconds


@cache
def sweep_grace_seconds() -> int:
    """Returns how long an order may stand still before the sweeper looks at it."""
    return settings.load(_Sweep).sweep_grace_seconds


@cache
def operator_secret_arn() -> str:
    """Returns where the secret is that opens the operators' API."""
    return settings.load(_Operators).operator_secret_arn

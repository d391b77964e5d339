"""Builds what the order service's functions work with, once a process and at its first use.

Only a function that uses a state machine has a setting that names it.
"""

from dataclasses import dataclass
from functools import cache

from order.circuit import PaymentCircuit
from order.execution import Sagas
from order.holdings import Services
from order.repository import OrderRepository
from shared import dynamodb
from shared.settings import load
from shared.storage import own_table


@dataclass(frozen=True)
class Settings:
    """What any of the service's functions may be given.

    `payment_wait_seconds` is how long a customer may take to pay, `sweep_grace_seconds` how long an
    order may stand still before the sweeper looks at it. `refuse_orders_while_circuit_open`
    ("true" or "false") decides what happens to new orders while payments are not available.
    """

    payment_wait_seconds: int = 900
    sweep_grace_seconds: int = 300
    refuse_orders_while_circuit_open: str = "false"


@dataclass(frozen=True)
class _SagaSettings:
    state_machine_arn: str


@dataclass(frozen=True)
class _PaymentSettings:
    payment_steps_function: str


@cache
def settings() -> Settings:
    return load(Settings)


@cache
def orders() -> OrderRepository:
    return OrderRepository(dynamodb.client(), own_table())


@cache
def sagas() -> Sagas:
    return Sagas(load(_SagaSettings).state_machine_arn, settings().payment_wait_seconds)


@cache
def payment_circuit() -> PaymentCircuit | None:
    """Returns what to ask before a new order is accepted; None where every order is accepted."""
    if settings().refuse_orders_while_circuit_open != "true":
        return None
    return PaymentCircuit(load(_PaymentSettings).payment_steps_function)


@cache
def services() -> Services:
    return load(Services)

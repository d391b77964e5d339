"""Builds what the order service's functions work with, once a process and at its first use.

Only a function that uses a state machine has a setting that names it.
"""

from dataclasses import dataclass
from functools import cache

from order.circuit import PaymentCircuit
from order.execution import Sagas
from order.holdings import Services
from order.limits import Cap, Limits
from order.repository import OrderRepository
from order.service import Checkout
from shared import dynamodb
from shared.limits import Limit, Limiter
from shared.settings import load
from shared.storage import own_table

_HOUR = 3600


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
class LimitSettings:
    """How much one caller may order: see `order.limits`. Orders are counted in an hour."""

    orders_per_caller: int = 60
    orders_per_address: int = 300
    unpaid_orders_per_caller: int = 4
    unpaid_units_per_caller: int = 20
    unpaid_orders_per_address: int = 10
    unpaid_units_per_address: int = 40
    short_payment_wait_seconds: int = 300


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
def limiter() -> Limiter:
    return Limiter(dynamodb.client(), own_table())


@cache
def limits() -> Limits:
    most, wait_seconds = load(LimitSettings), settings().payment_wait_seconds
    return Limits(
        Limit("order-caller", most.orders_per_caller, _HOUR),
        Limit("order-address", most.orders_per_address, _HOUR),
        Cap(most.unpaid_orders_per_caller, most.unpaid_units_per_caller),
        Cap(most.unpaid_orders_per_address, most.unpaid_units_per_address),
        wait_seconds,
        min(most.short_payment_wait_seconds, wait_seconds),
    )


def checkout() -> Checkout:
    return Checkout(orders(), sagas(), payment_circuit(), limiter(), limits())


@cache
def services() -> Services:
    return load(Services)

"""What the order service's functions are configured with."""

from dataclasses import dataclass

DEFAULT_PAYMENT_WAIT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class TableSettings:
    """For the functions that only read and write orders."""

    table_name: str


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """For the state machine's tasks, one of which tells the customer until when to pay."""

    table_name: str
    payment_wait_seconds: int = DEFAULT_PAYMENT_WAIT_SECONDS


@dataclass(frozen=True, slots=True)
class SagaSettings:
    """For the functions that also start the saga."""

    table_name: str
    state_machine_arn: str
    payment_wait_seconds: int = DEFAULT_PAYMENT_WAIT_SECONDS


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """For the sweeper: how long an order may stand still before it is looked at."""

    sweep_grace_seconds: int = 300


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """For the operators' API: where the secret is that opens it."""

    operator_secret_arn: str

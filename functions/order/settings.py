"""What the order service's functions are configured with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TableSettings:
    """For the functions that only read and write orders."""

    table_name: str


@dataclass(frozen=True, slots=True)
class SagaSettings:
    """For the functions that also start the saga."""

    table_name: str
    state_machine_arn: str

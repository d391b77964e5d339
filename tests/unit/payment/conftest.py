"""A payment table in memory, with the provider whose ledger is in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from builders import ORDER_ID
from payment.repository import PaymentTable
from payment.simulated_provider import SimulatedProvider
from shared import dynamodb
from shared.chaos import Chaos
from shared.dynamodb import from_item, to_item


@dataclass(frozen=True)
class LedgerUnderTest:
    """The provider's ledger row of the order, as an operator or an audit sees it."""

    table_name: str

    def row(self) -> dict[str, Any]:
        """Returns the row; empty where there is none."""
        response = dynamodb.client().get_item(TableName=self.table_name, Key=self._key)
        return from_item(response.get("Item", {}))

    def change(self, **attributes: Any) -> None:
        """Changes the row, as an operator might."""
        dynamodb.client().put_item(TableName=self.table_name, Item=to_item(self.row() | attributes))

    def forget(self) -> None:
        """Loses the row."""
        dynamodb.client().delete_item(TableName=self.table_name, Key=self._key)

    def money(self) -> tuple[int, int]:
        """Returns the cents captured and refunded."""
        row = self.row()
        return row.get("captured_cents", 0), row.get("refunded_cents", 0)

    @property
    def _key(self) -> dict[str, Any]:
        return to_item({"pk": f"PROVIDER#{ORDER_ID}", "sk": "CHARGE"})


@dataclass
class ChaosInStore:
    """What the provider suffers, to be changed while it runs."""

    chaos: Chaos = field(default_factory=Chaos)


@dataclass(frozen=True)
class Naps:
    """A sleeper that only remembers how long it was told to sleep."""

    taken: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


class InterruptedTable(PaymentTable):
    """A repository on which something else happens before it writes the outcome of a step."""

    def __init__(self, table_name: str, interruption: Callable[[], Any]) -> None:
        super().__init__(dynamodb.client(), table_name)
        self._interruption = interruption

    def update(self, *arguments: Any) -> None:
        """Is interrupted before it writes."""
        self._interruption()
        super().update(*arguments)


@pytest.fixture
def naps() -> Naps:
    """How long the provider's replies were waited for."""
    return Naps()


@pytest.fixture
def ledger(payment_table: str) -> LedgerUnderTest:
    """The order's row in the provider's ledger."""
    return LedgerUnderTest(payment_table)


@pytest.fixture
def repository(payment_table: str) -> PaymentTable:
    """The repository under test."""
    return PaymentTable(dynamodb.client(), payment_table)


@pytest.fixture
def in_store() -> ChaosInStore:
    """What goes wrong at the provider: nothing but what tokens ask for, until a test changes it."""
    return ChaosInStore()


@pytest.fixture
def provider(payment_table: str, naps: Naps, in_store: ChaosInStore) -> SimulatedProvider:
    """The provider; it waits 3 seconds for a lost reply, without really waiting."""
    return SimulatedProvider(
        dynamodb.client(),
        payment_table,
        reply_timeout_seconds=3.0,
        read_chaos=lambda: in_store.chaos,
        sleep=naps,
    )


@pytest.fixture
def interrupted(payment_table: str) -> Callable[[Callable[[], Any]], InterruptedTable]:
    """Makes a repository that is interrupted before it writes an outcome."""
    return lambda interruption: InterruptedTable(payment_table, interruption)

"""Every task of the saga, and everything that can go wrong with it, on the real local cloud.

A few cells run always; all of them with `make test-full`. FAULT_MATRIX=docs/fault-matrix.md writes
the page there.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sagashop_ops.audit import Books
from sagashop_ops.aws import Deployment
from sagashop_ops.client import StoreClient
from sagashop_ops.redrive import OperatorApi
from sagashop_ops.stack import Stack
from support.fault_page import page
from support.fault_plays import Outcome, Plays
from support.faults import (
    UNDOING,
    Cell,
    completed_in_vain,
    expected_end,
    pairs_of_faults,
    single_faults,
)
from support.payment_window import payment_window
from support.saga import Saga
from support.selection import quickly

# One of each fault, over steps and compensations, the ends that need somebody's help, and pairs.
QUICK = (
    "ReserveStock-killed",
    "ClosePaymentWindow-after",
    "ChargePayment-after",
    "CreateShipment-throttled",
    "CommitStock-timeout",
    "CompleteOrder-twice",
    "BeginCancellation-before",
    "RefundPayment-before",
    "FlagForAttention-before",
    "CompleteOrder-after+BeginCancellation-killed",
    "ReserveStock-twice+CancelShipment-before",
    "ChargePayment-killed+RefundPayment-killed",
)
GROUPS = {
    "single": single_faults(),
    "vain": completed_in_vain(),
    "pairs": pairs_of_faults(),
}
CELLS = {str(cell): cell for cells in GROUPS.values() for cell in cells}


@pytest.fixture(scope="module")
def matrix(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    stack: dict[str, Any],
    store: StoreClient,
    aws: Callable[[str], Any],
    books: Callable[[], Books],
    new_product: Callable[..., str],
) -> Mapping[Cell, Outcome | Exception]:
    """What became of every cell that a test was selected for."""
    cells = [
        CELLS[item.callspec.params["name"]]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.function is test_an_order_ends_as_it_should
    ]
    operator = OperatorApi.of(Deployment.of(Stack(**stack)))
    saga, marks = Saga(stack, store, aws), tmp_path_factory.mktemp("marks")
    plays = Plays(stack, store, saga, aws, operator, books, new_product, marks)
    # Long enough for a customer whose store is busy with everybody else's faults.
    with payment_window(60, stack, aws):
        played = plays.play_all(cells)
    if path := os.environ.get("FAULT_MATRIX"):
        outcomes = [outcome for outcome in played.values() if isinstance(outcome, Outcome)]
        Path(path).write_text(f"{page(outcomes, GROUPS)}\n", encoding="utf-8")
    return played


@pytest.mark.parametrize("name", quickly(QUICK, CELLS))
def test_an_order_ends_as_it_should(name: str, matrix: Mapping[Cell, Outcome | Exception]) -> None:
    cell = CELLS[name]
    outcome = matrix[cell]

    if isinstance(outcome, Exception):  # such as a fault that has not shown itself
        raise outcome
    assert outcome.end == expected_end(cell), outcome.order_id
    assert not outcome.unexplained
    assert not outcome.discrepancies
    if cell.is_completed_in_vain:
        assert not set(UNDOING[1:]).intersection(outcome.entered)

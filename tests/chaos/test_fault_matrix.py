"""Every task of the saga, and everything that can go wrong with it, on the real local cloud.

A few cells run always; all of them with `make test-full`. FAULT_MATRIX=docs/fault-matrix.md writes
the table there.
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
from support.faults import Cell, Fault, Outcome, Plays, all_cells, expected_end, table
from support.payment_window import payment_window
from support.saga import Saga

# One of each fault, over steps and compensations, and the ends that need somebody's help.
QUICK = [
    Cell("ReserveStock", Fault.KILLED),
    Cell("ClosePaymentWindow", Fault.AFTER),
    Cell("ChargePayment", Fault.AFTER),
    Cell("CreateShipment", Fault.THROTTLED),
    Cell("CommitStock", Fault.TIMEOUT),
    Cell("CompleteOrder", Fault.TWICE),
    Cell("RefundPayment", Fault.BEFORE),
    Cell("FlagForAttention", Fault.BEFORE),
]
PAGE = """\
# The fault matrix

Every task of the saga, and everything that can go wrong with a task. Each line is one order on a
real local store, with one fault. It is written by the test that checks it:

    FAULT_MATRIX=docs/fault-matrix.md make test-full T=tests/chaos

What happens in each column of the test:

- **fails before / after its effect**: every attempt raises an error that no retry fixes. A step is
  then compensated; a compensation is given up, and parks the order until somebody redrives it.
- **times out, is killed**: the first attempt's worker does its work, and then hangs until Lambda
  ends it, or dies by SIGKILL. The second attempt finds the work done.
- **is throttled**: the function's reserved concurrency is 0 when the saga comes to this task, until
  the saga has been refused once.
- **is delivered twice**: the function's handler is called twice with the same payload, and must
  give the same answer twice.

Compensations are reached by a CompleteOrder that fails, FlagForAttention by a RefundPayment that
fails as well. "attempts" are the task's, in the order's first execution. The audit is taken over
the order and a product of its own, when its saga has ended and again in the end.

"""


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
        item.callspec.params["cell"]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.originalname == test_an_order_ends_as_it_should.__name__
    ]
    operator = OperatorApi.of(Deployment.of(Stack(**stack)))
    plays = Plays(stack, store, Saga(stack, store, aws), aws, operator, books, new_product)
    # Long enough for a customer whose store is busy with everybody else's faults.
    with payment_window(60, stack, aws):
        played = plays.play_all(cells, tmp_path_factory.mktemp("attempts"))
    told = table([outcome for outcome in played.values() if isinstance(outcome, Outcome)])
    plugins = request.config.pluginmanager
    with plugins.getplugin("capturemanager").global_and_fixture_disabled():
        plugins.getplugin("terminalreporter").write_line(f"\n{told}")
    if page := os.environ.get("FAULT_MATRIX"):
        Path(page).write_text(f"{PAGE}{told}\n", encoding="utf-8")
    return played


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(cell, id=str(cell), marks=() if cell in QUICK else pytest.mark.full)
        for cell in all_cells()
    ],
)
def test_an_order_ends_as_it_should(cell: Cell, matrix: Mapping[Cell, Outcome | Exception]) -> None:
    outcome = matrix[cell]

    if isinstance(outcome, Exception):
        raise outcome
    assert outcome.end == expected_end(cell), outcome.order_id
    assert not outcome.discrepancies
    # What lasts, or is only delivered twice, is not retried; what strikes once is, until it works.
    is_retried = not cell.fault.lasts and cell.fault is not Fault.TWICE
    assert (outcome.attempts > 1) == is_retried

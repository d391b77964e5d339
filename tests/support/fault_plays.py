"""Plays cells of the fault matrix on a running store, and tells what became of their orders."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import requests

from sagashop_ops.audit import Books, audit
from sagashop_ops.client import Line, StoreClient, order_body
from sagashop_ops.redrive import OperatorApi
from support.fault_marks import ERRORS, Evidence, marks_of, proof_of, unexplained_errors
from support.faults import OPERATOR, SWEEPER, Cell, End, Fault
from support.outage import environment_of, reconfigured
from support.saga import Saga
from support.saga_definition import function_of
from support.saga_history import entered_states, errors_by_state
from support.template import ROOT, resources
from support.waiting import eventually

type Aws = Callable[[str], Any]

CORRELATION_HEADER = "X-Correlation-Id"
WRAPPER = ROOT / "tests" / "chaos" / "wrapper"
FUNCTION_TIMEOUT_SECONDS = 8
CALLERS = 8
PATIENCE_SECONDS = 240.0
# Events and mail come a moment after an order's end.
BOOKS_PATIENCE_SECONDS = 20.0
QUANTITY, UNITS = 2, 5
REST, PARKED = ("COMPLETED", "CANCELLED"), "NEEDS_ATTENTION"
# The row that a function's steps change.
ENTITIES = {
    "InventorySteps": "RESERVATION",
    "OrderSteps": "ORDER",
    "PaymentSteps": "PAYMENT",
    "ShippingSteps": "SHIPMENT",
}


@dataclass(frozen=True)
class Outcome:
    """What became of a cell's order.

    `proofs` say in words what shows that each strike happened; `unexplained` are errors that no
    strike accounts for; `discrepancies` is what the audit has against it, at either end.
    """

    cell: Cell
    order_id: str
    end: End
    proofs: tuple[str, ...]
    unexplained: tuple[str, ...]
    entered: tuple[str, ...]
    discrepancies: tuple[str, ...]


@dataclass(frozen=True)
class _FirstEnd:
    """How the order's first execution ended, and what is known of it."""

    order_id: str
    sku: str
    status: str
    execution: str
    evidence: Evidence


@dataclass(frozen=True)
class Plays:
    """A running store on which cells are played, each with an order and a product of its own.

    `marks` is the folder for what the faults leave behind.
    """

    stack: Mapping[str, Any]
    store: StoreClient
    saga: Saga
    aws: Aws
    operator: OperatorApi
    books: Callable[[], Books]
    new_product: Callable[..., str]
    marks: Path

    def play_all(self, cells: Collection[Cell]) -> dict[Cell, Outcome | Exception]:
        """Plays the cells, many at a time; those that throttle a function one by one.

        Then has somebody repair the orders that their sagas left. The books are read in between and
        in the end: an order and its product are nobody else's, so they must add up alone.
        """
        ended, failed = self._play_first(cells)
        found = self._audit(ended)
        repaired, unrepaired = self._repair_all(ended)
        for cell, discrepancies in self._audit(ended).items():
            found[cell] += discrepancies
        outcomes: dict[Cell, Outcome | Exception] = {**failed, **unrepaired}
        for cell, repaired_by in repaired.items():
            try:
                outcomes[cell] = self._outcome(cell, ended[cell], repaired_by, found[cell])
            except Exception as exc:  # the cell's own test raises it
                outcomes[cell] = exc
        return outcomes

    def _play_first(
        self, cells: Collection[Cell]
    ) -> tuple[dict[Cell, _FirstEnd], dict[Cell, Exception]]:
        throttling = [cell for cell in cells if cell.throttled]
        others = [cell for cell in cells if not cell.throttled]
        with self._wrapped({function_of(task) for cell in cells for task in cell.script}):
            ended, failed = _each(self._play, others, CALLERS)
            slowly_ended, slowly_failed = _each(self._play, throttling, 1)
        return ended | slowly_ended, failed | slowly_failed

    def _play(self, cell: Cell) -> _FirstEnd:
        sku = self.new_product(UNITS)
        order_id = (self._place_throttled if cell.throttled else self._place)(cell, sku)
        execution = self._wait_for_execution(order_id, cell, order_id)
        status = self.store.order(order_id)["status"]
        return _FirstEnd(order_id, sku, status, execution, self._evidence(order_id))

    def _place(self, cell: Cell, sku: str) -> str:
        """Places the cell's order."""
        token = None if cell.is_paid_later else "tok_visa"
        script = cell.correlation_id
        response = requests.post(
            f"{self.stack['api_url']}/orders",
            json=order_body([Line(sku, QUANTITY)], token),
            headers={CORRELATION_HEADER: script},
            timeout=35,
        )
        response.raise_for_status()
        assert response.headers[CORRELATION_HEADER] == script, "the API refused the script"
        order_id: str = response.json()["order_id"]
        return order_id

    def _place_throttled(self, cell: Cell, sku: str) -> str:
        """Places the cell's order; the functions of throttled tasks refuse it until that is seen.

        A function runs other tasks of the order too, so the task before waits at a gate until the
        function is throttled.
        """
        order_id = None
        for gate, task in cell.throttled:
            if gate is not None:
                order_id = order_id or self._place(cell, sku)
                self._wait(cell, order_id, (self.marks / f"{order_id}.{gate}.gate").exists)
            with self._throttled(task):
                order_id = order_id or self._place(cell, sku)
                if gate is not None:
                    (self.marks / f"{order_id}.{gate}.open").touch()
                self._wait(cell, order_id, partial(self._is_refused, order_id, task), every=0.1)
        assert order_id is not None, f"{cell} throttles nothing"
        return order_id

    def _is_refused(self, order_id: str, task: str) -> bool:
        return ERRORS[Fault.THROTTLED] in self._evidence(order_id).errors.get(task, ())

    def _wait[T](
        self,
        cell: Cell,
        order_id: str,
        probe: Callable[[], T],
        until: Callable[[T], object] = bool,
        every: float = 0.05,
    ) -> T:
        """Waits as `eventually` does; meanwhile the customer pays where the order asks for it."""

        def look() -> T:
            if cell.is_paid_later:
                self._pay_if_asked(order_id)
            return probe()

        return eventually(look, until, timeout=PATIENCE_SECONDS, every=every)

    def _pay_if_asked(self, order_id: str) -> None:
        """Pays where the order waits for it."""
        order = self.store.order(order_id)
        if order.get("payment_due_at") is not None:
            answer = self.store.pay(order_id, "tok_visa")
            # Where asking for the payment is what fails, the order may be on its way back.
            assert answer.status_code in (202, 409), answer.text

    def _wait_for_execution(self, name: str, cell: Cell, order_id: str) -> str:
        """Waits for an execution's end; returns SUCCEEDED, or the error that it failed with."""
        description = self._wait(
            cell,
            order_id,
            partial(self.saga.execution, name),
            until=lambda execution: execution["status"] != "RUNNING",
            every=0.3,
        )
        return str(description.get("error") or description["status"])

    def _repair_all(
        self, ended: Mapping[Cell, _FirstEnd]
    ) -> tuple[dict[Cell, str | None], dict[Cell, Exception]]:
        """Gets every order going again that its saga has left; returns who did."""
        left = {cell for cell, end in ended.items() if end.status not in REST}
        if any(ended[cell].status != PARKED for cell in left):
            self.aws("lambda").invoke(
                FunctionName=self.saga.physical_name("SweepOrders"),
                Payload=b'{"grace_seconds": 0}',
            )
        return _each(lambda cell: self._repair(cell, ended[cell]), ended, CALLERS)

    def _repair(self, cell: Cell, end: _FirstEnd) -> str | None:
        if end.status in REST:
            return None
        name, repaired_by = f"{end.order_id}-r1", SWEEPER
        if end.status == PARKED:
            name = self.operator.redrive(end.order_id, "the fault is fixed").execution
            repaired_by = OPERATOR
        self._wait_for_execution(name, cell, end.order_id)
        return repaired_by

    def _outcome(
        self, cell: Cell, first: _FirstEnd, repaired_by: str | None, discrepancies: Sequence[str]
    ) -> Outcome:
        final = self.store.order(first.order_id)["status"]
        return Outcome(
            cell,
            first.order_id,
            End(first.status, first.execution, repaired_by, final),
            tuple(proof_of(strike, cell, first.evidence) for strike in cell.strikes),
            tuple(unexplained_errors(cell, first.evidence)),
            tuple(first.evidence.entered),
            tuple(dict.fromkeys(discrepancies)),
        )

    def _evidence(self, order_id: str) -> Evidence:
        events = self.saga.history(order_id)
        return Evidence(
            marks_of(order_id, self.marks), errors_by_state(events), entered_states(events)
        )

    def _audit(self, ended: Mapping[Cell, _FirstEnd]) -> dict[Cell, list[str]]:
        """Audits the rows of each order by itself, once they have settled or time is up."""
        deadline = time.monotonic() + BOOKS_PATIENCE_SECONDS
        while True:
            books = self.books()
            found = {cell: _discrepancies(books, end) for cell, end in ended.items()}
            if not any(found.values()) or time.monotonic() > deadline:
                return found
            time.sleep(0.5)

    @contextmanager
    def _wrapped(self, functions: Collection[str]) -> Iterator[None]:
        """Puts the wrapper around step functions."""
        handlers = resources("AWS::Serverless::Function")
        with ExitStack() as changes:
            for function in sorted(functions):
                name = self.saga.physical_name(function)
                variables = environment_of(name, self.aws) | {
                    "PYTHONPATH": str(WRAPPER),
                    "FAULTY_HANDLER": handlers[f"{function}Function"]["Handler"],
                    "FAULTY_ENTITY": ENTITIES[function],
                    "FAULTY_MARKS": str(self.marks),
                }
                changes.enter_context(
                    reconfigured(
                        name,
                        self.aws,
                        Handler="faulty.handler",
                        Timeout=FUNCTION_TIMEOUT_SECONDS,
                        Environment={"Variables": variables},
                    )
                )
            yield

    @contextmanager
    def _throttled(self, task: str) -> Iterator[None]:
        """Leaves a function without a single worker meanwhile."""
        name = self.saga.function_name(task)
        functions = self.aws("lambda")
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            functions.delete_function_concurrency(FunctionName=name)


def _each[R](
    play: Callable[[Cell], R], cells: Iterable[Cell], callers: int
) -> tuple[dict[Cell, R], dict[Cell, Exception]]:
    """Calls `play` with each cell, several at a time; returns the results, and what was raised."""
    done: dict[Cell, R] = {}
    failed: dict[Cell, Exception] = {}

    def attempt(cell: Cell) -> None:
        try:
            done[cell] = play(cell)
        except Exception as exc:  # the cell's own test raises it
            failed[cell] = exc

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(attempt, cells))
    return done, failed


def _discrepancies(books: Books, end: _FirstEnd) -> list[str]:
    """Returns what the audit has against an order and the product that is only its."""
    own = {"products": end.sku}
    part = Books(
        **{
            field.name: {
                key: row
                for key, row in getattr(books, field.name).items()
                if key == own.get(field.name, end.order_id)
            }
            for field in fields(Books)
        }
    )
    return list(audit(part).discrepancies)

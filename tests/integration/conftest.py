"""What the tests of the store's behaviour share: the saga, the bus, products of their own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sagashop_ops.audit import Books, audit
from sagashop_ops.client import Line, StoreClient
from support.bus import BusListener
from support.outage import PaidInVain, failing_steps
from support.saga import Saga
from support.saga_coverage import REPORT, Level
from support.waiting import eventually


@pytest.fixture(scope="module", autouse=True)
def _nothing_gets_lost(
    stack: dict[str, Any],
    books: Callable[[], Books],
    aws: Callable[[str], Any],
    saga: Saga,
    request: pytest.FixtureRequest,
) -> Iterator[None]:
    """One look at money, stock and the dead-letter queues after every module.

    And one at the executions that its orders took: the engine forgets them when it ends.

    More than one look at the books where it takes that: an order under way may be read half before
    a step and half after it.
    """
    yield
    saga.note_coverage(request.config.stash[REPORT].levels[Level.REAL])
    eventually(
        lambda: audit(books()).discrepancies, until=lambda found: not found, timeout=15, every=0.5
    )
    for name, url in stack["dead_letter_queues"].items():
        attributes = aws("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        assert attributes["ApproximateNumberOfMessages"] == "0", f"{name} has dead letters"


@pytest.fixture(scope="session")
def saga(stack: dict[str, Any], store: StoreClient, aws: Callable[[str], Any]) -> Saga:
    """The store's order saga, as Step Functions sees it."""
    return Saga(stack, store, aws)


@pytest.fixture(scope="session")
def bus(stack: dict[str, Any], aws: Callable[[str], Any]) -> Iterator[BusListener]:
    """A listener on the store's event bus; it hears what happens from its first use on."""
    listener = BusListener(stack, aws)
    yield listener
    listener.close()


@pytest.fixture(scope="session")
def stock_of(books: Callable[[], Books]) -> Callable[[str], dict[str, int]]:
    """Tells where a product's units are: `{"available", "reserved", "sold"}`."""

    def count(sku: str) -> dict[str, int]:
        product = books().products[sku]
        return {shelf: int(product[shelf]) for shelf in ("available", "reserved", "sold")}

    return count


@pytest.fixture(scope="session")
def paid_in_vain(
    stack: dict[str, Any],
    store: StoreClient,
    saga: Saga,
    aws: Callable[[str], Any],
    bus: BusListener,
    new_product: Callable[..., str],
) -> PaidInVain:
    """Two orders on their way back; `bus` has listened from before they were placed.

    The refunds of one are retried for up to a minute and a half. So this is shared: an early
    module looks at the one order, and a late module at the other.
    """
    wanted, units, price_cents = 3, 10, 1250
    sku = new_product(units, price_cents)
    with failing_steps(stack, aws, "CommitStock"):
        orders = [
            store.place_order([Line(sku, wanted)], token)
            for token in ("tok_visa", "tok_refund_fails")
        ]
        eventually(
            lambda: [saga.states(order_id) for order_id in orders],
            until=lambda paths: all("RefundPayment" in states for states in paths),
        )
    return PaidInVain(sku, units, wanted, wanted * price_cents, *orders)

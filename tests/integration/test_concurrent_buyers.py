"""Many buyers at once want what there isn't enough of."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sagashop_ops.client import Line, StoreClient
from support.saga import Saga

BUYERS = 30


def buy_at_once(store: StoreClient, baskets: Sequence[Sequence[Line]]) -> list[str]:
    """Places an order for each basket, all at the same time; returns the orders' ids."""
    with ThreadPoolExecutor(len(baskets)) as buyers:
        return list(buyers.map(lambda basket: store.place_order(basket, "tok_visa"), baskets))


def outcomes(saga: Saga, orders: Sequence[str]) -> Counter[tuple[str, str | None]]:
    """Waits for all orders' ends; counts how they ended, and why."""
    ended = saga.wait_until_all_ended(*orders)
    return Counter(
        (order["status"], order["reason"]["code"] if order["reason"] else None) for order in ended
    )


def test_exactly_the_units_that_exist_are_sold(
    store: StoreClient,
    saga: Saga,
    new_product: Callable[..., str],
    stock_of: Callable[[str], dict[str, int]],
) -> None:
    # Given a product with fewer units than there are buyers
    units = 12
    sku = new_product(units)

    # When all of them buy at once
    orders = buy_at_once(store, [[Line(sku, 1)]] * BUYERS)

    # Then every unit is sold, once, and the others are told that there are no more
    assert outcomes(saga, orders) == {
        ("COMPLETED", None): units,
        ("CANCELLED", "OUT_OF_STOCK"): BUYERS - units,
    }
    assert stock_of(sku) == {"available": 0, "reserved": 0, "sold": units}


def test_two_scarce_products_are_sold_together_or_not_at_all(
    store: StoreClient,
    saga: Saga,
    new_product: Callable[..., str],
    stock_of: Callable[[str], dict[str, int]],
) -> None:
    # Given cups and saucers, which every buyer wants both, half of them in the other order
    cups, saucers = new_product(2), new_product(4)
    baskets = [[Line(cups, 1), Line(saucers, 1)], [Line(saucers, 1), Line(cups, 1)]] * 3

    # When all of them buy at once
    orders = buy_at_once(store, baskets)

    # Then each cup goes with a saucer, and no saucer is held for an order without a cup
    assert outcomes(saga, orders) == {
        ("COMPLETED", None): 2,
        ("CANCELLED", "OUT_OF_STOCK"): 4,
    }
    assert stock_of(cups) == {"available": 0, "reserved": 0, "sold": 2}
    assert stock_of(saucers) == {"available": 2, "reserved": 0, "sold": 2}

"""The audit's rules, on books small enough to read."""

from dataclasses import replace

import pytest

from sagashop_cli.audit import Books, audit

LINES = [{"sku": "product-001", "quantity": 2}]
PRICE = 500
CAPTURED = {"captured_cents": PRICE, "refunded_cents": 0}
REFUNDED = {"captured_cents": PRICE, "refunded_cents": PRICE}

COMPLETED = Books(
    products={"product-001": {"available": 8, "reserved": 0, "sold": 2, "seeded": 10}},
    reservations={"ord_1": {"status": "COMMITTED", "lines": LINES}},
    orders={"ord_1": {"status": "COMPLETED", "total_cents": PRICE}},
    payments={"ord_1": CAPTURED},
    charges={"ord_1": CAPTURED},
)
CANCELLED = Books(
    products={"product-001": {"available": 10, "reserved": 0, "sold": 0, "seeded": 10}},
    reservations={"ord_1": {"status": "RELEASED", "lines": LINES}},
    orders={"ord_1": {"status": "CANCELLED", "total_cents": PRICE}},
    payments={"ord_1": REFUNDED},
    charges={"ord_1": REFUNDED},
)


@pytest.mark.parametrize("books", [COMPLETED, CANCELLED], ids=["completed", "cancelled"])
def test_books_of_an_order_that_ended_well_hold(books: Books) -> None:
    assert audit(books).discrepancies == ()


def test_an_open_order_may_hold_stock_and_money() -> None:
    books = replace(
        COMPLETED,
        products={"product-001": {"available": 8, "reserved": 2, "sold": 0, "seeded": 10}},
        reservations={"ord_1": {"status": "RESERVED", "lines": LINES}},
        orders={"ord_1": {"status": "PAID", "total_cents": PRICE}},
    )

    report = audit(books)

    assert report.holds
    assert (report.open_orders, report.held_cents) == (1, PRICE)


def test_a_charge_that_was_only_attempted_moved_no_money() -> None:
    books = replace(CANCELLED, payments={}, charges={"ord_1": {"attempts": 1}})

    assert audit(books).holds


def test_money_of_a_parked_order_is_owed_not_lost() -> None:
    books = replace(
        COMPLETED, orders={"ord_1": {"status": "NEEDS_ATTENTION", "total_cents": PRICE}}
    )

    report = audit(books)

    assert report.holds
    assert report.owed_cents == PRICE


@pytest.mark.parametrize(
    ("books", "complaint"),
    [
        pytest.param(
            replace(
                COMPLETED,
                products={"product-001": {"available": 9, "reserved": 0, "sold": 2, "seeded": 10}},
            ),
            "is not what was seeded",
            id="a unit appeared",
        ),
        pytest.param(
            replace(
                COMPLETED,
                products={"product-001": {"available": -1, "reserved": 9, "sold": 2, "seeded": 10}},
            ),
            "below zero",
            id="oversold",
        ),
        pytest.param(
            replace(
                CANCELLED,
                products={"product-001": {"available": 8, "reserved": 2, "sold": 0, "seeded": 10}},
            ),
            "2 reserved, but reservations hold 0",
            id="stock leaked",
        ),
        pytest.param(
            replace(COMPLETED, reservations={}),
            "completed, but its reservation is None",
            id="completed without a reservation",
        ),
        pytest.param(
            replace(COMPLETED, charges={}, payments={}),
            "but 0 were kept",
            id="completed without a payment",
        ),
        pytest.param(
            replace(CANCELLED, charges={"ord_1": CAPTURED}),
            "cancelled, but 500 cents were kept",
            id="cancelled without a refund",
        ),
        pytest.param(
            replace(CANCELLED, orders={}, reservations={"ord_1": COMPLETED.reservations["ord_1"]}),
            "an order that doesn't exist",
            id="stock without an order",
        ),
        pytest.param(
            replace(COMPLETED, charges={"ord_1": CAPTURED, "ord_2": CAPTURED}),
            "captured less refunded is 1000 cents",
            id="a charge that nobody ordered",
        ),
        pytest.param(
            replace(COMPLETED, payments={}),
            "the payment service counts 0 cents, the provider 500",
            id="a charge that the payment service doesn't know",
        ),
    ],
)
def test_what_does_not_add_up_is_named(books: Books, complaint: str) -> None:
    assert any(complaint in discrepancy for discrepancy in audit(books).discrepancies)

"""The audit's rules, on books small enough to read."""

from dataclasses import replace

import pytest

from sagashop_ops.audit import Books, audit, describe

LINES = [{"sku": "product-001", "quantity": 2}]
PRICE = 500
CAPTURED = {"captured_cents": PRICE, "refunded_cents": 0}
REFUNDED = {"captured_cents": PRICE, "refunded_cents": PRICE}
PARCEL = {"tracking_number": "SP1"}
CREATED = PARCEL | {"status": "CREATED"}
BOOKED = PARCEL | {"status": "BOOKED", "booked_at": "2026-03-01T09:30:00.125Z"}
CALLED_OFF = BOOKED | {"status": "CANCELLED"}

COMPLETED = Books(
    products={"product-001": {"available": 8, "reserved": 0, "sold": 2, "seeded": 10}},
    reservations={"ord_1": {"status": "COMMITTED", "lines": LINES}},
    orders={"ord_1": {"status": "COMPLETED", "total_cents": PRICE, "shipment": PARCEL}},
    payments={"ord_1": CAPTURED},
    charges={"ord_1": CAPTURED},
    shipments={"ord_1": CREATED},
    bookings={"ord_1": BOOKED},
)
CANCELLED = Books(
    products={"product-001": {"available": 10, "reserved": 0, "sold": 0, "seeded": 10}},
    reservations={"ord_1": {"status": "RELEASED", "lines": LINES}},
    orders={"ord_1": {"status": "CANCELLED", "total_cents": PRICE}},
    payments={"ord_1": REFUNDED},
    charges={"ord_1": REFUNDED},
    shipments={"ord_1": PARCEL | {"status": "CANCELLED"}},
    bookings={"ord_1": CALLED_OFF},
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
    assert (report.orders_by_status, report.held_cents) == ({"PAID": 1}, PRICE)


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
    ("shipments", "bookings"),
    [
        ({}, {}),
        ({"ord_1": {"status": "REJECTED"}}, {"ord_1": {"status": "REJECTED", "booked_at": None}}),
        ({"ord_1": {"status": "CANCELLED"}}, {}),
        ({"ord_1": {"status": "CANCELLED"}}, {"ord_1": {"status": "CANCELLED"}}),
        ({"ord_1": {"status": "CANCELLED"}}, {"ord_1": {"status": "REJECTED"}}),
    ],
    ids=["no shipment", "rejected", "tombstone", "called off unbooked", "rejection never noted"],
)
def test_a_cancelled_order_has_no_parcel_on_its_way(shipments, bookings) -> None:
    report = audit(replace(CANCELLED, shipments=shipments, bookings=bookings))

    assert report.holds
    assert report.parcels["booked"] == 0


def test_an_order_of_the_version_that_did_not_ship_needs_no_shipment() -> None:
    unshipped = {"ord_1": {"status": "COMPLETED", "total_cents": PRICE}}

    assert audit(replace(COMPLETED, orders=unshipped, shipments={}, bookings={})).holds


@pytest.mark.parametrize("status", ["PAID", "NEEDS_ATTENTION"])
@pytest.mark.parametrize("shipment", ["PENDING", "CREATED", "CANCELLED"])
@pytest.mark.parametrize("booking", [BOOKED, CALLED_OFF])
def test_the_parcel_of_an_order_that_has_not_ended_may_be_either(
    status: str, shipment: str, booking: dict[str, str]
) -> None:
    books = replace(
        COMPLETED,
        orders={"ord_1": {"status": status, "total_cents": PRICE}},
        shipments={"ord_1": PARCEL | {"status": shipment}},
        bookings={"ord_1": booking},
    )

    assert audit(books).holds


def test_parcels_are_described_beside_stock_and_money() -> None:
    two = replace(
        COMPLETED,
        orders=COMPLETED.orders | {"ord_2": {"status": "CANCELLED", "total_cents": PRICE}},
        shipments=COMPLETED.shipments | {"ord_2": PARCEL | {"status": "CANCELLED"}},
        bookings=COMPLETED.bookings | {"ord_2": CALLED_OFF},
    )

    assert (
        "parcels 2 booked - 1 called off = 1: 1 of completed orders + 0 of open ones "
        "+ 0 of parked ones"
    ) in describe(audit(two))


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
        pytest.param(
            replace(COMPLETED, shipments={}, bookings={}),
            "completed, but its shipment is None",
            id="completed without a shipment",
        ),
        pytest.param(
            replace(
                COMPLETED,
                orders={"ord_1": {"status": "COMPLETED", "total_cents": PRICE, "shipment": None}},
                shipments={},
                bookings={},
            ),
            "completed, but its shipment is None",
            id="completed without knowing of a shipment",
        ),
        pytest.param(
            replace(COMPLETED, shipments={"ord_1": PARCEL | {"status": "PENDING"}}),
            "completed, but its shipment is PENDING",
            id="completed before the carrier answered",
        ),
        pytest.param(
            replace(CANCELLED, shipments={"ord_1": CREATED}, bookings={"ord_1": BOOKED}),
            "cancelled, but its shipment is CREATED",
            id="a cancelled order that is shipped",
        ),
        pytest.param(
            replace(CANCELLED, bookings={"ord_1": BOOKED}),
            "the shipping service ships None, the carrier SP1",
            id="a parcel that the shipping service called off, but the carrier delivers",
        ),
        pytest.param(
            replace(COMPLETED, bookings={"ord_1": CALLED_OFF}),
            "the shipping service ships SP1, the carrier None",
            id="a parcel that the carrier doesn't deliver",
        ),
        pytest.param(
            replace(COMPLETED, bookings={"ord_1": BOOKED | {"tracking_number": "SP2"}}),
            "the shipping service ships SP1, the carrier SP2",
            id="another parcel's number",
        ),
        pytest.param(
            replace(COMPLETED, shipments={"ord_1": CREATED, "ord_2": CREATED}),
            "ord_2: a shipment for an order that doesn't exist",
            id="a shipment without an order",
        ),
        pytest.param(
            replace(COMPLETED, bookings={"ord_1": BOOKED, "ord_2": BOOKED}),
            "ord_2: the shipping service ships None, the carrier SP1",
            id="a booking that nobody ordered",
        ),
    ],
)
def test_what_does_not_add_up_is_named(books: Books, complaint: str) -> None:
    assert any(complaint in discrepancy for discrepancy in audit(books).discrepancies)

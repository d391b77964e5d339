"""The audit's rules over each order: what it was promised, what moved, and what it was told.

Each case doctors the books of an order that ended well, and one rule must say so.
"""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from sagashop_ops.audit import Books, Event, audit, describe, read_books
from sagashop_ops.aws import shared_aws
from support.operators import a_stack

ID = "ord_1"
MUG, POT = "product-001", "product-002"
PRICE = 2 * 500 + 900
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)

type Json = dict[str, Any]
type Doctor = Callable[["Draft"], None]


def at(seconds: float) -> str:
    """A time so long after the order was placed."""
    return (datetime(2026, 3, 1, 9, 0, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()


def an_event(event_type: str, seconds: float, sequence: int | None, **data: Any) -> Event:
    service = {"Stock": "inventory", "Order": "order"}.get(event_type[:5], "payment")
    if event_type == "PaymentRequested":
        service = "order"
    return Event(service, event_type, f"evt_{event_type}", at(seconds), data, sequence)


def a_call(call: str, outcome: str, seconds: float, **effect: Any) -> Json:
    return {"call": call, "outcome": outcome, "at": at(seconds), **effect}


def a_mail(
    event_type: str, claimed: float, sent: float | None = None, status: str = "SENT"
) -> Json:
    return {
        "event_id": f"evt_{event_type}",
        "event_type": event_type,
        "status": status,
        "claimed_at": at(claimed),
        "sent_at": at(claimed + 0.5 if sent is None else sent),
    }


class Draft:
    """The books of one order, which a case changes before they are audited."""

    def __init__(self) -> None:
        self.order: Json = {
            "status": "COMPLETED",
            "total_cents": PRICE,
            "shipment": {"tracking_number": "SP1"},
            "created_at": at(0),
        }
        ordered = [{"sku": MUG, "quantity": 2}, {"sku": POT, "quantity": 1}]
        self.parcel = copy.deepcopy(ordered)
        self.reservation: Json = {
            "status": "COMMITTED",
            "lines": [
                {"sku": MUG, "quantity": 2, "unit_price_cents": 500},
                {"sku": POT, "quantity": 1, "unit_price_cents": 900},
            ],
        }
        self.products: dict[str, Json] = {
            sku: {
                "available": 10 - sold,
                "reserved": 0,
                "sold": sold,
                "seeded": 10,
                "prices": [{"since": at(-60), "price_cents": price}],
            }
            for sku, sold, price in ((MUG, 2, 500), (POT, 1, 900))
        }
        self.payment: Json = {"captured_cents": PRICE, "refunded_cents": 0}
        self.charge: Json = self.payment | {"status": "CAPTURED", "captured_at": at(2)}
        self.shipment: Json = {"status": "CREATED", "tracking_number": "SP1"}
        self.booking: Json = {"status": "BOOKED", "tracking_number": "SP1", "booked_at": at(3)}
        self.events = [
            an_event("OrderPlaced", 0, 1, items=ordered),
            an_event("StockReserved", 1, 1),
            an_event("PaymentCaptured", 2, 2, amount_cents=PRICE),
            an_event("OrderCompleted", 4, 4, total_cents=PRICE),
        ]
        self.logged = [an_event("PaymentCaptured", 2, 2, amount_cents=PRICE)]
        self.provider_calls = [a_call("charge", "CAPTURED", 2, moved_cents=PRICE)]
        self.carrier_calls = [a_call("book", "BOOKED", 3, parcel=self.parcel)]
        self.mails = [a_mail("OrderPlaced", 1), a_mail("OrderCompleted", 5)]

    def books(self) -> Books:
        return Books(
            products=self.products,
            reservations={ID: self.reservation},
            orders={ID: self.order},
            payments={ID: self.payment},
            charges={ID: self.charge},
            shipments={ID: self.shipment},
            bookings={ID: self.booking},
            events={ID: self.events},
            logged={ID: self.logged},
            provider_calls={ID: self.provider_calls},
            carrier_calls={ID: self.carrier_calls},
            mails={ID: self.mails},
        )

    def event(self, event_type: str) -> Event:
        (event,) = (event for event in self.events if event.type == event_type)
        return event

    def open(self, status: str = "PAID") -> None:
        """Makes it an order that its saga has not finished."""
        self.order |= {"status": status, "created_at": at(0)}
        self.events.remove(self.event("OrderCompleted"))
        self.mails.pop()
        self.reservation["status"] = "RESERVED"
        for product in self.products.values():
            product |= {"reserved": product["sold"], "sold": 0}


def a_cancelled_draft() -> Draft:
    """The books of an order that was charged, shipped, and undone."""
    draft = Draft()
    draft.order["status"] = "CANCELLED"
    draft.reservation["status"] = "RELEASED"
    for product in draft.products.values():
        product |= {"available": 10, "sold": 0}
    draft.payment["refunded_cents"] = PRICE
    draft.charge |= {"status": "REFUNDED", "refunded_cents": PRICE}
    draft.shipment["status"] = draft.booking["status"] = "CANCELLED"
    draft.provider_calls.append(a_call("refund", "REFUNDED", 6, moved_cents=-PRICE))
    draft.carrier_calls.append(a_call("cancel", "CANCELLED", 6, parcel=[]))
    draft.events[-1:] = [
        an_event("OrderCancellationStarted", 5, 4),
        an_event("PaymentRefunded", 6, 4, amount_cents=PRICE),
        an_event("OrderCancelled", 7, 5, refund={"amount_cents": PRICE, "currency": "USD"}),
    ]
    draft.logged.append(an_event("PaymentRefunded", 6, 4, amount_cents=PRICE))
    draft.mails[-1] = a_mail("OrderCancelled", 8)
    return draft


def a_refused_draft() -> Draft:
    """The books of an order for which there was not enough stock."""
    draft = Draft()
    draft.order |= {"status": "CANCELLED", "total_cents": None}
    draft.reservation = {"status": "FAILED", "lines": []}
    for product in draft.products.values():
        product |= {"available": 10, "sold": 0}
    draft.payment, draft.charge, draft.shipment, draft.booking = {}, {}, {}, {}
    draft.provider_calls, draft.carrier_calls, draft.logged = [], [], []
    draft.events[1:] = [
        an_event("StockReservationFailed", 1, 1),
        an_event("OrderCancellationStarted", 2, 2),
        an_event("OrderCancelled", 3, 3, refund=None),
    ]
    draft.mails[-1] = a_mail("OrderCancelled", 4)
    return draft


def findings(draft: Draft) -> tuple[str, ...]:
    return audit(draft.books(), NOW).discrepancies


@pytest.mark.parametrize("make", [Draft, a_cancelled_draft, a_refused_draft])
def test_an_order_that_got_what_was_promised_holds(make: Callable[[], Draft]) -> None:
    report = audit(make().books(), NOW)

    assert report.discrepancies == ()
    assert report.unchecked == {}


def reserve(draft: Draft, sku: str, **change: int) -> None:
    (line,) = (line for line in draft.reservation["lines"] if line["sku"] == sku)
    line |= change


def one_reserved_of_two(draft: Draft) -> None:
    reserve(draft, MUG, quantity=1)
    draft.products[MUG] |= {"available": 9, "sold": 1}


def another_product_reserved(draft: Draft) -> None:
    draft.reservation["lines"][1]["sku"] = "product-003"


def nothing_reserved(draft: Draft) -> None:
    draft.reservation["lines"] = []


def at_yesterdays_price(draft: Draft) -> None:
    reserve(draft, MUG, unit_price_cents=400)


def a_total_of_one_unit(draft: Draft) -> None:
    draft.order["total_cents"] = 500 + 900


def charged_twice(draft: Draft) -> None:
    draft.provider_calls.append(a_call("charge", "CAPTURED", 3, moved_cents=PRICE))


def charged_too_little(draft: Draft) -> None:
    """Everything but the promise agrees on the wrong amount."""
    draft.order["total_cents"] = draft.payment["captured_cents"] = 500
    draft.charge["captured_cents"] = draft.provider_calls[0]["moved_cents"] = 500


def charged_unseen(draft: Draft) -> None:
    draft.provider_calls = [a_call("charge", "REPEATED", 2, moved_cents=0)]


def kept_differently(draft: Draft) -> None:
    draft.provider_calls[0]["moved_cents"] = PRICE - 1


def a_refund_of_a_completed_order(draft: Draft) -> None:
    draft.provider_calls.append(a_call("refund", "REFUNDED", 6, moved_cents=-PRICE))


def an_empty_parcel(draft: Draft) -> None:
    draft.parcel.clear()


def a_second_parcel(draft: Draft) -> None:
    draft.carrier_calls.append(draft.carrier_calls[0])


def no_parcel(draft: Draft) -> None:
    draft.carrier_calls = [a_call("book", "REPEATED", 3, parcel=[])]


def a_parcel_called_off(draft: Draft) -> None:
    draft.carrier_calls.append(a_call("cancel", "CANCELLED", 6, parcel=[]))


def told_another_charge(draft: Draft) -> None:
    draft.event("PaymentCaptured").data["amount_cents"] = 1  # type: ignore[index]


def told_no_charge(draft: Draft) -> None:
    draft.events.remove(draft.event("PaymentCaptured"))


def logged_another_charge(draft: Draft) -> None:
    draft.logged[0].data["amount_cents"] = 1  # type: ignore[index]


def published_twice(draft: Draft) -> None:
    draft.events.append(draft.event("StockReserved"))


def redriven_twice_at_once(draft: Draft) -> None:
    draft.events += [an_event("OrderRedriven", 3, 3), an_event("OrderRedriven", 3, 3)]


def logged_twice(draft: Draft) -> None:
    draft.logged *= 2


def two_events_of_one_change(draft: Draft) -> None:
    draft.events.append(an_event("OrderCancellationRequested", 4, 4))


def no_end(draft: Draft) -> None:
    draft.events.remove(draft.event("OrderCompleted"))
    draft.mails.pop()


def both_ends(draft: Draft) -> None:
    draft.events.append(an_event("OrderCancelled", 7, 5, refund=None))


def an_end_of_an_open_order(draft: Draft) -> None:
    end = draft.event("OrderCompleted")
    draft.open()
    draft.events.append(end)


def completed_at_another_total(draft: Draft) -> None:
    draft.event("OrderCompleted").data["total_cents"] = 1  # type: ignore[index]


def mailed_twice(draft: Draft) -> None:
    draft.mails.append(draft.mails[0])


def mail_of_no_event(draft: Draft) -> None:
    draft.mails.append(a_mail("OrderNeedsAttention", 6))


def mail_of_another_end(draft: Draft) -> None:
    draft.mails.append(a_mail("OrderCancelled", 6))


def mail_after_newer_mail(draft: Draft) -> None:
    draft.mails[0] = a_mail("OrderPlaced", 9)


def asked_to_pay_too_late(draft: Draft) -> None:
    draft.mails.pop()
    draft.events.append(an_event("PaymentRequested", 2, 2, due_at=at(60)))
    draft.mails.append(a_mail("PaymentRequested", 61))


def asked_to_pay_after_the_end(draft: Draft) -> None:
    draft.events.append(an_event("PaymentRequested", 2, 2, due_at=at(60)))
    draft.mails.append(a_mail("PaymentRequested", 9))


@pytest.mark.parametrize(
    ("doctor", "complaint"),
    [
        (one_reserved_of_two, "2 x product-001 were ordered, 1 reserved"),
        (another_product_reserved, "0 x product-003 were ordered, 1 reserved"),
        (nothing_reserved, "2 x product-001 were ordered, 0 reserved"),
        (at_yesterdays_price, "product-001 was reserved at 400 cents, and cost 500"),
        (a_total_of_one_unit, "its total is 1400 cents, not 1900"),
        (charged_twice, "it was charged 2 times"),
        (charged_too_little, "500 cents were charged, not 1900"),
        (charged_unseen, "completed with 0 charges and 0 refunds"),
        (kept_differently, "the provider's calls kept 1899 cents, its charge 1900"),
        (a_refund_of_a_completed_order, "completed with 1 charges and 1 refunds"),
        (an_empty_parcel, "2 x product-001 were ordered, 0 sent"),
        (a_second_parcel, "2 parcels were booked"),
        (no_parcel, "completed with 0 parcels booked and 0 cancelled"),
        (a_parcel_called_off, "completed with 1 parcels booked and 1 cancelled"),
        (told_another_charge, "PaymentCaptured told [1] cents, the provider moved [1900]"),
        (told_no_charge, "PaymentCaptured told [] cents, the provider moved [1900]"),
        (logged_another_charge, "the timeline's PaymentCaptured tells 1 cents"),
        (published_twice, "StockReserved was published twice"),
        (redriven_twice_at_once, "the event evt_OrderRedriven was published twice"),
        (logged_twice, "the timeline has PaymentCaptured twice"),
        (two_events_of_one_change, "two events tell change 4"),
        (no_end, "COMPLETED, but its events say []"),
        (both_ends, "COMPLETED, but its events say ['OrderCancelled', 'OrderCompleted']"),
        (an_end_of_an_open_order, "PAID, but its events say ['OrderCompleted']"),
        (completed_at_another_total, "OrderCompleted told 1 cents, its total is 1900"),
        (mailed_twice, "the mail for evt_OrderPlaced was sent twice"),
        (mail_of_no_event, "a mail tells of OrderNeedsAttention, which the order's log does not"),
        (mail_of_another_end, "COMPLETED, but a mail says OrderCancelled"),
        (mail_after_newer_mail, "the mail for OrderPlaced was sent after that for OrderCompleted"),
        (asked_to_pay_too_late, "the mail for PaymentRequested was sent after the time to pay"),
        (asked_to_pay_after_the_end, "PaymentRequested was sent after that for OrderCompleted"),
    ],
)
def test_a_broken_promise_of_a_completed_order_is_named(doctor: Doctor, complaint: str) -> None:
    draft = Draft()
    doctor(draft)

    assert any(complaint in finding for finding in findings(draft)), findings(draft)


def refunded_twice(draft: Draft) -> None:
    draft.provider_calls.append(draft.provider_calls[-1])


def refunded_in_part(draft: Draft) -> None:
    draft.provider_calls[-1]["moved_cents"] = -500


def never_refunded(draft: Draft) -> None:
    draft.provider_calls.pop()


def told_no_refund(draft: Draft) -> None:
    draft.event("OrderCancelled").data["refund"] = None  # type: ignore[index]


def told_another_refund(draft: Draft) -> None:
    draft.event("PaymentRefunded").data["amount_cents"] = 500  # type: ignore[index]


def logged_another_refund(draft: Draft) -> None:
    draft.logged[-1].data["amount_cents"] = 500  # type: ignore[index]


def told_a_refund_that_never_was(draft: Draft) -> None:
    draft.charge |= {"status": "VOIDED", "captured_cents": 0, "refunded_cents": 0}


def mail_of_completion(draft: Draft) -> None:
    draft.mails.append(a_mail("OrderCompleted", 7))


@pytest.mark.parametrize(
    ("doctor", "complaint"),
    [
        (refunded_twice, "it was refunded 2 times: [1900, 1900] cents"),
        (refunded_in_part, "500 cents were refunded of 1900 that were charged"),
        (never_refunded, "cancelled, and the provider's calls kept 1900 cents"),
        (told_no_refund, "OrderCancelled told a refund of 0 cents, not 1900"),
        (told_another_refund, "PaymentRefunded told [500] cents, the provider moved [1900]"),
        (logged_another_refund, "the timeline's PaymentRefunded tells 500 cents, not [1900]"),
        (told_a_refund_that_never_was, "OrderCancelled told a refund of 1900 cents, not 0"),
        (mail_of_completion, "CANCELLED, but a mail says OrderCompleted"),
        (an_empty_parcel, "2 x product-001 were ordered, 0 sent"),
        (one_reserved_of_two, "2 x product-001 were ordered, 1 reserved"),
    ],
)
def test_a_broken_promise_of_a_cancelled_order_is_named(doctor: Doctor, complaint: str) -> None:
    draft = a_cancelled_draft()
    doctor(draft)

    assert any(complaint in finding for finding in findings(draft)), findings(draft)


@pytest.mark.parametrize("price", [500, 650])
def test_where_the_price_changes_before_the_reservation_either_is_right(price: int) -> None:
    draft = Draft()
    draft.products[MUG]["prices"].append({"since": at(0.5), "price_cents": 650})
    reserve(draft, MUG, unit_price_cents=price)
    total = 2 * price + 900
    draft.order["total_cents"] = total
    for row in (draft.charge, draft.payment):
        row["captured_cents"] = total
    draft.provider_calls[0]["moved_cents"] = total
    for event in (*draft.events, *draft.logged):
        for name in ("amount_cents", "total_cents"):
            if name in event.data:
                event.data[name] = total  # type: ignore[index]

    assert findings(draft) == ()


@pytest.mark.parametrize("since", [-3600, 3600], ids=["over by then", "not yet in force"])
def test_the_price_of_another_time_is_wrong(since: float) -> None:
    draft = Draft()
    history = draft.products[MUG]["prices"]
    history.insert(0 if since < 0 else 1, {"since": at(since), "price_cents": 650})
    reserve(draft, MUG, unit_price_cents=650)

    assert "ord_1: product-001 was reserved at 650 cents, and cost 500" in findings(draft)


def test_an_order_of_an_earlier_release_is_not_checkable_but_never_wrong() -> None:
    draft = a_cancelled_draft()
    draft.events = [
        Event(event.service, event.type, event.event_id, event.occurred_at, event.data)
        for event in draft.events
    ]
    del draft.event("OrderCancelled").data["refund"]  # type: ignore[attr-defined]
    draft.provider_calls, draft.carrier_calls = [], []
    for product in draft.products.values():
        del product["prices"]
    for row in (draft.order, draft.reservation):
        row.pop("created_at", None)

    report = audit(draft.books(), NOW)

    assert report.discrepancies == ()
    assert report.unchecked == dict.fromkeys(
        ("prices", "totals", "charges", "parcels", "refunds", "mails"), 1
    )
    assert (
        "not checkable in some orders: prices (1), totals (1), charges (1), parcels (1), "
        "refunds (1), mails (1)"
    ) in describe(report)


def test_an_order_without_an_event_is_not_checkable() -> None:
    draft = Draft()
    draft.events = []

    assert {"lines", "events", "ends"} <= audit(draft.books(), NOW).unchecked.keys()


def test_a_price_from_before_the_history_began_is_not_known() -> None:
    draft = Draft()
    draft.products[MUG]["prices"] = [{"since": at(0.5), "price_cents": 1}]

    report = audit(draft.books(), NOW)

    assert (report.discrepancies, report.unchecked) == ((), {"prices": 1, "totals": 1})


def test_where_the_price_is_not_known_the_charge_must_be_the_total() -> None:
    draft = Draft()
    del draft.products[MUG]["prices"]
    assert findings(draft) == ()

    draft.order["total_cents"] = 1400

    assert "ord_1: 1900 cents were charged, not 1400" in findings(draft)


def test_where_no_total_is_known_either_a_charge_may_be_any() -> None:
    draft = a_cancelled_draft()
    del draft.products[MUG]["prices"]
    draft.order["total_cents"] = None

    assert findings(draft) == ()


def test_a_charge_from_before_calls_were_recorded_is_not_a_refund_without_a_charge() -> None:
    draft = a_cancelled_draft()
    del draft.provider_calls[0], draft.carrier_calls[0]

    report = audit(draft.books(), NOW)

    assert (report.discrepancies, report.unchecked) == ((), {"charges": 1, "parcels": 1})


def test_what_is_under_way_may_lag_behind() -> None:
    draft = Draft()
    draft.open()
    told_no_charge(draft)
    draft.logged = []

    assert audit(draft.books(), NOW - timedelta(minutes=50)).discrepancies == ()


@pytest.mark.parametrize("status", ["PENDING", "PAID", "CANCELLING"])
def test_an_order_that_is_open_for_too_long_is_named(status: str) -> None:
    draft = Draft()
    draft.open(status)

    assert findings(draft) == (f"ord_1: it is {status} for 60 minutes",)
    assert audit(draft.books(), NOW, open_limit=timedelta(hours=1)).holds


def test_the_time_to_pay_and_a_redrive_prolong_the_time_that_an_order_may_be_open() -> None:
    draft = Draft()
    draft.open("AWAITING_PAYMENT")
    draft.order["payment_window"] = {"due_at": at(1800)}
    assert findings(draft) == ()

    draft.order["payment_window"] = None
    assert findings(draft)

    draft.events.append(an_event("OrderRedriven", 1800, 3))
    assert findings(draft) == ()


def an_event_row(key: str, service: str, event_type: str, **data: Any) -> Json:
    metadata = {"event_id": f"evt_{event_type}", "occurred_at": at(0), "sequence": 1}
    return {
        "pk": key,
        "sk": f"EVENT#{at(0)}#evt_{event_type}",
        "source": f"sagashop.{service}",
        "detail_type": event_type,
        "detail": json.dumps({"metadata": metadata, "data": {"order_id": ID, **data}}),
    }


TABLES: dict[str, list[Json]] = {
    "order": [
        {"pk": f"ORDER#{ID}", "sk": "ORDER", "status": "PENDING"},
        an_event_row(f"ORDER#{ID}", "order", "OrderPlaced", items=[]),
        an_event_row(f"ORDER#{ID}", "inventory", "StockReserved"),
        {"pk": "IDEMPOTENCY#key", "sk": "IDEMPOTENCY"},
    ],
    "inventory": [
        {"pk": "PRODUCT", "sk": MUG, "sold": 0},
        {"pk": f"RESERVATION#{ID}", "sk": "RESERVATION", "status": "RESERVED"},
        an_event_row(f"RESERVATION#{ID}", "inventory", "StockReserved"),
    ],
    "payment": [
        {"pk": f"PAYMENT#{ID}", "sk": "PAYMENT", "status": "PENDING"},
        {"pk": f"PROVIDER#{ID}", "sk": "CHARGE", "status": "CAPTURED"},
        {"pk": f"PROVIDER#{ID}", "sk": f"CALL#{at(1)}#1", "call": "charge"},
        {"pk": "CIRCUIT#provider", "sk": "CIRCUIT"},
    ],
    "shipping": [
        {"pk": f"SHIPMENT#{ID}", "sk": "SHIPMENT", "status": "PENDING"},
        {"pk": f"CARRIER#{ID}", "sk": "BOOKING", "status": "BOOKED"},
        {"pk": f"CARRIER#{ID}", "sk": f"CALL#{at(1)}#1", "call": "book"},
    ],
    "notification": [
        {"pk": "NOTIFICATION#evt_1", "sk": "NOTIFICATION", "order_id": ID},
        {"pk": f"NEWEST#{ID}", "sk": "NEWEST", "order_id": ID},
    ],
}


@pytest.fixture
def tables(aws: None) -> dict[str, str]:
    """Writes a row of each kind; returns the name of each service's table."""
    shared_aws.cache_clear()
    dynamodb = boto3.resource("dynamodb")
    for name, rows in TABLES.items():
        table = dynamodb.create_table(
            TableName=f"shop-{name}",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
            ],
        )
        for row in rows:
            table.put_item(Item=row)
    return {name: f"shop-{name}" for name in TABLES}


def test_each_kind_of_row_is_read(tables: dict[str, str]) -> None:
    books = read_books(a_stack(endpoint_url=None, tables=tables))

    assert books.products[MUG]["sold"] == 0
    order = books.order(ID)
    assert (order.status, order.reservation["status"]) == ("PENDING", "RESERVED")
    assert (order.charge["status"], order.booking["status"]) == ("CAPTURED", "BOOKED")
    assert books.payments[ID]["status"] == books.shipments[ID]["status"] == "PENDING"
    assert [event.type for event in order.events] == ["OrderPlaced", "StockReserved"]
    assert [event.type for event in order.logged] == ["StockReserved"]
    assert [call["call"] for call in order.provider_calls] == ["charge"]
    assert [call["call"] for call in order.carrier_calls] == ["book"]
    assert [mail["pk"] for mail in order.mails] == ["NOTIFICATION#evt_1"]


def test_a_store_without_a_notification_table_has_no_mails(tables: dict[str, str]) -> None:
    del tables["notification"]

    assert read_books(a_stack(endpoint_url=None, tables=tables)).mails == {}

"""The rows of a store that say what was promised, held, moved and told, order by order."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from sagashop_ops.aws import Row, rows, table_of
from sagashop_ops.stack import Stack

OPEN = frozenset({"PENDING", "AWAITING_PAYMENT", "PAID", "CANCELLING"})
PARKED = "NEEDS_ATTENTION"

type Units = Mapping[str, int]


@dataclass(frozen=True)
class Event:
    """A published event. `sequence` is None in a store from before there were sequence numbers."""

    service: str
    type: str
    event_id: str
    occurred_at: str
    data: Mapping[str, Any]
    sequence: int | None = None

    @classmethod
    def of(cls, row: Row) -> Self:
        """Reads the row of an outbox, or of an order's log."""
        detail = json.loads(row["detail"])
        metadata = detail["metadata"]
        return cls(
            row["source"].removeprefix("sagashop."),
            row["detail_type"],
            metadata["event_id"],
            metadata["occurred_at"],
            detail["data"],
            metadata.get("sequence"),
        )


@dataclass(frozen=True)
class OneOrder:
    """What the books hold about one order; a row that does not exist is empty.

    `events` are what each service published itself, `logged` what the order's timeline has of the
    other services. `provider_calls` and `carrier_calls` are the partners' records of every call.
    """

    order_id: str
    row: Row
    reservation: Row
    charge: Row
    booking: Row
    events: Sequence[Event]
    logged: Sequence[Event]
    provider_calls: Sequence[Row]
    carrier_calls: Sequence[Row]
    mails: Sequence[Row]
    products: Mapping[str, Row]

    @property
    def status(self) -> str:
        return str(self.row["status"])

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def has_ended(self) -> bool:
        return not self.is_open and self.status != PARKED

    @property
    def has_sequences(self) -> bool:
        """Whether it was placed when events had a sequence, and all that came with it."""
        return any(event.sequence is not None for event in self.told("OrderPlaced"))

    @property
    def promised(self) -> Units | None:
        """The units that the customer ordered; None where no event tells."""
        placed = self.told("OrderPlaced")
        return units(placed[0].data["items"]) if placed else None

    def told(self, event_type: str) -> list[Event]:
        """Returns what was published of one type."""
        return [event for event in self.events if event.type == event_type]


@dataclass(frozen=True)
class Books:
    """The rows that tell of stock, money, parcels and messages, each keyed by what it is about.

    `charges` are the payment provider's and `bookings` the carrier's own. Everything but the
    products is keyed by order. See `OneOrder` for the events, calls and mails.
    """

    products: Mapping[str, Row]
    reservations: Mapping[str, Row]
    orders: Mapping[str, Row]
    payments: Mapping[str, Row]
    charges: Mapping[str, Row]
    shipments: Mapping[str, Row]
    bookings: Mapping[str, Row]
    events: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    logged: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    provider_calls: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    carrier_calls: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    mails: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    def orders_that_are(self, *statuses: str) -> list[str]:
        """Returns the ids of the orders that have one of the statuses."""
        return [order for order, row in self.orders.items() if row["status"] in statuses]

    def kept_cents(self, order_id: str) -> int:
        """Returns what the payment provider holds of one order's money."""
        return kept_cents(self.charges.get(order_id, {}))

    def order(self, order_id: str) -> OneOrder:
        """Returns what there is about an order that has a row."""
        return OneOrder(
            order_id=order_id,
            row=self.orders[order_id],
            reservation=self.reservations.get(order_id, {}),
            charge=self.charges.get(order_id, {}),
            booking=self.bookings.get(order_id, {}),
            events=self.events.get(order_id, ()),
            logged=self.logged.get(order_id, ()),
            provider_calls=self.provider_calls.get(order_id, ()),
            carrier_calls=self.carrier_calls.get(order_id, ()),
            mails=self.mails.get(order_id, ()),
            products=self.products,
        )


def units(lines: Iterable[Mapping[str, Any]]) -> Units:
    """Returns the quantity of each product in lines, `[{"sku", "quantity"}]`."""
    quantities: Counter[str] = Counter()
    for line in lines:
        quantities[str(line["sku"])] += int(line["quantity"])
    return quantities


def kept_cents(row: Row) -> int:
    """Captured, less refunded: at the provider, or as the payment service counts it."""
    return cents(row, "captured_cents") - cents(row, "refunded_cents")


def cents(row: Row, name: str) -> int:
    """A charge that was only attempted has no amounts yet."""
    return int(row.get(name, 0))


def read_books(stack: Stack) -> Books:
    """Reads the rows of a store; one without a notification table has no mails.

    The tables are read one after another, so orders that move on meanwhile can look inconsistent:
    audit a store whose orders have ended. What follows from something is read after it.
    """
    mails: dict[str, list[Row]] = defaultdict(list)
    if "notification" in stack.tables:
        for row in rows(table_of(stack, "notification"), "scan"):
            if row["sk"] == "NOTIFICATION":
                mails[row["order_id"]].append(row)
    orders = _Partitions(stack, "order")
    inventory = _Partitions(stack, "inventory")
    payment = _Partitions(stack, "payment")
    shipping = _Partitions(stack, "shipping")
    # The order's log has the other services' events too, as they came.
    log = orders.events("ORDER")
    published = (
        {order_id: [e for e in events if e.service == "order"] for order_id, events in log.items()},
        inventory.events("RESERVATION"),
        payment.events("PAYMENT"),
        shipping.events("SHIPMENT"),
    )
    return Books(
        products={row["sk"]: row for row in inventory.rows("PRODUCT").get("", ())},
        reservations=inventory.only("RESERVATION", "RESERVATION"),
        orders=orders.only("ORDER", "ORDER"),
        payments=payment.only("PAYMENT", "PAYMENT"),
        charges=payment.only("PROVIDER", "CHARGE"),
        shipments=shipping.only("SHIPMENT", "SHIPMENT"),
        bookings=shipping.only("CARRIER", "BOOKING"),
        events={
            order_id: [event for events in published for event in events.get(order_id, ())]
            for order_id in set().union(*published)
        },
        logged={
            order_id: [e for e in events if e.service != "order"]
            for order_id, events in log.items()
        },
        provider_calls=payment.starting("PROVIDER", "CALL#"),
        carrier_calls=shipping.starting("CARRIER", "CALL#"),
        mails=mails,
    )


class _Partitions:
    """A table's rows by the name and the key in their `pk`, `<name>#<key>`, sorted by `sk`."""

    def __init__(self, stack: Stack, service: str) -> None:
        self._rows: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for row in rows(table_of(stack, service), "scan"):
            name, _, key = row["pk"].partition("#")
            self._rows[name][key].append(row)

    def rows(self, name: str) -> Mapping[str, Sequence[Row]]:
        return self._rows[name]

    def only(self, name: str, sort_key: str) -> dict[str, Row]:
        """Returns each partition's row with a sort key."""
        return {
            key: row
            for key, found in self._rows[name].items()
            for row in found
            if row["sk"] == sort_key
        }

    def starting(self, name: str, prefix: str) -> dict[str, list[Row]]:
        """Returns each partition's rows whose sort key starts so."""
        found = {
            key: [row for row in found if row["sk"].startswith(prefix)]
            for key, found in self._rows[name].items()
        }
        return {key: chosen for key, chosen in found.items() if chosen}

    def events(self, name: str) -> dict[str, list[Event]]:
        """Returns each partition's events."""
        return {
            key: list(map(Event.of, found)) for key, found in self.starting(name, "EVENT#").items()
        }

"""What may become of an order, on one page: the reference that the real store is held against.

An order is seen from outside as the states of its parts. `MOVES` says which state each task may
bring a part into; whatever else happens to be seen is a fault of the store. Two rules follow from
the table by themselves: what is undone stays undone, and a compensation takes effect once at most.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

type Part = str
type PartState = str | None
type Edge = tuple[PartState, PartState]

PARTS = ("order", "stock", "payment", "charge", "shipment", "booking")
ENDED = frozenset({"COMPLETED", "CANCELLED"})
GOOD_TOKENS = frozenset({"tok_visa", "tok_flaky", "tok_refund_fails"})
DECLINED_TOKENS = frozenset({"tok_declined", "tok_insufficient_funds"})
COMPENSATIONS = ("CancelShipment", "RefundPayment", "ReleaseStock", "CancelOrder")
TRANSITIONS = frozenset(
    {
        (None, "PENDING"),
        ("PENDING", "AWAITING_PAYMENT"),
        ("PENDING", "PAID"),
        ("AWAITING_PAYMENT", "PAID"),
        ("PAID", "COMPLETED"),
        ("PENDING", "CANCELLING"),
        ("AWAITING_PAYMENT", "CANCELLING"),
        ("PAID", "CANCELLING"),
        ("CANCELLING", "CANCELLED"),
        ("CANCELLING", "NEEDS_ATTENTION"),
        ("NEEDS_ATTENTION", "CANCELLING"),
        # CancelOrder, the last compensation, may come late: after it was given up.
        ("NEEDS_ATTENTION", "CANCELLED"),
    }
)
"""Every way from one status of an order to another; a write that takes any other is a fault."""
CAUSES = (
    ("OrderPlaced", "StockReserved"),
    ("StockReserved", "PaymentRequested"),
    ("StockReserved", "PaymentCaptured"),
    ("StockReserved", "StockCommitted"),
    ("StockReserved", "StockReleased"),
    ("PaymentRequested", "PaymentCaptured"),
    ("PaymentRequested", "PaymentDeclined"),
    ("PaymentCaptured", "ShipmentCreated"),
    ("PaymentCaptured", "PaymentRefunded"),
    ("ShipmentCreated", "StockCommitted"),
    ("ShipmentCreated", "ShipmentCancelled"),
    ("StockCommitted", "StockReleased"),
    ("StockCommitted", "OrderCompleted"),
    ("StockReservationFailed", "OrderCancellationStarted"),
    ("PaymentDeclined", "OrderCancellationStarted"),
    ("ShipmentRejected", "OrderCancellationStarted"),
    ("OrderCancellationStarted", "ShipmentCancelled"),
    ("OrderCancellationStarted", "PaymentRefunded"),
    ("OrderCancellationStarted", "StockReleased"),
    ("ShipmentCancelled", "PaymentRefunded"),
    ("PaymentRefunded", "StockReleased"),
    ("OrderCancellationStarted", "OrderNeedsAttention"),
    ("OrderCancellationStarted", "OrderCancelled"),
)
"""Events of which the first caused the second, or came before it in the saga's order."""

MOVES: Mapping[str, Mapping[Part, Collection[Edge]]] = {
    "ReserveStock": {"stock": {(None, "RESERVED"), (None, "FAILED")}},
    "CommitStock": {"stock": {("RESERVED", "COMMITTED")}},
    "ReleaseStock": {
        "stock": {(None, "RELEASED"), ("RESERVED", "RELEASED"), ("COMMITTED", "RELEASED")}
    },
    "ChargePayment": {
        "payment": {(None, "PENDING"), ("PENDING", "CAPTURED"), ("PENDING", "DECLINED")},
        "charge": {(None, "CAPTURED"), (None, "DECLINED")},
    },
    "RefundPayment": {
        "payment": {
            (None, "VOIDED"),
            ("PENDING", "VOIDED"),
            ("PENDING", "REFUNDED"),
            ("CAPTURED", "REFUNDED"),
        },
        "charge": {(None, "VOIDED"), ("CAPTURED", "REFUNDED")},
    },
    "CreateShipment": {
        "shipment": {(None, "PENDING"), ("PENDING", "CREATED"), ("PENDING", "REJECTED")},
        "booking": {(None, "BOOKED"), (None, "REJECTED")},
    },
    "CancelShipment": {
        "shipment": {
            (None, "CANCELLED"),
            ("PENDING", "CANCELLED"),
            ("CREATED", "CANCELLED"),
        },
        "booking": {(None, "CANCELLED"), ("BOOKED", "CANCELLED")},
    },
    "PlaceOrder": {"order": {(None, "PENDING")}},
    "AwaitPayment": {"order": {("PENDING", "AWAITING_PAYMENT")}},
    "RecordPayment": {"order": {("PENDING", "PAID"), ("AWAITING_PAYMENT", "PAID")}},
    "CompleteOrder": {"order": {("PAID", "COMPLETED")}},
    "BeginCancellation": {
        "order": {(status, "CANCELLING") for status in ("PENDING", "AWAITING_PAYMENT", "PAID")}
    },
    "CancelOrder": {"order": {("CANCELLING", "CANCELLED"), ("NEEDS_ATTENTION", "CANCELLED")}},
    "FlagForAttention": {"order": {("CANCELLING", "NEEDS_ATTENTION")}},
    "Redrive": {"order": {("NEEDS_ATTENTION", "CANCELLING")}},
}


def may_become(part: Part, before: PartState, after: PartState, tasks: Iterable[str]) -> bool:
    """Whether these tasks, in whatever order and each as often as it likes, explain a change."""
    edges = {edge for task in tasks for edge in MOVES.get(task, {}).get(part, ())}
    reached = {before}
    while True:
        further = {target for source, target in edges if source in reached} | reached
        if further == reached:
            return after in reached
        reached = further


@dataclass
class Wish:
    """What a customer ordered and did since: it decides how the order may end.

    Attributes:
        tokens: what it may have been paid with; None where it may be unpaid. More than one where a
            payment's answer was lost.
        was_troubled: a step failed for good, or the execution was lost: nobody's fault but ours.
        was_cancelled: the customer was told that the order would be cancelled.
        may_be_cancelled: the customer asked for it, and no answer came.
    """

    sku: str
    quantity: int
    country: str
    tokens: set[str | None]
    is_sold: bool = True
    was_troubled: bool = False
    was_cancelled: bool = False
    may_be_cancelled: bool = False

    def ends(self, stock: PartState) -> set[tuple[str, str | None]]:
        """Returns each (status, reason) that is right, given what became of the order's stock."""
        ends = {self._end(stock, token) for token in self.tokens}
        if self.was_cancelled or self.may_be_cancelled:
            ends.add(("CANCELLED", "CANCELLED_BY_CUSTOMER"))
        if self.was_troubled:
            ends.add(("CANCELLED", "INTERNAL_ERROR"))
        if self.was_cancelled:
            ends.discard(("COMPLETED", None))
        return ends

    def _end(self, stock: PartState, token: str | None) -> tuple[str, str | None]:
        """How the order ends where nothing else happens."""
        if stock == "FAILED":
            return "CANCELLED", "OUT_OF_STOCK" if self.is_sold else "UNKNOWN_PRODUCT"
        if token is None:
            return "CANCELLED", "PAYMENT_EXPIRED"
        if token in DECLINED_TOKENS:
            return "CANCELLED", "PAYMENT_DECLINED"
        if token not in GOOD_TOKENS:
            return "CANCELLED", "INTERNAL_ERROR"
        if self.country == "XX":
            return "CANCELLED", "SHIPMENT_REJECTED"
        return "COMPLETED", None

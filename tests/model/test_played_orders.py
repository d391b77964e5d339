"""Orders' adventures, each judged twice: by the audit, and by how the order has to end.

The audit sees what is stored and what the partners recorded, and nothing of the code. In a copy of
the code with a bug in it, either may be the one that finds it: see `tests/planted`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import pytest

from sagashop_ops.audit import Report
from support.model_cloud import open_cloud
from support.model_play import ADVENTURES, Play

COMPLETE = ("COMPLETED", None)
# How each order has to end: its status, the reason that its customer is told, and the mails.
ENDS = {
    "nothing happens": COMPLETE,
    "everything comes twice": COMPLETE,
    "everything undone comes twice": ("CANCELLED", "INTERNAL_ERROR"),
    "the card is declined": ("CANCELLED", "PAYMENT_DECLINED"),
    "nobody delivers there": ("CANCELLED", "SHIPMENT_REJECTED"),
    "there is too little": ("CANCELLED", "OUT_OF_STOCK"),
    "another customer is faster": ("CANCELLED", "OUT_OF_STOCK"),
    "the customer pays later": COMPLETE,
    "the customer never pays": ("CANCELLED", "PAYMENT_EXPIRED"),
    "the customer cancels at the last moment": ("CANCELLED", "CANCELLED_BY_CUSTOMER"),
    "the last answer is lost": COMPLETE,
    "every first answer is lost": COMPLETE,
    "every worker dies at its third call": COMPLETE,
    "the first steps are late": ("CANCELLED", "INTERNAL_ERROR"),
    "the charge is late": ("CANCELLED", "INTERNAL_ERROR"),
    "the parcel is late": ("CANCELLED", "INTERNAL_ERROR"),
    "the reply of the provider is lost": ("CANCELLED", "INTERNAL_ERROR"),
    "the refund gets stuck": ("CANCELLED", "INTERNAL_ERROR"),
    "the answer of the refund is lost": ("CANCELLED", "INTERNAL_ERROR"),
    "the worker dies at every call of the undo": ("CANCELLED", "INTERNAL_ERROR"),
    "the saga dies with its charge unnoted": COMPLETE,
    "the saga dies with its parcel unnoted": COMPLETE,
    "the saga dies before the undo": ("CANCELLED", "INTERNAL_ERROR"),
    "the saga dies in the middle of the undo": ("CANCELLED", "INTERNAL_ERROR"),
}
MAILS = {
    "the customer pays later": ["OrderPlaced", "PaymentRequested", "OrderCompleted"],
    "the refund gets stuck": ["OrderPlaced", "OrderNeedsAttention", "OrderCancelled"],
    "the answer of the refund is lost": ["OrderPlaced", "OrderNeedsAttention", "OrderCancelled"],
}


@dataclass(frozen=True)
class Played:
    """What is left of an adventure: the order's status and reason, the mails, and the audit."""

    end: tuple[str, str | None]
    mails: Sequence[str]
    report: Report


@pytest.fixture(scope="module")
def played() -> Iterator[Callable[[str], Played]]:
    """Plays an adventure, once for both judges."""
    with open_cloud() as make:

        @cache
        def play(name: str) -> Played:
            adventure = Play(make())
            adventure.run(ADVENTURES[name])
            row = adventure.row
            mails = [
                mail.event_type
                for mail in adventure.cloud.mails
                if mail.order_id == adventure.order_id
            ]
            end = (row["status"], row["reason"] and row["reason"]["code"])
            return Played(end, mails, adventure.report())

        yield play


@pytest.mark.parametrize("name", ADVENTURES)
def test_the_audit_finds_nothing(name: str, played: Callable[[str], Played]) -> None:
    report = played(name).report

    assert not report.discrepancies
    assert not report.unchecked


@pytest.mark.parametrize("name", ADVENTURES)
def test_an_order_ends_as_it_should(name: str, played: Callable[[str], Played]) -> None:
    status, reason = ENDS[name]
    last = "OrderCompleted" if status == "COMPLETED" else "OrderCancelled"

    outcome = played(name)

    assert outcome.end == (status, reason)
    assert list(outcome.mails) == MAILS.get(name, ["OrderPlaced", last])

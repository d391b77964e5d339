"""The payments' table.

PAYMENT#<order_id>  PAYMENT   order_id, payment_id, status, amount_cents, currency, captured_cents,
                              refunded_cents, decline_reason, version, created_at, updated_at,
                              unsettled

`shared.storage` says how it is read and written.
"""

from payment.domain import Payment, PaymentStatus
from shared.clock import from_iso, to_iso
from shared.dynamodb import Item
from shared.money import Money
from shared.storage import Table


class PaymentTable(Table[Payment]):
    """The payments, one per order."""

    entity = "PAYMENT"

    def _to_item(self, row: Payment) -> Item:
        return {
            "order_id": row.order_id,
            "payment_id": row.payment_id,
            "status": row.status.value,
            "amount_cents": row.amount.cents,
            "currency": row.amount.currency,
            # Derived, and written all the same: an audit adds them up in the table.
            "captured_cents": row.captured.cents,
            "refunded_cents": row.refunded.cents,
            "decline_reason": row.decline_reason,
            "version": row.version,
            "created_at": to_iso(row.created_at),
            "updated_at": to_iso(row.updated_at),
        }

    def _from_item(self, item: Item) -> Payment:
        return Payment(
            order_id=item["order_id"],
            payment_id=item["payment_id"],
            status=PaymentStatus(item["status"]),
            amount=Money(item["amount_cents"], item["currency"]),
            created_at=from_iso(item["created_at"]),
            updated_at=from_iso(item["updated_at"]),
            decline_reason=item["decline_reason"],
            version=item["version"],
        )

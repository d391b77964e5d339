"""The payments' rows: the one place in this service, but for the simulated ledger, with DynamoDB.

PAYMENT#<order_id>  PAYMENT                   order_id, payment_id, status, amount_cents, currency,
                                              captured_cents, refunded_cents, decline_reason,
                                              version, created_at, updated_at, unsettled
PAYMENT#<order_id>  EVENT#<time>#<event id>   the outbox: see `shared.outbox`

Every write marks a payment as `unsettled`, which puts it into the index of that name; the sweeper
takes the mark off once the order has ended and the payment agrees.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from payment.domain import Payment, PaymentStatus
from shared import outbox, unsettled
from shared.clock import to_iso
from shared.dynamodb import (
    ConditionFailed,
    Item,
    from_item,
    to_item,
    transact_write,
    typed_failures,
)
from shared.errors import StorageContention
from shared.events import DomainEvent
from shared.money import Money

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PAYMENT = "PAYMENT"


class PaymentTable:
    """A `ports.PaymentRepository`."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def find(self, order_id: str) -> Payment | None:
        """See `ports.PaymentRepository.find`."""
        with typed_failures():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=_key(order_id), ConsistentRead=True
            )
        item = response.get("Item")
        return _to_payment(from_item(item)) if item else None

    def create(self, payment: Payment) -> Payment:
        """See `ports.PaymentRepository.create`."""
        try:
            with typed_failures():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=to_item(_to_row(payment)),
                    ConditionExpression="attribute_not_exists(pk)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as refused:
            existing = refused.failed[0]
            assert existing is not None, "only an existing row fails this condition"
            return _to_payment(existing)
        return payment

    def update(self, before: Payment, after: Payment, events: Sequence[DomainEvent]) -> None:
        """See `ports.PaymentRepository.update`."""
        partition = _partition(after.order_id)
        try:
            transact_write(
                self._dynamodb,
                [
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": to_item(_to_row(after)),
                            "ConditionExpression": "version = :before",
                            "ExpressionAttributeValues": to_item({":before": before.version}),
                        }
                    },
                    *(outbox.put(self._table, partition, event) for event in events),
                ],
            )
        except ConditionFailed as refused:
            raise StorageContention("another step changed the payment") from refused

    def unsettled(self, before: datetime) -> Iterator[Payment]:
        """See `ports.PaymentRepository.unsettled`."""
        return map(_to_payment, unsettled.rows(self._dynamodb, self._table, before))

    def settle(self, payment: Payment) -> None:
        """See `ports.PaymentRepository.settle`."""
        unsettled.settle(self._dynamodb, self._table, _key(payment.order_id), payment.version)


def _partition(order_id: str) -> str:
    return f"{_PAYMENT}#{order_id}"


def _key(order_id: str) -> dict[str, Any]:
    return to_item({"pk": _partition(order_id), "sk": _PAYMENT})


def _to_row(payment: Payment) -> dict[str, Any]:
    return {
        "pk": _partition(payment.order_id),
        "sk": _PAYMENT,
        "order_id": payment.order_id,
        "payment_id": payment.payment_id,
        "status": payment.status.value,
        "amount_cents": payment.amount.cents,
        "currency": payment.amount.currency,
        # Derived, and written all the same: an audit adds them up in the table.
        "captured_cents": payment.captured.cents,
        "refunded_cents": payment.refunded.cents,
        "decline_reason": payment.decline_reason,
        "version": payment.version,
        "created_at": to_iso(payment.created_at),
        "updated_at": to_iso(payment.updated_at),
        "unsettled": unsettled.MARK,
    }


def _to_payment(row: Item) -> Payment:
    return Payment(
        order_id=row["order_id"],
        payment_id=row["payment_id"],
        status=PaymentStatus(row["status"]),
        amount=Money(row["amount_cents"], row["currency"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
        decline_reason=row["decline_reason"],
        version=row["version"],
    )

"""Fixes the simulated payment provider; with a real one, an operator calls its support."""

from sagashop_ops.aws import Deployment, table_of
from sagashop_ops.errors import OperationRefused
from sagashop_ops.journal import Journal


def allow_refund(deployment: Deployment, journal: Journal, order_id: str, reason: str) -> None:
    """Makes the provider refund an order's charge from now on; the saga asks for the refund.

    Raises OperationRefused where the provider has no charge of the order.
    """
    payments = table_of(deployment.stack, "payment")
    with journal.record("allow refund", order_id, reason):
        try:
            payments.update_item(
                Key={"pk": f"PROVIDER#{order_id}", "sk": "CHARGE"},
                UpdateExpression="SET refunds_blocked = :no",
                ConditionExpression="attribute_exists(refunds_blocked)",
                ExpressionAttributeValues={":no": False},
            )
        except payments.meta.client.exceptions.ConditionalCheckFailedException as exc:
            raise OperationRefused(
                "NO_CHARGE", f"The provider has no charge of order {order_id}."
            ) from exc

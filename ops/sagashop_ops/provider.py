"""Mends the simulated payment provider: what in real life is a call to the provider's support."""

from sagashop_ops.aws import Deployment
from sagashop_ops.errors import OperationRefused
from sagashop_ops.journal import Journal


def allow_refund(deployment: Deployment, journal: Journal, order_id: str, reason: str) -> None:
    """Has the provider refund an order's charge from now on; the refund itself is the saga's work.

    Raises OperationRefused where the provider has no charge of the order.
    """
    dynamodb = deployment.client("dynamodb")
    with journal.record("allow refund", order_id, reason):
        try:
            dynamodb.update_item(
                TableName=deployment.stack.tables["payment"],
                Key={"pk": {"S": f"PROVIDER#{order_id}"}, "sk": {"S": "CHARGE"}},
                UpdateExpression="SET refunds_blocked = :no",
                ConditionExpression="attribute_exists(refunds_blocked)",
                ExpressionAttributeValues={":no": {"BOOL": False}},
            )
        except dynamodb.exceptions.ConditionalCheckFailedException as exc:
            raise OperationRefused(
                "NO_CHARGE", f"The provider has no charge of order {order_id or '(which?)'}."
            ) from exc

"""The local store's own operator, whose password is in a file beside the store's data.

So the operators' commands work at once, without a question and without a secret in the code.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sagashop_ops.aws import Deployment
from sagashop_ops.sessions import Credentials, add_operator, new_password
from sagashop_ops.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EMAIL = "operator@example.com"


def provide_operator(dynamodb: "DynamoDBClient", stack: Stack, file: Path) -> bool:
    """Makes the operator where the account service does not have it; returns whether it did.

    The row's shape is the account service's (`account/repository.py`).
    """
    credentials = Credentials.load(file)
    if credentials is not None and _is_known(dynamodb, stack.tables["account"]):
        return False
    if credentials is None:
        credentials = Credentials(EMAIL, new_password())
        credentials.save(file)
    add_operator(Deployment.of(stack), credentials)
    return True


def _is_known(dynamodb: "DynamoDBClient", table_name: str) -> bool:
    row = dynamodb.get_item(
        TableName=table_name,
        Key={"pk": {"S": f"EMAIL#{EMAIL}"}, "sk": {"S": "EMAIL"}},
        ConsistentRead=True,
    )
    return "Item" in row

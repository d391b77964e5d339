"""What other services' functions may ask about orders; nobody reaches these over HTTP."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from order.repository import OrderRepository
from order.settings import TableSettings
from shared import dynamodb, logging, settings
from shared.errors import FieldError, ValidationFailed
from shared.fields import Fields
from shared.logging import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

MAX_ORDERS = 100
_orders = OrderRepository(dynamodb.client(), settings.load(TableSettings).table_name)


def find_order_statuses(query: Mapping[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Answers `{"order_ids": [at most 100]}` with `{"statuses": {id: status}}`.

    An order that is not in the answer does not exist. Raises ValidationFailed, StorageContention.
    """
    logging.bind(context)
    order_ids = _order_ids(query)
    statuses = _orders.statuses(order_ids)
    logger.info("order statuses told", asked=len(order_ids), found=len(statuses))
    return {"statuses": statuses}


def find_customer(query: Mapping[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Answers `{"order_id"}` with `{"email"}`, which stays out of events and logs.

    Raises NotFound, ValidationFailed, StorageContention.
    """
    fields = Fields(query)
    order_id = fields.text("order_id")
    logging.bind(context, order_id=order_id)
    fields.check()
    email = _orders.get(order_id).email
    logger.info("customer told")
    return {"email": email}


def _order_ids(query: Mapping[str, Any]) -> list[str]:
    ids = query.get("order_ids")
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise ValidationFailed([FieldError("order_ids", "must be a list of texts")])
    if len(ids) > MAX_ORDERS:
        raise ValidationFailed([FieldError("order_ids", f"must have at most {MAX_ORDERS}")])
    return ids

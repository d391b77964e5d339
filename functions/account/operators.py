"""Makes operators. It is invoked directly, so that only those may whom IAM lets."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from account import wiring
from account.commands import AddOperator
from account.service import add_operator
from shared import clock, ids, logging, settings
from shared.events import Origin


def handler(payload: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Carries out AddOperator; returns `{"account_id"}`, and the same for a repeat.

    Raises ValidationFailed and StorageContention.
    """
    logging.bind(context)
    at = clock.now()
    origin = Origin(ids.new_id("cor", at), context.aws_request_id, settings.trace_id())
    account = add_operator(
        wiring.table(), wiring.passwords(), AddOperator.read(payload), origin, at
    )
    return {"account_id": account.account_id}

"""The realtime service's one function: its HTTP API, its WebSocket routes, and its queue."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from realtime import consumer, routes
from shared.http import ServiceApi

# Its only route is the health check.
api = ServiceApi("realtime")


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Tells API Gateway's requests, SQS's batches, and a WebSocket's events apart."""
    if "httpMethod" in event:
        return api.handler(event, context)
    if "Records" in event:
        return consumer.handler(event, context)
    return routes.handler(event, context)

"""One JSON logger for all functions; an invocation binds its ids once and every line carries them.

Lines are lower-case messages with fields. Powertools takes the service's name and the level from
`POWERTOOLS_SERVICE_NAME` and `POWERTOOLS_LOG_LEVEL`, and adds this invocation's own X-Ray trace id
as `xray_trace_id`. `trace_id` is the one that the order's first request had: it links all hops.
"""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(utc=True)


def bind(context: LambdaContext, **keys: str | None) -> None:
    """Starts an invocation's log: drops the last one's keys, adds these and the request id."""
    logger.clear_state()
    logger.append_keys(
        request_id=context.aws_request_id,
        **{name: value for name, value in keys.items() if value is not None},
    )

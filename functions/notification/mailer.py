"""Sends mail with Amazon SES, with failure injection in sandbox stages."""

import time
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from notification.messages import SHOP, Message
from shared import chaos
from shared.errors import NotificationUnavailable

_CHARSET = "UTF-8"


class SesMailer:
    """The mail service. The sender is an address that SES has verified."""

    def __init__(self, sender: str) -> None:
        self._sender = sender

    def send(self, recipient: str, message: Message) -> str:
        """Sends a message, and returns the id that the mail service gave it.

        Raises NotificationUnavailable where the message was certainly not accepted. After any other
        exception it may have been.
        """
        failures = chaos.read().notification
        time.sleep(failures.delay_seconds)
        if chaos.strikes(failures.failure_rate):
            raise NotificationUnavailable("the mail service failed on demand")
        try:
            response = _ses().send_email(
                Source=f"{SHOP} <{self._sender}>",
                Destination={"ToAddresses": [recipient]},
                Message={
                    "Subject": {"Data": message.subject, "Charset": _CHARSET},
                    "Body": {
                        "Text": {"Data": message.text, "Charset": _CHARSET},
                        "Html": {"Data": message.html, "Charset": _CHARSET},
                    },
                },
                # To find the order of a message that bounced.
                Tags=[
                    {"Name": "order_id", "Value": message.order_id},
                    {"Name": "event_type", "Value": message.event_type},
                ],
            )
        except (ConnectTimeoutError, EndpointConnectionError) as exc:
            raise NotificationUnavailable("the mail service was not reached") from exc
        except ClientError as exc:
            if exc.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                # Its message may quote an address; its code never does.
                raise NotificationUnavailable(exc.response["Error"]["Code"]) from None
            raise
        message_id: str = response["MessageId"]
        return message_id


@cache
def _ses() -> Any:
    # Sent once: a repeat of a request whose answer was lost would be a second message.
    return boto3.client(
        "ses",
        config=Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1}),
    )

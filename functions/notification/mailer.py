"""Sends mail with Amazon SES, with failure injection in sandbox stages."""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from notification.messages import SHOP, Message
from notification.ports import Mailer
from shared.chaos import Chaos, strikes
from shared.errors import NotificationUnavailable

_CHARSET = "UTF-8"


class SesMailer:
    """A `ports.Mailer`. The sender is an address that SES has verified."""

    def __init__(self, sender: str) -> None:
        self._sender = sender

    def send(self, recipient: str, message: Message) -> str:
        """See `ports.Mailer.send`."""
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


class ChaoticMailer:
    """Wraps a mailer; fails and delays messages as `shared.chaos` says."""

    def __init__(self, mailer: Mailer, read_chaos: Callable[[], Chaos]) -> None:
        self._mailer = mailer
        self._read_chaos = read_chaos

    def send(self, recipient: str, message: Message) -> str:
        """See `ports.Mailer.send`."""
        chaos = self._read_chaos().notification
        time.sleep(chaos.delay_seconds)
        if strikes(chaos.failure_rate):
            raise NotificationUnavailable("the mail service failed on demand")
        return self._mailer.send(recipient, message)


@cache
def _ses() -> Any:
    # Sent once: a repeat of a request whose answer was lost would be a second message.
    return boto3.client(
        "ses",
        config=Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1}),
    )

"""What unit tests stand on: a function's environment, tables as the template has them, a clock."""

import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws
from moto.core.base_backend import BackendDict

from shared import clock, dynamodb, outbox, tokens
from shared.logging import logger
from shared.token_keys import SigningKeys
from shared.tokens import Tokens
from support import api_answers
from support.event_schemas import validate
from support.template import table_definition

# The services share one table name here: a test uses one service at a time, in a table of its own.
os.environ.update(
    {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "POWERTOOLS_METRICS_NAMESPACE": "sagashop",
        "POWERTOOLS_SERVICE_NAME": "unit-tests",
        "STAGE": "test",
        "TABLE_NAME": "sagashop-unit",
        "EVENT_BUS_NAME": "sagashop-unit",
        "TOKEN_KEYS_ARN": "sagashop-unit-token-keys",
        "ORDER_QUERIES_FUNCTION": "sagashop-unit-OrderQueries",
        "WEBSOCKET_URL": "wss://live.example.com/live",
        "NOTIFICATION_SENDER": "orders@example.com",
        "OPERATOR_EMAIL": "operator@example.com",
        "STOREFRONT_ORIGIN": "http://shop.example",
        "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:sagashop-unit",
    }
)
# moto answers in AWS's place, which it can only do for AWS's own addresses and no profile's.
for _variable in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]:
    del os.environ[_variable]
os.environ.pop("AWS_PROFILE", None)

TABLE_NAME = os.environ["TABLE_NAME"]

# Now: a service's module, which no test has imported yet, keeps the handler that it finds.
api_answers.compare_functions()


@dataclass
class FrozenClock:
    """A clock that stands still until it is told to move."""

    at: datetime

    def now(self) -> datetime:
        """Stands in for `shared.clock.now`."""
        return self.at

    def advance(self, **duration: float) -> None:
        """Moves on: `advance(minutes=5)`."""
        self.at += timedelta(**duration)


@dataclass(frozen=True)
class FakeContext:
    """What handlers use of Lambda's context."""

    aws_request_id: str = "request-1"
    function_name: str = "function-under-test"


@pytest.fixture
def frozen_clock(monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    """Stops the time at 2026-03-01T09:30:00.125Z."""
    frozen = FrozenClock(datetime(2026, 3, 1, 9, 30, 0, 125_000, tzinfo=UTC))
    monkeypatch.setattr(clock, "now", frozen.now)
    return frozen


@pytest.fixture
def lambda_context() -> FakeContext:
    """Lambda's second argument."""
    return FakeContext()


@pytest.fixture
def stack_tokens(monkeypatch: pytest.MonkeyPatch) -> Tokens:
    """The tokens that functions read and make, signed with a key that needs no secret."""
    made = Tokens(SigningKeys(lambda: {"current": "first", "first": "k" * 64}))
    monkeypatch.setattr(tokens, "tokens", lambda: made)
    return made


@pytest.fixture(scope="module")
def _account() -> Iterator[None]:
    """An AWS account in memory. Starting one takes as long as ten tests."""
    with mock_aws():
        yield


@pytest.fixture
def aws(_account: None) -> None:
    """An empty AWS account in memory."""
    BackendDict.reset()


@pytest.fixture
def order_table(aws: None) -> str:
    """The order service's table, empty; its name."""
    return _create("OrderTable")


@pytest.fixture
def inventory_table(aws: None) -> str:
    """The inventory's table, empty; its name."""
    return _create("InventoryTable")


@pytest.fixture
def payment_table(aws: None) -> str:
    """The payment service's table, empty; its name."""
    return _create("PaymentTable")


@pytest.fixture
def shipping_table(aws: None) -> str:
    """The shipping service's table, empty; its name."""
    return _create("ShippingTable")


@pytest.fixture
def notification_table(aws: None) -> str:
    """The notification service's table, empty; its name."""
    return _create("NotificationTable")


@pytest.fixture
def realtime_table(aws: None) -> str:
    """The realtime service's table, empty; its name."""
    return _create("RealtimeTable")


@pytest.fixture
def account_table(aws: None) -> str:
    """The account service's table, empty; its name."""
    return _create("AccountTable")


@pytest.fixture
def logged() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Returns a reader of the lines logged so far, parsed."""
    lines = io.StringIO()
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    previous = handler.setStream(lines)
    yield lambda: [json.loads(line) for line in lines.getvalue().splitlines()]
    handler.setStream(previous)


@pytest.fixture
def table_events(aws: None) -> Callable[[], list[tuple[str, dict[str, Any]]]]:
    """Returns a reader of the events in the table's outbox: `[(type, detail)]` in time's order.

    Every event is checked against its JSON Schema on the way.
    """

    def read() -> list[tuple[str, dict[str, Any]]]:
        items = dynamodb.client().scan(TableName=TABLE_NAME)["Items"]
        rows = [row for row in map(dynamodb.from_item, items) if row.get("entity") == outbox.ENTITY]
        events = [
            (row["detail_type"], json.loads(row["detail"]))
            for row in sorted(rows, key=lambda row: row["sk"])
        ]
        for detail_type, detail in events:
            validate(detail_type, detail)
        return events

    return read


def _create(logical_id: str) -> str:
    dynamodb.client().create_table(**table_definition(logical_id), TableName=TABLE_NAME)
    return TABLE_NAME

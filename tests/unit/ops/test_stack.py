"""stack.json and where it lies: what outsiders rely on."""

import json
from pathlib import Path

from sagashop_ops.stack import Stack, stack_of

OUTPUTS = {
    "ApiId": "httpapi",
    "ApiUrl": "https://httpapi.execute-api.us-east-1.amazonaws.com/v1",
    "WebSocketUrl": "ws://localhost:4666/_aws/ws/liveapi/live",
    "StorefrontBucket": "shop-storefront",
    "StorefrontUrl": "http://shop-storefront.s3-website-us-east-1.amazonaws.com",
    "EventBusName": "shop-events",
    "StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:shop-order-saga",
    "OrderTable": "shop-order",
    "InventoryTable": "shop-inventory",
    "PaymentTable": "shop-payment",
    "ShippingTable": "shop-shipping",
    "NotificationTable": "shop-notification",
    "OperationsTable": "shop-operations",
    "RelayDeadLetterQueueUrl": "http://sqs/relay",
}


def a_stack() -> Stack:
    return stack_of(
        OUTPUTS,
        stack_name="shop",
        region="us-east-1",
        endpoint_url="http://127.0.0.1:4666",
        log_file="/shop/.local/4666/logs/engine.log",
    )


def test_stack_json_has_exactly_the_documented_shape(tmp_path: Path) -> None:
    a_stack().save(tmp_path / "state" / "stack.json")

    assert json.loads((tmp_path / "state" / "stack.json").read_text()) == {
        "endpoint_url": "http://127.0.0.1:4666",
        "region": "us-east-1",
        "stack_name": "shop",
        "api_url": "http://127.0.0.1:4666/_aws/execute-api/httpapi/v1",
        "storefront_url": "http://shop-storefront.s3-website.localhost:4666/",
        "websocket_url": "ws://localhost:4666/_aws/ws/liveapi/live",
        "event_bus_name": "shop-events",
        "state_machine_arn": "arn:aws:states:us-east-1:000000000000:stateMachine:shop-order-saga",
        "tables": {
            "order": "shop-order",
            "inventory": "shop-inventory",
            "payment": "shop-payment",
            "shipping": "shop-shipping",
            "notification": "shop-notification",
            "operations": "shop-operations",
        },
        "dead_letter_queues": {"Relay": "http://sqs/relay"},
        "log_file": "/shop/.local/4666/logs/engine.log",
    }


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    stack = a_stack()
    stack.save(tmp_path / "stack.json")

    assert Stack.load(tmp_path / "stack.json") == stack
    assert [path.name for path in tmp_path.iterdir()] == ["stack.json"]

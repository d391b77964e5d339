"""The messages that clients get, as texts; their schemas are in `shared/schemas/websocket`."""

import json
from collections.abc import Mapping
from typing import Any

from realtime.orders import OrderState
from shared.errors import HttpError


def order_message(state: OrderState) -> str:
    """Returns an order as it is at the version that is the message's sequence."""
    return _text({"type": "order", "sequence": state.sequence, "order": state.order})


def error_message(error: HttpError) -> str:
    """Returns what a client gets where an HTTP caller would get a problem document."""
    return _text({"type": "error", "code": error.code, "detail": error.detail})


def _text(message: Mapping[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)

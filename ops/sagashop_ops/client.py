"""A small client of the store's HTTP API, for the demo, the benchmark and the tests."""

import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

type Json = dict[str, Any]

ENDED = frozenset({"COMPLETED", "CANCELLED", "NEEDS_ATTENTION"})
REQUEST_TIMEOUT_SECONDS = 35.0  # API Gateway gives up after 29.
# An order is sent under an idempotency key, so it may be sent again.
_RETRY = Retry(
    total=4,
    backoff_factor=0.5,
    status_forcelist=(429, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)

ADDRESS = {
    "street": "12 Analytical Row",
    "city": "London",
    "state": "LDN",
    "zip_code": "NW1 6XE",
    "country": "GB",
}


class OrderNotEnded(Exception):
    """An order was still open after the wait for its end."""


@dataclass(frozen=True)
class Line:
    """One line of an order: a quantity of one product."""

    sku: str
    quantity: int


class StoreClient:
    """Calls one running store's HTTP API as a guest, who keeps the tokens of the orders placed.

    Other orders are opened with what `access_token` returns, where it is given.

    Methods that return JSON raise `requests.HTTPError` for an answer of 400 or above; those that
    return a response don't.
    """

    def __init__(
        self, api_url: str, pool_size: int = 10, access_token: Callable[[], str] | None = None
    ) -> None:
        """`pool_size`: how many connections concurrent callers may keep open."""
        self._api_url = api_url
        self._session = requests.Session()
        self._tokens: dict[str, str] = {}
        self._access_token = access_token
        adapter = HTTPAdapter(pool_maxsize=pool_size, max_retries=_RETRY)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def get(self, path: str) -> Json:
        """Returns the JSON object at a path such as `/products`."""
        response = self._session.get(
            f"{self._api_url}{path}",
            headers=self._authorization(path),
            timeout=REQUEST_TIMEOUT_SECONDS,
        )
        response.raise_for_status()
        body: Json = response.json()
        return body

    def post_order(self, body: Mapping[str, Any], key: str | None = None) -> requests.Response:
        """Posts an order as given, right or wrong; `key` is its Idempotency-Key."""
        return self.post("/orders", body, {"Idempotency-Key": key} if key else None)

    def place_order(
        self,
        lines: Sequence[Line],
        token: str | None,
        key: str | None = None,
        country: str = ADDRESS["country"],
    ) -> str:
        """Places an order for `lines`, paid with a test token or, without one, later."""
        response = self.post_order(order_body(lines, token, country), key or str(uuid.uuid4()))
        response.raise_for_status()
        order_id: str = response.json()["order_id"]
        return order_id

    def post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Posts to a path such as `/orders/{order_id}/cancel`; returns the response as it is."""
        response = self._session.post(
            f"{self._api_url}{path}",
            json=body or {},
            headers={**self._authorization(path), **(headers or {})},
            timeout=REQUEST_TIMEOUT_SECONDS,
        )
        if path == "/orders" and response.ok:
            placed = response.json()
            self._tokens[placed["order_id"]] = placed["order_token"]
        return response

    def pay(self, order_id: str, token: str) -> requests.Response:
        """Pays an order that waits for it; returns the response as it is."""
        return self.post(f"/orders/{order_id}/payment", {"token": token})

    def cancel(self, order_id: str) -> requests.Response:
        """Requests the cancellation of an order; returns the response as it is."""
        return self.post(f"/orders/{order_id}/cancel")

    def link(self, order_id: str) -> str:
        """Returns the storefront's address of an order that was placed here, as its mail has it."""
        return f"#/orders/{order_id}?token={self.order_token(order_id)}"

    def order_token(self, order_id: str) -> str:
        """Returns the token that opens an order that was placed here."""
        return self._tokens[order_id]

    def product(self, sku: str) -> Json:
        return self.get(f"/products/{sku}")

    def order(self, order_id: str) -> Json:
        return self.get(f"/orders/{order_id}")

    def timeline(self, order_id: str) -> list[Json]:
        """Returns the order's events, oldest first."""
        events: list[Json] = self.get(f"/orders/{order_id}/timeline")["events"]
        return events

    def wait_until_ended(self, order_id: str, timeout: float = 60.0, every: float = 0.1) -> Json:
        """Polls an order until its saga has ended. Raises `OrderNotEnded` after `timeout` s."""
        return self.wait_for(order_id, frozenset(), timeout, every)

    def wait_for(
        self, order_id: str, statuses: Collection[str], timeout: float = 60.0, every: float = 0.1
    ) -> Json:
        """Polls an order until it has one of the statuses, or has ended. Raises as above."""
        deadline = time.monotonic() + timeout
        while True:
            order = self.order(order_id)
            if order["status"] in ENDED or order["status"] in statuses:
                return order
            if time.monotonic() > deadline:
                raise OrderNotEnded(f"order {order_id} is {order['status']} after {timeout:g} s")
            time.sleep(every)

    def _authorization(self, path: str) -> dict[str, str]:
        """Returns the header that opens the order which a path is about, if any."""
        _, _, order_id = path.partition("/orders/")
        token = self._tokens.get(order_id.split("/", maxsplit=1)[0])
        if token is None and order_id and self._access_token is not None:
            token = self._access_token()
        return {} if token is None else {"Authorization": f"Bearer {token}"}


def order_body(lines: Sequence[Line], token: str | None, country: str = ADDRESS["country"]) -> Json:
    """Returns a valid body for `POST /orders`; without a token, of one that is paid later."""
    body: Json = {
        "items": [{"sku": line.sku, "quantity": line.quantity} for line in lines],
        "email": "ada@example.com",
        "shipping_address": ADDRESS | {"country": country},
    }
    if token is not None:
        body["payment"] = {"token": token}
    return body

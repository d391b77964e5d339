"""The order page follows its order by live updates, and by polling whenever those cannot come."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Request, WebSocketRoute, expect

from sagashop_ops.client import Line, StoreClient
from support.payment_window import payment_window
from support.shopper import PATIENCE_MS, Shopper
from support.waiting import eventually

MOUSE = "product-002"
PATH = ["We received your order", "We asked you to pay", "Your payment", "Your order is complete"]


class Wire:
    """What goes between the page of an order and the shop; the WebSocket can be cut.

    `readings` counts the requests for the order.
    """

    def __init__(self, shopper: Shopper, order_id: str) -> None:
        self.readings = 0
        self.is_cut = False
        self._page = shopper.page
        self._order_id = order_id
        self._is_live = False
        self._sockets: list[WebSocketRoute] = []
        self._page.route_web_socket("**", self._connect)
        self._page.on("request", self._note)

    def cut(self) -> None:
        """Ends the connection, and lets no other be made."""
        self.is_cut, self._is_live = True, False
        for socket in self._sockets:
            socket.close()
        self._sockets.clear()

    def waits_until_live(self) -> None:
        """Waits until the page has got an update, and counts anew from then on."""
        self.waits_for(lambda: self._is_live)
        # Whatever the page had asked for by then has been noted when it answers this.
        self._page.evaluate("0")
        self.readings = 0

    def waits_for(self, condition: Callable[[], bool]) -> None:
        """Waits; what happens in the page is noted only while Playwright is waiting for it."""

        def look() -> bool:
            self._page.wait_for_timeout(20)
            return condition()

        eventually(look, every=0)

    def _connect(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            socket.close()
            return

        def pass_on(message: str | bytes) -> None:
            socket.send(message)
            self._is_live = True

        socket.connect_to_server().on_message(pass_on)
        self._sockets.append(socket)

    def _note(self, request: Request) -> None:
        self.readings += request.method == "GET" and request.url.endswith(self._order_id)


@pytest.fixture(scope="module")
def _time_to_pay(stack: dict[str, Any], aws: Callable[[str], Any]) -> Iterator[None]:
    """Five minutes, whatever the store's own window is: a busy machine must not run out of it."""
    with payment_window(300, stack, aws):
        yield


@pytest.fixture
def order_id(store: StoreClient, _time_to_pay: None) -> str:
    """An order that waits for its payment."""
    order_id = store.place_order([Line(MOUSE, 1)], None)
    store.wait_for(order_id, {"AWAITING_PAYMENT"})
    return order_id


@pytest.fixture
def wire(shopper: Shopper, store: StoreClient, order_id: str) -> Wire:
    """The wire of a page that shows the order, live."""
    wire = Wire(shopper, order_id)
    shopper.opens(store.link(order_id))
    expect(shopper.order_status).to_contain_text("waiting for your payment", timeout=PATIENCE_MS)
    wire.waits_until_live()
    return wire


def sees_it_complete(shopper: Shopper) -> None:
    """Waits until the page tells the end, with the whole way to it."""
    expect(shopper.order_status).to_contain_text("Your order is complete", timeout=PATIENCE_MS)
    expect(shopper.delivery).to_contain_text("Tracking number")
    for words in PATH:
        expect(shopper.timeline.filter(has_text=words)).to_have_count(1, timeout=PATIENCE_MS)
    expect(shopper.order_status).not_to_contain_text("lost contact")


def test_changes_reach_the_page_without_being_asked_for(
    shopper: Shopper, store: StoreClient, order_id: str, wire: Wire
) -> None:
    # When the order is paid elsewhere
    store.pay(order_id, "tok_visa")
    # Then the page tells all of it
    sees_it_complete(shopper)
    # And has not asked for the order
    assert wire.readings == 0


def test_a_connection_that_breaks_is_not_noticed(
    shopper: Shopper, store: StoreClient, order_id: str, wire: Wire
) -> None:
    # Given
    wire.cut()
    # When
    store.pay(order_id, "tok_visa")
    # Then
    sees_it_complete(shopper)
    assert wire.readings > 0


def test_updates_take_over_again_once_they_can(
    shopper: Shopper, store: StoreClient, order_id: str, wire: Wire
) -> None:
    # Given a page that polls, since its connection broke
    wire.cut()
    wire.waits_for(lambda: wire.readings > 0)
    # When another one can be made
    wire.is_cut = False
    wire.waits_until_live()
    # Then the rest comes without being asked for
    store.pay(order_id, "tok_visa")
    sees_it_complete(shopper)
    assert wire.readings == 0


def test_an_order_that_is_cancelled_elsewhere_turns_back_on_the_page(
    shopper: Shopper, store: StoreClient, order_id: str, wire: Wire
) -> None:
    store.cancel(order_id)

    expect(shopper.order_status).to_contain_text("cancelled", timeout=PATIENCE_MS)
    expect(shopper.payment_form).to_be_hidden()
    assert wire.readings == 0

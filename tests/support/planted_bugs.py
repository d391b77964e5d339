"""The bugs that `tests/planted` plants: small, each alone, and each has to be found.

The first sections are classic ones; the others put back what a review of the store had found.
CONTRIBUTING.md says how to add one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ASL = "statemachine/order_saga.asl.json"


@dataclass(frozen=True)
class Bug:
    """One change of the code that must not go unnoticed.

    Attributes:
        id: its name in the tests.
        section: its heading in the table.
        words: what is wrong with it in place, as a sentence.
        file: the file it is in, from the root of the project.
        before: the code that it replaces, which must be there exactly once.
        after: the code that replaces it.
        state: of the state machine, in which `before` is looked for; None: in the whole file.
        also: tests that look for it beside those of its own part.
        shows_in_orders: whether whole orders, played or replayed, can show it.
    """

    id: str
    section: str
    words: str
    file: str
    before: str
    after: str
    state: str | None = None
    also: tuple[str, ...] = ()
    shows_in_orders: bool = True


_STOCK = "Stock"
_MONEY = "Money"
_PARCELS = "Parcels"
_ONCE = "Once, however often"
_EVENTS = "Events"
_TURN = "Turning back"
_FENCE = "Only the current execution writes"
_WINDOW = "The payment window"
_MAIL = "Mail"
_SWEEPS = "Sweeps"
_HTTP = "Placing an order"
_TIMELINE = "The timeline"
_SAGA = "The state machine"
_PARTNERS = "Trouble at a partner"

_PLAYED = "tests/model/test_played_orders.py"
_REPLAYED = "tests/model/test_findings.py"
ORDERS: Mapping[str, tuple[str, ...]] = {
    _STOCK: (_PLAYED,),
    _MONEY: (_PLAYED,),
    _PARCELS: (_PLAYED,),
    _ONCE: (_PLAYED,),
    _EVENTS: (_PLAYED,),
    _TURN: (_PLAYED, _REPLAYED),
    _FENCE: (_PLAYED, _REPLAYED),
    _WINDOW: (_REPLAYED,),
    _MAIL: (_REPLAYED,),
    _SWEEPS: (_REPLAYED,),
    _HTTP: (_REPLAYED,),
    _TIMELINE: (_REPLAYED,),
    _SAGA: (_PLAYED, _REPLAYED),
    _PARTNERS: (),
}
"""The whole orders that look for the bugs of each section."""

BUGS: tuple[Bug, ...] = (
    Bug(
        "one-unit-is-reserved",
        _STOCK,
        "Two units are ordered and one is reserved.",
        "functions/inventory/domain.py",
        "ReservedLine(line.sku, products[line.sku].name, line.quantity, products[line.sku].price)",
        "ReservedLine(line.sku, products[line.sku].name, 1, products[line.sku].price)",
    ),
    Bug(
        "one-unit-leaves-the-shelf",
        _STOCK,
        "Two units are reserved and one leaves the shelf.",
        "functions/inventory/domain.py",
        "Move(line.sku, line.quantity, source",
        "Move(line.sku, 1, source",
    ),
    Bug(
        "the-last-line-is-forgotten",
        _STOCK,
        "Of an order for several products, the last one is not reserved.",
        "functions/inventory/domain.py",
        "            for line in wanted\n        ),\n    )",
        "            for line in wanted[: len(wanted) - 1] or wanted\n        ),\n    )",
    ),
    Bug(
        "more-is-sold-than-there-is",
        _STOCK,
        "The shelf is not checked when units leave it, so the last one is sold twice.",
        "functions/inventory/repository.py",
        'condition = "#source >= :quantity"',
        'condition = "attribute_exists(pk)"',
    ),
    Bug(
        "sold-units-come-back-from-the-wrong-shelf",
        _STOCK,
        "The release of sold units takes them from the reserved ones.",
        "functions/inventory/domain.py",
        "ReservationStatus.COMMITTED: Shelf.SOLD,",
        "ReservationStatus.COMMITTED: Shelf.RESERVED,",
    ),
    Bug(
        "stock-has-no-tombstone",
        _STOCK,
        "A release that comes before its reservation leaves no tombstone.",
        "functions/inventory/service.py",
        "before = repository.create(domain.tombstone(task.order_id, at))",
        "return",
    ),
    Bug(
        "an-old-price-is-taken",
        _STOCK,
        "A price that changes during the reservation is not noticed.",
        "functions/inventory/repository.py",
        'condition += " AND #name = :name AND price_cents = :price AND currency = :currency"',
        'condition += " AND #name = :name AND NOT (price_cents < :price) AND currency = :currency"',
        shows_in_orders=False,
    ),
    Bug(
        "the-price-of-one-unit",
        _MONEY,
        "The total is the price of one unit.",
        "functions/inventory/domain.py",
        "first, *rest = (line.unit_price * line.quantity for line in self.lines)",
        "first, *rest = (line.unit_price for line in self.lines)",
    ),
    Bug(
        "half-is-refunded",
        _MONEY,
        "The provider gives back half of the amount.",
        "functions/payment/simulated_provider.py",
        '"refunded_cents": row["captured_cents"],',
        '"refunded_cents": row["captured_cents"] // 2,',
    ),
    Bug(
        "the-customer-is-told-a-wrong-refund",
        _MONEY,
        "The saga is told another refund than was made, and passes it on to the customer.",
        "functions/payment/views.py",
        'payment_result(payment) | {"refunded_cents": payment.refunded.cents}',
        'payment_result(payment) | {"refunded_cents": payment.refunded.cents // 2}',
    ),
    Bug(
        "the-cents-are-dropped",
        _MONEY,
        "Whole dollars are charged.",
        "functions/payment/saga.py",
        "amount = Money(command.amount_cents, command.currency)",
        "amount = Money(command.amount_cents // 100 * 100, command.currency)",
    ),
    Bug(
        "a-double-refund",
        _MONEY,
        "A refund that is repeated after its answer was lost gives the money back twice.",
        "functions/payment/simulated_provider.py",
        """\
            if row["status"] == "REFUNDED":
                self._ledger.record(idempotency_key, "refund", "REPEATED")
                return
            if row["refunds_blocked"]:
                self._ledger.record(idempotency_key, "refund", "REFUSED")
                raise RefundUnavailable("the provider refuses refunds of this charge")
            refund = {
                "status": "REFUNDED",
                "refunded_cents": row["captured_cents"],
                "refunded_at": clock.to_iso(clock.now()),
            }
            given_back = {"moved_cents": -row["captured_cents"], "currency": row["currency"]}
            call = Call("refund", "REFUNDED", given_back)
            self._ledger.write(idempotency_key, refund, call, over=["CAPTURED"])
""",
        """\
            if row["refunds_blocked"]:
                self._ledger.record(idempotency_key, "refund", "REFUSED")
                raise RefundUnavailable("the provider refuses refunds of this charge")
            refund = {
                "status": "REFUNDED",
                "refunded_cents": row["captured_cents"],
                "refunded_at": clock.to_iso(clock.now()),
            }
            given_back = {"moved_cents": -row["captured_cents"], "currency": row["currency"]}
            call = Call("refund", "REFUNDED", given_back)
            self._ledger.write(idempotency_key, refund, call, over=["CAPTURED", "REFUNDED"])
""",
    ),
    Bug(
        "nothing-is-refunded",
        _MONEY,
        "A payment is marked as refunded, and the provider is not asked.",
        "functions/payment/service.py",
        "            provider.refund(task.order_id)",
        "            pass",
    ),
    Bug(
        "a-payment-has-no-tombstone",
        _MONEY,
        "A refund that comes before its charge leaves no tombstone.",
        "functions/payment/service.py",
        "payment = repository.create(domain.tombstone(task.order_id, at))",
        "return domain.tombstone(task.order_id, at)",
    ),
    Bug(
        "a-key-is-not-voided",
        _MONEY,
        "An undo that finds no charge does not void the key, so a charge on its way is taken.",
        "functions/payment/service.py",
        "provider.find_charge(task.order_id) or provider.void(task.order_id)",
        "provider.find_charge(task.order_id)",
    ),
    Bug(
        "an-empty-parcel",
        _PARCELS,
        "The parcel is empty.",
        "functions/shipping/service.py",
        "carrier.book(task.order_id, address, items)",
        "carrier.book(task.order_id, address, ())",
    ),
    Bug(
        "a-parcel-with-the-first-product",
        _PARCELS,
        "The parcel contains the first product alone.",
        "functions/shipping/service.py",
        "carrier.book(task.order_id, address, items)",
        "carrier.book(task.order_id, address, items[:1])",
    ),
    Bug(
        "a-parcel-is-not-called-off",
        _PARCELS,
        "A shipment is marked as cancelled, and the carrier is not told.",
        "functions/shipping/service.py",
        "booking = carrier.cancel(task.order_id)",
        "booking = shipment.booking",
    ),
    Bug(
        "a-shipment-has-no-tombstone",
        _PARCELS,
        "A cancellation that comes before its booking leaves no tombstone.",
        "functions/shipping/service.py",
        "shipment = repository.create(domain.tombstone(task.order_id, at))",
        "return domain.tombstone(task.order_id, at)",
    ),
    Bug(
        "a-charge-for-every-execution",
        _ONCE,
        "The provider's key is the execution's name, so a redriven order is charged again.",
        "functions/payment/service.py",
        "outcome = provider.charge(task.order_id, amount, token)",
        "outcome = provider.charge(task.execution, amount, token)",
    ),
    Bug(
        "a-parcel-for-every-execution",
        _ONCE,
        "The carrier's key is the execution's name, so a redriven order gets a second parcel.",
        "functions/shipping/service.py",
        "outcome = carrier.book(task.order_id, address, items)",
        "outcome = carrier.book(task.execution, address, items)",
    ),
    Bug(
        "a-repeated-charge-forgets-the-first-answer",
        _ONCE,
        "A repeated charge goes to the provider again instead of returning the first answer.",
        "functions/payment/service.py",
        "    if answer := domain.first_answer(pending, amount):\n        return answer\n",
        "",
    ),
    Bug(
        "a-repeated-booking-forgets-the-first-answer",
        _ONCE,
        "A repeated booking goes to the carrier again instead of returning the first answer.",
        "functions/shipping/service.py",
        "    if answer := domain.first_answer(pending):\n        return answer\n",
        "",
    ),
    Bug(
        "a-reservation-for-every-execution",
        _ONCE,
        "The reservation is found by the execution's name, so a redriven order reserves again.",
        "functions/inventory/service.py",
        "decided = domain.decide(task.order_id, wanted, products, at)",
        "decided = domain.decide(task.execution, wanted, products, at)",
    ),
    Bug(
        "a-repeated-release-gives-back-twice",
        _ONCE,
        "A repeated release puts the units on the shelf a second time.",
        "functions/inventory/domain.py",
        "if reservation.status in (ReservationStatus.RELEASED, ReservationStatus.FAILED):",
        "if reservation.status is ReservationStatus.FAILED:",
    ),
    Bug(
        "a-lost-update",
        _ONCE,
        "A row is replaced whatever its version, so that one writer overwrites another.",
        "functions/shared/storage.py",
        'put["Put"]["ConditionExpression"] = "version = :before"',
        'put["Put"]["ConditionExpression"] = "version <> :before OR version = :before"',
        also=("tests/unit/order",),
    ),
    Bug(
        "an-event-outside-the-transaction",
        _EVENTS,
        "An event is written after the change that it reports, not with it.",
        "functions/shared/storage.py",
        "            transact_write(self._dynamodb, [put, *others])\n",
        "            transact_write(self._dynamodb, [put, *more])\n"
        "            for event in others[len(more) :]:\n"
        '                self._dynamodb.put_item(**event["Put"])\n',
        also=("tests/unit/order",),
    ),
    Bug(
        "no-outbox-row",
        _EVENTS,
        "A change is stored and its event is not.",
        "functions/shared/storage.py",
        "            *(outbox.put(self._table, partition, event) for event in events),\n",
        "",
    ),
    Bug(
        "an-event-without-a-sequence",
        _EVENTS,
        "An order's event does not carry the order's version.",
        "functions/order/domain.py",
        "        sequence=order.version,\n",
        "",
        also=("tests/contracts",),
    ),
    Bug(
        "a-renamed-field",
        _EVENTS,
        "A field of an event is renamed, and its consumers do not know it.",
        "functions/payment/events.py",
        '"amount_cents": payment.amount.cents,',
        '"cents": payment.amount.cents,',
        also=("tests/contracts",),
    ),
    Bug(
        "a-lost-event",
        _EVENTS,
        "The relay takes an event for published that the bus refused.",
        "functions/shared/outbox.py",
        "                return [row.sequence_number]",
        "                return []",
        shows_in_orders=False,
    ),
    Bug(
        "the-turn-is-not-written",
        _TURN,
        "An order is undone without having turned back first.",
        "functions/order/domain.py",
        "    if order.status.is_final or order.failure is not None:\n        return Change(order)\n"
        "    code",
        "    if order.status is not Status.CANCELLING:\n        return Change(order)\n    code",
        also=("tests/contracts",),
    ),
    Bug(
        "the-turn-is-skipped",
        _TURN,
        "After a rejected shipment the saga refunds before it has written the turn.",
        ASL,
        '"undo_from": "RefundPayment"}, "Next": "BeginCancellation"}',
        '"undo_from": "RefundPayment"}, "Next": "RefundPayment"}',
        state="CreateShipment",
    ),
    Bug(
        "a-completed-order-is-undone",
        _TURN,
        "BeginCancellation turns back an order that is complete.",
        "functions/order/domain.py",
        "if order.status.is_final or order.failure is not None:",
        "if order.status is Status.CANCELLED or order.failure is not None:",
    ),
    Bug(
        "the-saga-undoes-a-completed-order",
        _TURN,
        "The saga is told that the order is complete, and undoes it all the same.",
        ASL,
        """        {"Condition": "{% $status = 'COMPLETED' %}", "Next": "OrderCompleted"},\n""",
        "",
    ),
    Bug(
        "complete-after-the-turn",
        _TURN,
        "A late CompleteOrder completes an order that has turned back.",
        "functions/order/domain.py",
        "    refuse_if_undone(order)\n"
        "    if order.status is Status.COMPLETED:\n"
        "        return Change(order)\n"
        "    refuse_if_cancelled(order)\n"
        "    if order.status is not Status.PAID:\n",
        "    if order.status is Status.COMPLETED:\n"
        "        return Change(order)\n"
        "    refuse_if_cancelled(order)\n"
        "    if order.payment is None:\n",
    ),
    Bug(
        "the-first-failure-is-forgotten",
        _TURN,
        "A second failure replaces the one that the customer was told.",
        "functions/order/domain.py",
        "if order.status.is_final or order.failure is not None:",
        "if order.status.is_final:",
    ),
    Bug(
        "a-restart-goes-forward",
        _TURN,
        "A saga that is started again goes forward although its order has turned back.",
        "functions/order/saga_input.py",
        '"failure": failure and {"Error": failure.error, "Cause": failure.cause},',
        '"failure": None,',
    ),
    Bug(
        "a-restart-skips-the-parcel",
        _TURN,
        "A restarted undo begins at the refund, and the parcel is delivered.",
        ASL,
        '"undo_from": "CancelShipment", "refund": null',
        '"undo_from": "RefundPayment", "refund": null',
        state="ResumeOrBegin",
    ),
    Bug(
        "a-stale-execution-writes",
        _FENCE,
        "An execution that was replaced by a redrive still changes the order.",
        "functions/order/saga.py",
        "    domain.refuse_if_superseded(order, task.execution)\n",
        "",
    ),
    Bug(
        "a-late-flag",
        _FENCE,
        "A late FlagForAttention parks an order that is cancelled.",
        "functions/order/domain.py",
        "if order.status is Status.CANCELLED or order.is_parked:",
        "if order.is_parked:",
    ),
    Bug(
        "a-superseded-execution-fails",
        _FENCE,
        "An execution that was replaced ends as a failure that somebody has to look at.",
        ASL,
        '        {"ErrorEquals": ["ExecutionSuperseded"], "Next": "Superseded"},\n',
        "",
        state="BeginCancellation",
    ),
    Bug(
        "a-redrive-leaves-the-order-parked",
        _FENCE,
        "A redriven order is not marked as being undone again, so nobody sees that it is.",
        "functions/order/redrive.py",
        "replace(counted, status=Status.CANCELLING, failure=failure, parked=None)",
        "replace(counted, failure=failure)",
    ),
    Bug(
        "the-silent-are-owed-nothing",
        _FENCE,
        "A service that does not answer counts as holding nothing of a parked order.",
        "functions/order/holdings.py",
        "    stock_held: Sequence[Mapping[str, Any]] = items_of(order)\n",
        "    stock_held: Sequence[Mapping[str, Any]] = ()\n",
        shows_in_orders=False,
    ),
    Bug(
        "the-window-closes-early",
        _WINDOW,
        "The payment window is closed before it is due.",
        "functions/order/payment_window.py",
        "    if order.payment_window is not None and at < order.payment_window.due_at:\n"
        '        raise PaymentWindowOpen(f"order {order.order_id} can still be paid")\n',
        "",
    ),
    Bug(
        "the-timer-is-no-later-than-the-window",
        _WINDOW,
        "The engine's timer ends when the window does, or a moment before.",
        ASL,
        "payment_wait_seconds + 2 %}",
        "payment_wait_seconds %}",
    ),
    Bug(
        "a-window-that-is-still-open-undoes-the-order",
        _WINDOW,
        "ClosePaymentWindow that comes too early undoes the order instead of coming again.",
        ASL,
        '"ErrorEquals": ["Lambda.TooManyRequestsException", "PaymentWindowOpen"]',
        '"ErrorEquals": ["Lambda.TooManyRequestsException"]',
        state="ClosePaymentWindow",
    ),
    Bug(
        "a-late-question-takes-the-token",
        _WINDOW,
        "A late first AwaitPayment overwrites the live task token.",
        "functions/order/payment_window.py",
        "        if window.asked_at <= order.payment_window.asked_at:\n"
        "            return Change(order)\n",
        "",
    ),
    Bug(
        "a-repeated-question-moves-the-deadline",
        _WINDOW,
        "A second AwaitPayment moves the deadline that the customer was told.",
        "functions/order/payment_window.py",
        "        window = replace(window, due_at=order.payment_window.due_at)\n",
        "",
    ),
    Bug(
        "a-payment-after-the-end",
        _WINDOW,
        "A payment is accepted after the window has ended.",
        "functions/order/payment_window.py",
        '        (is_late, "The time to pay is over."),\n',
        "",
        shows_in_orders=False,
    ),
    Bug(
        "stale-mail",
        _MAIL,
        "Mail is sent although a newer event of the order has come before it.",
        "functions/notification/service.py",
        "    newer = _newer_than(event, notifications)\n",
        "    newer = None\n",
    ),
    Bug(
        "please-pay-too-late",
        _MAIL,
        "A customer is asked to pay after the window has closed.",
        "functions/notification/service.py",
        "is_payable = due_at is not None and at < due_at",
        "is_payable = True",
    ),
    Bug(
        "cancelled-before-its-time",
        _MAIL,
        "A customer is told that the order is cancelled before anything is undone.",
        "functions/notification/messages.py",
        '    "OrderCancelled": _cancelled,\n',
        '    "OrderCancelled": _cancelled,\n    "OrderCancellationStarted": _cancelled,\n',
    ),
    Bug(
        "the-same-mail-twice",
        _MAIL,
        "An event that is delivered twice is mailed twice.",
        "functions/notification/repository.py",
        'self._put(_to_row(notification), "attribute_not_exists(pk)")',
        'self._put(_to_row(notification), "attribute_not_exists(is_claimed)")',
    ),
    Bug(
        "the-customer-gets-the-operators-mail",
        _MAIL,
        "What is meant for the operator goes to the customer.",
        "functions/notification/service.py",
        "Recipient(operator_email) if letter.for_operator else find_customer(order_id)",
        "find_customer(order_id)",
        shows_in_orders=False,
    ),
    Bug(
        "unknown-orders-are-undone",
        _SWEEPS,
        "A sweep undoes the rows of orders that are unknown.",
        "functions/shared/sweeping.py",
        "            if status is None:\n",
        '            status = status or "CANCELLED"\n            if status is None:\n',
    ),
    Bug(
        "open-orders-are-undone",
        _SWEEPS,
        "A sweep undoes the rows of orders that are under way.",
        "functions/shared/sweeping.py",
        "            if status not in _ENDED:\n",
        "            if status in _ENDED - _ENDED:\n",
    ),
    Bug(
        "an-unreadable-row-stops-a-sweep",
        _SWEEPS,
        "The rows after an unreadable one are not swept.",
        "functions/shared/sweeping.py",
        '                report.fail(row.order_id, f"unreadable: {row.error}")\n',
        '                report.fail(row.order_id, f"unreadable: {row.error}")\n'
        "                break\n",
    ),
    Bug(
        "a-sweep-forgets-where-it-stopped",
        _SWEEPS,
        "A sweep that ran out of time begins at the start again, so newer rows have no turn.",
        "functions/shared/rounds.py",
        "position = self._position if self._is_over else None",
        "position = None",
        shows_in_orders=False,
    ),
    Bug(
        "a-lost-saga-stays-lost",
        _SWEEPS,
        "The sweeper leaves alone an order whose saga was lost in the middle of an undo.",
        "functions/order/sweeper.py",
        "if order.status.is_final or order.is_parked:",
        "if order.status.is_final or order.failure is not None:",
    ),
    Bug(
        "an-ended-order-starts-again",
        _SWEEPS,
        "An old OrderPlaced that comes again starts the saga of an order that has ended.",
        "functions/order/starter.py",
        "    if not order.status.is_open:\n",
        "    if order.version < 1:\n",
    ),
    Bug(
        "a-lost-reply-is-an-error",
        _HTTP,
        "An order without a key whose reply was lost is placed, and its customer gets an error.",
        "functions/order/repository.py",
        "placed = exc.failed.get(0 if key is None else 1)",
        "placed = exc.failed.get(1)",
    ),
    Bug(
        "another-token-is-another-order",
        _HTTP,
        "A request that is repeated with a new payment token is refused as another order.",
        "functions/order/requests.py",
        "            and self.email == order.email\n",
        "            and self.email == order.email\n"
        "            and self.payment_token == order.payment_token\n",
    ),
    Bug(
        "a-key-for-anything",
        _HTTP,
        "A key that was used for another order answers with that one.",
        "functions/order/service.py",
        "        if not request.asks_for(placed):\n",
        "        if placed.version < 1:\n",
        shows_in_orders=False,
    ),
    Bug(
        "an-order-for-every-request",
        _HTTP,
        "A request that is repeated under its key places a second order.",
        "functions/order/repository.py",
        "            *([] if key is None else [self._put_placement(key, order)]),\n",
        "",
        shows_in_orders=False,
    ),
    Bug(
        "an-unpaid-order-counts-for-ever",
        _HTTP,
        "An unpaid order still counts for its caller when it has been paid or cancelled.",
        "functions/order/repository.py",
        "ends_waiting = before.is_unpaid and not change.order.is_unpaid",
        "ends_waiting = False",
        shows_in_orders=False,
    ),
    Bug(
        "a-cap-that-stops-nobody",
        _HTTP,
        "A caller may have any number of unpaid orders, as long as there are few units in them.",
        "functions/order/repository.py",
        "(orders <= :orders_left AND units <= :units_left)",
        "(orders <= :orders_left OR units <= :units_left)",
        shows_in_orders=False,
    ),
    Bug(
        "an-order-remembers-where-it-went",
        _HTTP,
        "An order that was anonymized keeps its address.",
        "functions/order/erasure.py",
        "        shipping_address=None,\n",
        "",
        shows_in_orders=False,
    ),
    Bug(
        "a-promise-that-is-not-kept",
        _HTTP,
        "A caller without a key is told that a repetition is safe.",
        "functions/order/service.py",
        "        raise _outcome_unknown(key) from exc",
        '        raise _outcome_unknown("") from exc',
        shows_in_orders=False,
    ),
    Bug(
        "no-answer-to-options",
        _HTTP,
        "OPTIONS is refused where a page of another origin asks.",
        "functions/shared/http.py",
        'if methods and method == "OPTIONS":',
        'if methods and method == "HEAD":',
        shows_in_orders=False,
    ),
    Bug(
        "a-timeline-by-the-clocks",
        _TIMELINE,
        "The timeline is ordered by the clocks of four services.",
        "functions/order/timeline.py",
        "return max(event.sequence, caused_at(event)), _rank(event), at, event_id",
        "return 0, 0, at, event_id",
    ),
    Bug(
        "a-catch-is-gone",
        _SAGA,
        "CommitStock has no Catch, so its failure ends the saga with nothing undone.",
        ASL,
        '        {"ErrorEquals": ["States.ALL"], "Assign": {"failure": "{% $states.errorOutput %}",'
        ' "undo_from": "CancelShipment"}, "Next": "BeginCancellation"}\n',
        "",
        state="CommitStock",
    ),
    Bug(
        "a-declined-payment-is-undone-as-a-failure",
        _SAGA,
        "A lost answer of the provider is caught as if it had declined.",
        ASL,
        '{"ErrorEquals": ["PaymentDeclined"]',
        '{"ErrorEquals": ["PaymentDeclined", "PaymentOutcomeUnknown"]',
        state="ChargePayment",
    ),
    Bug(
        "an-answer-is-retried",
        _SAGA,
        "ChargePayment retries PaymentDeclined, which is an answer.",
        ASL,
        '"ErrorEquals": ["PaymentProviderUnavailable", "StorageContention",',
        '"ErrorEquals": ["PaymentDeclined", "StorageContention",',
        state="ChargePayment",
    ),
    Bug(
        "throttling-is-not-waited-out",
        _SAGA,
        "ReserveStock has no Retry for throttling, so a spike undoes good orders.",
        ASL,
        ',\n        {"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1,'
        ' "BackoffRate": 2, "MaxDelaySeconds": 60, "MaxAttempts": 20, "JitterStrategy": "FULL"}',
        "",
        state="ReserveStock",
        shows_in_orders=False,
    ),
    Bug(
        "commit-stock-is-impatient",
        _SAGA,
        "CommitStock gives up a shipped order because of a hot product.",
        ASL,
        '"MaxDelaySeconds": 60, "MaxAttempts": 20',
        '"MaxDelaySeconds": 4, "MaxAttempts": 2',
        state="CommitStock",
        shows_in_orders=False,
    ),
    Bug(
        "the-wrong-order-of-undoing",
        _SAGA,
        "After the parcel the stock is released, and the money is kept.",
        ASL,
        '"Next": "RefundPayment"',
        '"Next": "ReleaseStock"',
        state="CancelShipment",
    ),
    Bug(
        "a-task-without-a-sequence",
        _SAGA,
        "RecordPayment does not pass the order's version on to the next steps.",
        ASL,
        """      "Assign": {"task": "{% $merge([$task, {'sequence': \
$states.result.Payload.sequence}]) %}"},\n""",
        "",
        state="RecordPayment",
    ),
    Bug(
        "a-circuit-that-never-opens",
        _PARTNERS,
        "However often a partner fails, it is asked again.",
        "functions/shared/circuit.py",
        "self._threshold = settings.circuit_failures",
        "self._threshold = 1000 * settings.circuit_failures",
    ),
    Bug(
        "a-circuit-that-never-closes",
        _PARTNERS,
        "The answer to a probe does not close the circuit.",
        "functions/shared/circuit.py",
        '"SET failures = :none, probing = :no REMOVE retry_at"',
        '"SET failures = :none, probing = :no"',
    ),
    Bug(
        "a-circuit-that-lets-every-probe-through",
        _PARTNERS,
        "Each worker sends a probe of its own to a partner that is down.",
        "functions/shared/circuit.py",
        '"retry_at = :seen",',
        '"retry_at = :seen OR retry_at <> :seen",',
    ),
    Bug(
        "an-answer-is-a-failure",
        _PARTNERS,
        "A declined card counts as a failure of the payment provider.",
        "functions/shared/circuit.py",
        "except Exception:\n            self._note_answer(probe)",
        "except Exception:\n            self._note_failure(probe)",
    ),
    Bug(
        "failures-that-are-not-in-a-row",
        _PARTNERS,
        "A partner that answers in between is taken for one that is down.",
        "functions/shared/circuit.py",
        "elif self._state.failures:",
        "elif self._state.failures < 0:",
    ),
    Bug(
        "a-circuit-is-an-outage-of-its-own",
        _PARTNERS,
        "Where the circuit's row cannot be read, the partner is not asked.",
        "functions/shared/circuit.py",
        "                return _State()",
        "                raise",
    ),
    Bug(
        "an-open-circuit-undoes-orders",
        _PARTNERS,
        "ChargePayment gives up an order because the circuit is open.",
        ASL,
        '"ErrorEquals": ["Lambda.TooManyRequestsException", "CircuitOpen"]',
        '"ErrorEquals": ["Lambda.TooManyRequestsException"]',
        state="ChargePayment",
    ),
    Bug(
        "a-placed-order-is-refused",
        _PARTNERS,
        "While the circuit is open, the repetition of a request that was accepted is refused.",
        "functions/order/service.py",
        "if retry_after is None or (key is not None and orders.placed_under(key, at) is not None):",
        "if retry_after is None:",
    ),
    Bug(
        "no-patience-with-a-busy-row",
        _PARTNERS,
        "A conflict on a hot row is not repeated inside the step.",
        "functions/shared/contention.py",
        "        except (StockContention, StorageContention):\n            time.sleep",
        "        except ():\n            time.sleep",
        also=("tests/unit/order/test_order_repository.py",),
    ),
)

"""Charging and refunding against the simulated provider: alone, repeated, late, and in a race."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT
from payment import service
from payment.domain import AmountChanged, PaymentStatus
from shared.errors import (
    PaymentDeclined,
    PaymentOutcomeUnknown,
    PaymentProviderUnavailable,
    RefundUnavailable,
    StepAlreadyUndone,
    StorageContention,
)
from shared.money import Money
from shared.tasks import Task

# Of a redriven order: what counts is the order, not the execution.
TASK = Task(ORDER_ID, f"{ORDER_ID}-r1", ORIGIN)
AMOUNT = Money(5000, "USD")
LATER = PLACED_AT + timedelta(days=365)

type Events = Callable[[], list[tuple[str, dict[str, Any]]]]


def charge(repository, provider, means="tok_visa", amount=AMOUNT):
    return service.charge(repository, provider, TASK, amount, means, PLACED_AT)


def refund(repository, provider):
    return service.refund(repository, provider, TASK, LATER)


def types(outbox_events: Events) -> list[str]:
    return [event_type for event_type, _ in outbox_events()]


class TestCharging:
    def test_the_amount_is_captured_and_told_once(
        self, repository, provider, ledger, outbox_events
    ):
        payment = charge(repository, provider)

        assert (payment.status, payment.captured) == (PaymentStatus.CAPTURED, AMOUNT)
        assert repository.find(ORDER_ID) == payment
        assert ledger.money() == (5000, 0)
        ((event_type, event),) = outbox_events()
        assert event_type == "PaymentCaptured"
        assert event["metadata"]["correlation_id"] == ORIGIN.correlation_id
        assert event["data"] == {
            "order_id": ORDER_ID,
            "payment_id": payment.payment_id,
            "amount_cents": 5000,
            "currency": "USD",
        }

    def test_a_repeat_returns_the_first_result(self, repository, provider, ledger, outbox_events):
        first = charge(repository, provider)

        assert charge(repository, provider) == first
        assert charge(repository, provider, "tok_declined") == first
        assert ledger.money() == (5000, 0)
        assert types(outbox_events) == ["PaymentCaptured"]

    @pytest.mark.parametrize(
        ("token", "reason"),
        [
            ("tok_declined", "card declined"),
            ("tok_insufficient_funds", "insufficient funds"),
            ("tok_made_up", "unknown token"),
        ],
    )
    def test_a_decline_is_told_once_and_stands(
        self, repository, provider, ledger, outbox_events, token, reason
    ):
        for attempt in (token, token, "tok_visa"):
            with pytest.raises(PaymentDeclined, match=f"^{reason}$"):
                charge(repository, provider, attempt)

        assert ledger.money() == (0, 0)
        ((event_type, event),) = outbox_events()
        assert event_type == "PaymentDeclined"
        assert event["data"] == {"order_id": ORDER_ID, "reason": reason}

    def test_a_flaky_provider_is_asked_again(self, repository, provider, ledger, outbox_events):
        for _ in range(2):
            with pytest.raises(PaymentProviderUnavailable):
                charge(repository, provider, "tok_flaky")
        assert repository.find(ORDER_ID).status is PaymentStatus.PENDING
        assert types(outbox_events) == []

        assert charge(repository, provider, "tok_flaky").status is PaymentStatus.CAPTURED
        assert ledger.money() == (5000, 0)
        assert types(outbox_events) == ["PaymentCaptured"]

    def test_a_worker_killed_before_it_noted_the_capture_takes_the_money_once(
        self, repository, provider, interrupted, ledger, outbox_events
    ):
        class Killed(BaseException):
            """The end of the process: nothing in our code may catch it."""

        def kill() -> None:
            raise Killed

        with pytest.raises(Killed):
            charge(interrupted(kill), provider)
        assert ledger.money() == (5000, 0)

        assert charge(repository, provider).status is PaymentStatus.CAPTURED
        assert ledger.money() == (5000, 0)
        assert types(outbox_events) == ["PaymentCaptured"]

    def test_two_deliveries_of_one_charge_take_the_money_once(
        self, repository, provider, interrupted, ledger, outbox_events
    ):
        racing = interrupted(lambda: charge(repository, provider))

        # The slower one cannot note what is noted already; its retry returns the first result.
        with pytest.raises(StorageContention):
            charge(racing, provider)

        assert charge(repository, provider).status is PaymentStatus.CAPTURED
        assert ledger.money() == (5000, 0)
        assert types(outbox_events) == ["PaymentCaptured"]

    @pytest.mark.parametrize("token", ["tok_visa", "tok_flaky"])
    def test_a_repeat_over_another_amount_is_a_bug(self, repository, provider, ledger, token):
        try:
            charge(repository, provider, token)
        except PaymentProviderUnavailable:
            assert token == "tok_flaky"
        before = ledger.money()

        with pytest.raises(AmountChanged):
            charge(repository, provider, token, Money(1, "USD"))
        assert ledger.money() == before


class TestRefunding:
    def test_the_whole_amount_goes_back_and_is_told_once(
        self, repository, provider, ledger, outbox_events
    ):
        charge(repository, provider)

        payment = refund(repository, provider)
        assert refund(repository, provider) == payment

        assert (payment.captured, payment.refunded) == (AMOUNT, AMOUNT)
        assert ledger.money() == (5000, 5000)
        assert types(outbox_events) == ["PaymentCaptured", "PaymentRefunded"]
        _, event = outbox_events()[-1]
        assert event["data"] == {
            "order_id": ORDER_ID,
            "payment_id": payment.payment_id,
            "amount_cents": 5000,
            "currency": "USD",
        }

    def test_money_whose_capture_was_never_heard_of_goes_back(
        self, repository, provider, ledger, outbox_events
    ):
        with pytest.raises(PaymentOutcomeUnknown):
            charge(repository, provider, "tok_lost_reply")
        assert ledger.money() == (5000, 0)
        assert types(outbox_events) == []

        payment = refund(repository, provider)

        assert payment.status is PaymentStatus.REFUNDED
        assert ledger.money() == (5000, 5000)
        # Nobody is told of money given back without being told that it was taken, and when.
        assert types(outbox_events) == ["PaymentCaptured", "PaymentRefunded"]
        _, captured = outbox_events()[0]
        assert captured["metadata"]["occurred_at"] == ledger.row()["captured_at"]

    def test_a_declined_payment_needs_no_refund(self, repository, provider, outbox_events):
        with pytest.raises(PaymentDeclined):
            charge(repository, provider, "tok_declined")

        assert refund(repository, provider).status is PaymentStatus.DECLINED
        assert types(outbox_events) == ["PaymentDeclined"]

    def test_a_payment_whose_attempts_all_failed_is_voided(
        self, repository, provider, ledger, outbox_events
    ):
        with pytest.raises(PaymentProviderUnavailable):
            charge(repository, provider, "tok_flaky")

        assert refund(repository, provider).status is PaymentStatus.VOIDED
        assert ledger.money() == (0, 0)
        assert types(outbox_events) == []

    def test_a_decline_that_was_never_noted_is_voided(
        self, repository, provider, interrupted, ledger, outbox_events
    ):
        def fail() -> None:
            raise StorageContention

        with pytest.raises(StorageContention):
            charge(interrupted(fail), provider, "tok_declined")

        assert refund(repository, provider).status is PaymentStatus.VOIDED
        assert ledger.money() == (0, 0)
        assert types(outbox_events) == []

    def test_a_refund_that_fails_is_tried_again_until_an_operator_allows_it(
        self, repository, provider, ledger, outbox_events
    ):
        charge(repository, provider, "tok_refund_fails")
        for _ in range(2):
            with pytest.raises(RefundUnavailable):
                refund(repository, provider)
        assert repository.find(ORDER_ID).status is PaymentStatus.CAPTURED

        ledger.change(refunds_blocked=False)
        refund(repository, provider)

        assert ledger.money() == (5000, 5000)
        assert types(outbox_events) == ["PaymentCaptured", "PaymentRefunded"]

    def test_a_worker_killed_before_it_noted_the_refund_gives_the_money_back_once(
        self, repository, provider, interrupted, ledger, outbox_events
    ):
        charge(repository, provider)

        def fail() -> None:
            raise StorageContention

        with pytest.raises(StorageContention):
            refund(interrupted(fail), provider)
        assert ledger.money() == (5000, 5000)

        refund(repository, provider)
        assert ledger.money() == (5000, 5000)
        assert types(outbox_events) == ["PaymentCaptured", "PaymentRefunded"]

    @pytest.mark.parametrize("error", [PaymentProviderUnavailable, PaymentOutcomeUnknown])
    def test_a_refund_in_doubt_is_tried_again(self, repository, provider, monkeypatch, error):
        charge(repository, provider)

        def fail(_: str) -> None:
            raise error("no answer")

        monkeypatch.setattr(provider, "refund", fail)

        with pytest.raises(RefundUnavailable):
            refund(repository, provider)
        assert repository.find(ORDER_ID).status is PaymentStatus.CAPTURED

    def test_a_provider_that_forgot_captured_money_surfaces_as_a_bug(
        self, repository, provider, ledger
    ):
        charge(repository, provider)
        ledger.forget()

        with pytest.raises(ValueError, match="captured"):
            refund(repository, provider)


class TestLateCharges:
    """A charge that arrives, or goes on, after its own undo."""

    def test_a_charge_that_comes_after_its_undo_is_never_made(
        self, repository, provider, ledger, outbox_events
    ):
        assert refund(repository, provider).is_tombstone
        assert refund(repository, provider).is_tombstone

        with pytest.raises(StepAlreadyUndone):
            charge(repository, provider)

        assert ledger.row() == {}
        assert types(outbox_events) == []

    @pytest.mark.parametrize("token", ["tok_visa", "tok_lost_reply"])
    def test_a_charge_repeated_after_its_refund_is_not_made_again(
        self, repository, provider, ledger, token
    ):
        if token == "tok_lost_reply":
            with pytest.raises(PaymentOutcomeUnknown):
                charge(repository, provider, token)
        else:
            charge(repository, provider, token)
        refund(repository, provider)

        with pytest.raises(StepAlreadyUndone):
            charge(repository, provider, token)
        assert ledger.money() == (5000, 5000)

    def test_a_charge_still_on_its_way_to_the_provider_is_refused_there(
        self, repository, provider, ledger, outbox_events
    ):
        # Given a charge that has announced itself and is about to ask the provider
        class Slow:
            def charge(self, *arguments: Any) -> Any:
                # When the undo runs from end to end before it gets there
                assert refund(repository, provider).status is PaymentStatus.VOIDED
                return provider.charge(*arguments)

        # Then no money is taken.
        with pytest.raises(StepAlreadyUndone):
            charge(repository, Slow())
        assert ledger.money() == (0, 0)
        assert types(outbox_events) == []

    def test_a_capture_that_is_refunded_before_it_was_noted_stays_refunded(
        self, repository, provider, interrupted, ledger, outbox_events
    ):
        racing = interrupted(lambda: refund(repository, provider))

        with pytest.raises(StorageContention):
            charge(racing, provider)

        with pytest.raises(StepAlreadyUndone):
            charge(repository, provider)
        assert ledger.money() == (5000, 5000)
        assert repository.find(ORDER_ID).status is PaymentStatus.REFUNDED
        assert types(outbox_events) == ["PaymentCaptured", "PaymentRefunded"]

    def test_a_charge_that_learns_of_its_own_refund_stops(
        self, repository, provider, interrupted, ledger
    ):
        # Given an undo that has refunded the charge and was killed before it noted that
        def fail() -> None:
            raise StorageContention

        with pytest.raises(PaymentOutcomeUnknown):
            charge(repository, provider, "tok_lost_reply")
        with pytest.raises(StorageContention):
            refund(interrupted(fail), provider)

        with pytest.raises(StepAlreadyUndone):
            charge(repository, provider, "tok_visa")

    def test_a_charge_that_is_captured_while_the_undo_looks_for_it_is_refunded(
        self, repository, provider, ledger, outbox_events
    ):
        with pytest.raises(PaymentProviderUnavailable):
            charge(repository, provider, "tok_flaky")

        class Racing:
            def find_charge(self, key: str) -> None:
                provider.charge(key, AMOUNT, "tok_visa")

            void = staticmethod(provider.void)
            refund = staticmethod(provider.refund)

        assert refund(repository, Racing()).status is PaymentStatus.REFUNDED
        assert ledger.money() == (5000, 5000)
        assert types(outbox_events) == ["PaymentCaptured", "PaymentRefunded"]

    def test_a_charge_that_begins_while_the_undo_leaves_its_tombstone_is_undone(
        self, repository, provider, ledger
    ):
        class LateReader:
            def find(self, order_id: str) -> None:
                charge(repository, provider)

            create = staticmethod(repository.create)
            update = staticmethod(repository.update)

        assert refund(LateReader(), provider).status is PaymentStatus.REFUNDED
        assert ledger.money() == (5000, 5000)

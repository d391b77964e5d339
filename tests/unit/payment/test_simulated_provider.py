"""The simulated provider: every token, every repeat, and what an operator can change."""

import pytest

from builders import ORDER_ID
from payment.provider import Capture, Decline, KeyReused, KeyVoided
from payment.simulated_provider import SimulatedProvider
from shared.chaos import Chaos, Failures
from shared.errors import (
    PaymentOutcomeUnknown,
    PaymentProviderUnavailable,
    RefundUnavailable,
    StorageContention,
)
from shared.money import Money
from unit.fakes import Interrupted

AMOUNT = Money(5000, "USD")


class TestCharging:
    @pytest.mark.parametrize("token", ["tok_visa", "tok_refund_fails"])
    def test_a_good_token_is_captured(self, provider, ledger, token):
        outcome = provider.charge(ORDER_ID, AMOUNT, token)

        assert isinstance(outcome, Capture)
        assert (outcome.amount, outcome.refunded) == (AMOUNT, False)
        assert ledger.money() == (5000, 0)

    @pytest.mark.parametrize(
        ("token", "reason"),
        [
            ("tok_declined", "card declined"),
            ("tok_insufficient_funds", "insufficient funds"),
            ("tok_made_up", "unknown token"),
        ],
    )
    def test_a_bad_token_is_declined_at_every_repeat(self, provider, ledger, token, reason):
        assert provider.charge(ORDER_ID, AMOUNT, token) == Decline(reason)
        assert provider.charge(ORDER_ID, AMOUNT, token) == Decline(reason)
        assert provider.charge(ORDER_ID, AMOUNT, "tok_visa") == Decline(reason)
        assert ledger.money() == (0, 0)

    def test_a_flaky_provider_takes_the_third_attempt_whichever_worker_makes_it(self, ledger):
        def fresh_worker() -> SimulatedProvider:
            return SimulatedProvider(ledger, reply_timeout_seconds=1)

        for _ in range(2):
            with pytest.raises(PaymentProviderUnavailable):
                fresh_worker().charge(ORDER_ID, AMOUNT, "tok_flaky")
            assert ledger.money() == (0, 0)

        assert isinstance(fresh_worker().charge(ORDER_ID, AMOUNT, "tok_flaky"), Capture)
        assert isinstance(fresh_worker().charge(ORDER_ID, AMOUNT, "tok_flaky"), Capture)
        assert ledger.money() == (5000, 0)

    def test_a_lost_reply_is_waited_for_and_the_money_is_taken(self, provider, ledger, naps):
        with pytest.raises(PaymentOutcomeUnknown, match="no reply within 3 s"):
            provider.charge(ORDER_ID, AMOUNT, "tok_lost_reply")

        assert naps == [3.0]
        assert ledger.money() == (5000, 0)

    def test_a_repeated_charge_is_the_first_one(self, provider, ledger):
        first = provider.charge(ORDER_ID, AMOUNT, "tok_visa")

        assert provider.charge(ORDER_ID, AMOUNT, "tok_visa") == first
        assert ledger.money() == (5000, 0)

    def test_a_charge_that_another_worker_settles_meanwhile_is_that_one(self, provider, ledger):
        overtaken = Interrupted(
            ledger, lambda: provider.charge(ORDER_ID, AMOUNT, "tok_declined"), "write"
        )
        slow = SimulatedProvider(overtaken, reply_timeout_seconds=1)

        assert slow.charge(ORDER_ID, AMOUNT, "tok_visa") == Decline("card declined")
        assert ledger.money() == (0, 0)

    @pytest.mark.parametrize("amount", [Money(1, "USD"), Money(5000, "EUR")])
    def test_a_key_is_for_one_amount(self, provider, amount):
        provider.charge(ORDER_ID, AMOUNT, "tok_visa")

        with pytest.raises(KeyReused):
            provider.charge(ORDER_ID, amount, "tok_visa")

    def test_a_busy_ledger_is_a_provider_that_did_not_take_the_request(
        self, provider, ledger, monkeypatch
    ):
        def busy(*_: object) -> None:
            raise StorageContention

        monkeypatch.setattr(ledger, "write", busy)
        monkeypatch.setattr(ledger, "read", busy)

        for request in (
            lambda: provider.charge(ORDER_ID, AMOUNT, "tok_visa"),
            lambda: provider.find_charge(ORDER_ID),
            lambda: provider.void(ORDER_ID),
            lambda: provider.refund(ORDER_ID),
        ):
            with pytest.raises(PaymentProviderUnavailable):
                request()


class TestFinding:
    def test_there_is_no_trace_of_a_charge_that_never_was(self, provider):
        assert provider.find_charge(ORDER_ID) is None

    def test_a_charge_whose_attempts_all_failed_is_none(self, provider):
        with pytest.raises(PaymentProviderUnavailable):
            provider.charge(ORDER_ID, AMOUNT, "tok_flaky")

        assert provider.find_charge(ORDER_ID) is None

    def test_a_charge_is_found_though_its_reply_was_lost(self, provider):
        with pytest.raises(PaymentOutcomeUnknown):
            provider.charge(ORDER_ID, AMOUNT, "tok_lost_reply")

        found = provider.find_charge(ORDER_ID)

        assert isinstance(found, Capture)
        assert found.amount == AMOUNT

    def test_a_decline_is_found_too(self, provider):
        provider.charge(ORDER_ID, AMOUNT, "tok_declined")

        assert provider.find_charge(ORDER_ID) == Decline("card declined")


class TestVoiding:
    def test_a_voided_key_takes_no_money_any_more(self, provider, ledger):
        assert provider.void(ORDER_ID) is None
        assert provider.void(ORDER_ID) is None

        with pytest.raises(KeyVoided):
            provider.charge(ORDER_ID, AMOUNT, "tok_visa")
        assert ledger.money() == (0, 0)
        assert provider.find_charge(ORDER_ID) is None

    def test_a_void_between_two_attempts_ends_them(self, provider):
        with pytest.raises(PaymentProviderUnavailable):
            provider.charge(ORDER_ID, AMOUNT, "tok_flaky")
        provider.void(ORDER_ID)

        with pytest.raises(KeyVoided):
            provider.charge(ORDER_ID, AMOUNT, "tok_flaky")

    def test_a_void_that_comes_too_late_answers_with_the_charge(self, provider, ledger):
        charge = provider.charge(ORDER_ID, AMOUNT, "tok_visa")

        assert provider.void(ORDER_ID) == charge
        assert ledger.money() == (5000, 0)


class TestRefunding:
    def test_the_whole_amount_goes_back_once(self, provider, ledger):
        provider.charge(ORDER_ID, AMOUNT, "tok_visa")

        provider.refund(ORDER_ID)
        provider.refund(ORDER_ID)

        assert ledger.money() == (5000, 5000)
        found = provider.find_charge(ORDER_ID)
        assert isinstance(found, Capture)
        assert found.refunded

    def test_refunds_fail_until_an_operator_allows_them(self, provider, ledger):
        provider.charge(ORDER_ID, AMOUNT, "tok_refund_fails")
        for _ in range(2):
            with pytest.raises(RefundUnavailable):
                provider.refund(ORDER_ID)
        assert ledger.money() == (5000, 0)

        ledger.change(refunds_blocked=False)
        provider.refund(ORDER_ID)

        assert ledger.money() == (5000, 5000)

    def test_there_is_nothing_to_refund_where_nothing_was_captured(self, provider):
        with pytest.raises(LookupError):
            provider.refund(ORDER_ID)

        provider.charge(ORDER_ID, AMOUNT, "tok_declined")
        with pytest.raises(LookupError):
            provider.refund(ORDER_ID)


class TestChaos:
    def test_what_was_declined_stays_declined_when_the_chaos_is_over(
        self, provider, injected, ledger
    ):
        injected.chaos = Chaos(Failures(failure_rate=1))
        declined = Decline("declined by failure injection")
        assert provider.charge(ORDER_ID, AMOUNT, "tok_visa") == declined

        injected.chaos = Chaos()
        assert provider.charge(ORDER_ID, AMOUNT, "tok_visa") == declined
        assert ledger.money() == (0, 0)

    def test_what_was_captured_stays_captured_when_the_chaos_begins(
        self, provider, injected, ledger
    ):
        captured = provider.charge(ORDER_ID, AMOUNT, "tok_visa")

        injected.chaos = Chaos(Failures(failure_rate=1, decline_above_cents=1))
        assert provider.charge(ORDER_ID, AMOUNT, "tok_visa") == captured

        provider.refund(ORDER_ID)
        assert ledger.money() == (5000, 5000)

    def test_a_bad_token_is_declined_for_its_own_reason(self, provider, injected):
        injected.chaos = Chaos(Failures(failure_rate=1, decline_above_cents=1))

        assert provider.charge(ORDER_ID, AMOUNT, "tok_declined") == Decline("card declined")

    @pytest.mark.parametrize(("limit", "declined"), [(4999, True), (5000, False), (0, False)])
    def test_an_amount_above_the_limit_is_declined(self, provider, injected, limit, declined):
        injected.chaos = Chaos(Failures(decline_above_cents=limit))

        outcome = provider.charge(ORDER_ID, AMOUNT, "tok_visa")

        assert (outcome == Decline("above the limit of failure injection")) is declined

    def test_a_request_that_was_not_taken_leaves_no_trace(self, provider, injected, ledger):
        injected.chaos = Chaos(Failures(error_rate=1))

        for request in (
            lambda: provider.charge(ORDER_ID, AMOUNT, "tok_visa"),
            lambda: provider.void(ORDER_ID),
            lambda: provider.refund(ORDER_ID),
        ):
            with pytest.raises(PaymentProviderUnavailable):
                request()
        assert ledger.row() == {}

    def test_every_request_takes_longer(self, provider, injected, naps):
        injected.chaos = Chaos(Failures(delay_seconds=1.5))

        provider.charge(ORDER_ID, AMOUNT, "tok_visa")
        provider.refund(ORDER_ID)

        assert naps == [1.5, 1.5]


class TestEveryCallHasARow:
    def test_money_that_moves_is_recorded_with_the_call_that_moved_it(self, provider, ledger):
        provider.charge(ORDER_ID, AMOUNT, "tok_visa")
        provider.refund(ORDER_ID)

        assert ledger.calls == [
            ("charge", "CAPTURED", {"moved_cents": 5000, "currency": "USD"}),
            ("refund", "REFUNDED", {"moved_cents": -5000, "currency": "USD"}),
        ]

    def test_a_repeat_is_recorded_and_moves_nothing(self, provider, ledger):
        for _ in range(2):
            provider.charge(ORDER_ID, AMOUNT, "tok_visa")
        for _ in range(2):
            provider.refund(ORDER_ID)

        assert [(name, outcome) for name, outcome, effect in ledger.calls if effect is None] == [
            ("charge", "REPEATED"),
            ("refund", "REPEATED"),
        ]

    def test_a_refusal_is_recorded(self, provider, ledger):
        provider.charge(ORDER_ID, AMOUNT, "tok_refund_fails")
        with pytest.raises(RefundUnavailable):
            provider.refund(ORDER_ID)
        with pytest.raises(KeyReused):
            provider.charge(ORDER_ID, Money(1, "USD"), "tok_visa")
        with pytest.raises(LookupError):
            provider.refund("key-2")

        assert [(name, outcome) for name, outcome, _ in ledger.calls[1:]] == [
            ("refund", "REFUSED"),
            ("charge", "REFUSED"),
            ("refund", "REFUSED"),
        ]

    @pytest.mark.parametrize("amount", [Money(1, "USD"), Money(5000, "EUR")])
    def test_another_amount_under_the_same_key_is_refused_not_repeated(
        self, provider, ledger, amount
    ):
        provider.charge(ORDER_ID, AMOUNT, "tok_visa")
        with pytest.raises(KeyReused):
            provider.charge(ORDER_ID, amount, "tok_visa")

        assert ledger.calls[1:] == [("charge", "REFUSED", None)]

    def test_what_found_nothing_and_what_was_not_taken_are_recorded(self, provider, ledger):
        assert provider.find_charge(ORDER_ID) is None
        with pytest.raises(PaymentProviderUnavailable):
            provider.charge(ORDER_ID, AMOUNT, "tok_flaky")
        provider.void(ORDER_ID)

        assert [(name, outcome) for name, outcome, _ in ledger.calls] == [
            ("find", "NOT_FOUND"),
            ("charge", "UNAVAILABLE"),
            ("void", "VOIDED"),
        ]
        assert provider.find_charge(ORDER_ID) is None

    def test_a_failure_that_is_injected_is_recorded(self, provider, ledger, injected):
        injected.chaos = Chaos(payment=Failures(error_rate=1))
        with pytest.raises(PaymentProviderUnavailable):
            provider.charge(ORDER_ID, AMOUNT, "tok_visa")

        assert ledger.calls == [("charge", "UNAVAILABLE", None)]

"""A payment provider for development and tests: real rules, no money, any outcome on demand.

What happens follows from the token:

    tok_visa                captured
    tok_declined            declined
    tok_insufficient_funds  declined
    tok_flaky               two transient errors, then captured
    tok_lost_reply          captured, but the reply never comes: the caller's wait runs out
    tok_refund_fails        captured; refunds fail until an operator allows them
    any other               declined, as an unknown token

and from the failures that `shared.chaos` injects. Either way, the outcome of a charge is final.

Its ledger's rows, see `shared.ledger`:

    PROVIDER#<idempotency key>  CHARGE   status (none while attempts only fail; then CAPTURED,
                                         REFUNDED, DECLINED or VOIDED), attempts that failed,
                                         charge_id, amount_cents, captured_cents, refunded_cents,
                                         currency, decline_reason, refunds_blocked, captured_at,
                                         refunded_at
    PROVIDER#<idempotency key>  CALL#…   call (charge, find, void or refund), outcome (CAPTURED,
                                         DECLINED, FOUND, NOT_FOUND, VOIDED, REFUNDED, REPEATED,
                                         REFUSED or UNAVAILABLE), moved_cents (taken; negative:
                                         given back), currency, at

To allow the refund of a `tok_refund_fails` charge, set its row's `refunds_blocked` to false.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from payment.provider import Capture, Charge, Decline, KeyReused, KeyVoided
from shared import chaos, clock
from shared.chaos import Failures
from shared.dynamodb import Item
from shared.errors import (
    PaymentOutcomeUnknown,
    PaymentProviderUnavailable,
    RefundUnavailable,
    StorageContention,
)
from shared.ids import derived_id
from shared.ledger import Call, Ledger
from shared.money import Money


@dataclass(frozen=True, slots=True)
class _Behaviour:
    """What a token makes the provider do; by default it takes the money."""

    decline_reason: str | None = None
    failing_attempts: int = 0
    loses_reply: bool = False
    blocks_refunds: bool = False


_BEHAVIOURS: Mapping[str, _Behaviour] = {
    "tok_visa": _Behaviour(),
    "tok_declined": _Behaviour(decline_reason="card declined"),
    "tok_insufficient_funds": _Behaviour(decline_reason="insufficient funds"),
    "tok_flaky": _Behaviour(failing_attempts=2),
    "tok_lost_reply": _Behaviour(loses_reply=True),
    "tok_refund_fails": _Behaviour(blocks_refunds=True),
}
_UNKNOWN_TOKEN = _Behaviour(decline_reason="unknown token")


NO_EFFECT: Item = {"moved_cents": 0, "currency": None}
"""What the ledger records of a call that moved no money."""


class SimulatedProvider:
    """A `provider.PaymentProvider` on a ledger."""

    def __init__(self, ledger: Ledger, reply_timeout_seconds: float) -> None:
        self._ledger = ledger
        self._reply_timeout_seconds = reply_timeout_seconds

    def charge(self, idempotency_key: str, amount: Money, token: str) -> Charge:
        failures = self._disturb(idempotency_key, "charge")
        behaviour = _disturbed(_BEHAVIOURS.get(token, _UNKNOWN_TOKEN), amount, failures)
        with _busy_is_unavailable():
            row = self._ledger.read(idempotency_key)
            if "status" not in row:
                row = self._attempt(idempotency_key, amount, behaviour, row.get("attempts", 0))
            else:
                first = (row.get("amount_cents"), row.get("currency"))
                is_same = first == (amount.cents, amount.currency)
                outcome = "REPEATED" if is_same else "REFUSED"
                self._ledger.record(idempotency_key, "charge", outcome)
        if row["status"] == "VOIDED":
            raise KeyVoided(idempotency_key)
        if (row["amount_cents"], row["currency"]) != (amount.cents, amount.currency):
            raise KeyReused(idempotency_key)
        if behaviour.loses_reply:
            time.sleep(self._reply_timeout_seconds)
            raise PaymentOutcomeUnknown(f"no reply within {self._reply_timeout_seconds:g} s")
        return _to_charge(row)

    def find_charge(self, idempotency_key: str) -> Charge | None:
        self._disturb(idempotency_key, "find")
        with _busy_is_unavailable():
            row = self._ledger.read(idempotency_key)
            found = row.get("status", "VOIDED") != "VOIDED"
            self._ledger.record(idempotency_key, "find", "FOUND" if found else "NOT_FOUND")
        return _to_charge(row) if found else None

    def void(self, idempotency_key: str) -> Charge | None:
        self._disturb(idempotency_key, "void")
        with _busy_is_unavailable():
            call = Call("void", "VOIDED", NO_EFFECT)
            row = self._ledger.write(idempotency_key, {"status": "VOIDED"}, call)
        return _to_charge(row) if row["status"] != "VOIDED" else None

    def refund(self, idempotency_key: str) -> None:
        self._disturb(idempotency_key, "refund")
        with _busy_is_unavailable():
            row = self._ledger.read(idempotency_key)
            if row.get("status") not in ("CAPTURED", "REFUNDED"):
                self._ledger.record(idempotency_key, "refund", "REFUSED")
                raise LookupError(f"nothing was captured under {idempotency_key}")
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

    def _attempt(self, key: str, amount: Money, behaviour: _Behaviour, failed: int) -> Item:
        """Takes or declines a charge after so many failed attempts; returns its settled row."""
        if failed < behaviour.failing_attempts:
            call = Call("charge", "UNAVAILABLE", NO_EFFECT)
            row = self._ledger.write(key, {"attempts": failed + 1}, call)
            if "status" not in row:
                raise PaymentProviderUnavailable(f"attempt {failed + 1} was not taken")
            return row
        captured = behaviour.decline_reason is None
        charge = {
            "status": "CAPTURED" if captured else "DECLINED",
            "charge_id": derived_id("ch", key),
            "amount_cents": amount.cents,
            "captured_cents": amount.cents if captured else 0,
            "refunded_cents": 0,
            "currency": amount.currency,
            "decline_reason": behaviour.decline_reason,
            "refunds_blocked": behaviour.blocks_refunds,
            "captured_at": clock.to_iso(clock.now()) if captured else None,
        }
        taken = {"moved_cents": charge["captured_cents"], "currency": amount.currency}
        return self._ledger.write(key, charge, Call("charge", str(charge["status"]), taken))

    def _disturb(self, key: str, call: str) -> Failures:
        """Applies the failures injected into every request; returns those of charges."""
        failures = chaos.read().payment
        try:
            failures.disturb(
                PaymentProviderUnavailable("the request was not taken: failure injection")
            )
        except PaymentProviderUnavailable:
            # The failure is what counts, recorded or not.
            with suppress(StorageContention):
                self._ledger.record(key, call, "UNAVAILABLE")
            raise
        return failures


@contextmanager
def _busy_is_unavailable() -> Iterator[None]:
    try:
        yield
    except StorageContention as busy:
        raise PaymentProviderUnavailable("the ledger is busy") from busy


def _disturbed(behaviour: _Behaviour, amount: Money, failures: Failures) -> _Behaviour:
    """Returns a behaviour that may decline what it would have captured."""
    if behaviour.decline_reason is not None:
        return behaviour
    if 0 < failures.decline_above_cents < amount.cents:
        return replace(behaviour, decline_reason="above the limit of failure injection")
    if chaos.strikes(failures.failure_rate):
        return replace(behaviour, decline_reason="declined by failure injection")
    return behaviour


def _to_charge(row: Item) -> Charge:
    if row["status"] == "DECLINED":
        return Decline(row["decline_reason"])
    return Capture(
        row["charge_id"],
        Money(row["captured_cents"], row["currency"]),
        clock.from_iso(row["captured_at"]),
        refunded=row["status"] == "REFUNDED",
    )

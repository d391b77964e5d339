"""A payment provider for development and tests: real rules, no money, any outcome on demand.

What happens follows from the token:

    tok_visa                captured
    tok_declined            declined
    tok_insufficient_funds  declined
    tok_flaky               two transient errors, then captured
    tok_lost_reply          captured, but the reply never comes: the caller's wait runs out
    tok_refund_fails        captured; refunds fail until an operator mends it
    any other               declined, as an unknown token

and from what `shared.chaos` has in store. Either way, what a charge has come to, it stays.

Its ledger lives in the payment service's table, so that it remembers across worker processes. Each
row changes in single conditional writes, which makes a charge, a void and a refund under one key
atomic against each other, however many workers race and wherever one of them is killed.

    PROVIDER#<idempotency key>  CHARGE   status (none while attempts only fail; then CAPTURED,
                                         REFUNDED, DECLINED or VOIDED), attempts, charge_id,
                                         amount_cents, captured_cents, refunded_cents, currency,
                                         decline_reason, refunds_blocked, captured_at, refunded_at

To mend a `tok_refund_fails` charge, set its row's `refunds_blocked` to false.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from payment.provider import Capture, Charge, Decline, KeyReused, KeyVoided
from shared import clock
from shared.chaos import Chaos, PaymentChaos, strikes
from shared.dynamodb import ConditionFailed, Item, from_item, to_item, typed_failures
from shared.errors import (
    PaymentOutcomeUnknown,
    PaymentProviderUnavailable,
    RefundUnavailable,
    StorageContention,
)
from shared.ids import derived_id
from shared.money import Money

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


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


class SimulatedProvider:
    """A `provider.PaymentProvider` whose ledger is rows of the payment table."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table_name: str,
        *,
        reply_timeout_seconds: float,
        read_chaos: Callable[[], Chaos],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._reply_timeout_seconds = reply_timeout_seconds
        self._read_chaos = read_chaos
        self._sleep = sleep

    def charge(self, idempotency_key: str, amount: Money, token: str) -> Charge:
        """See `PaymentProvider.charge`."""
        behaviour = _disturbed(_BEHAVIOURS.get(token, _UNKNOWN_TOKEN), amount, self._suffer())
        row = self._attempt(idempotency_key)
        if "status" not in row:
            if row["attempts"] <= behaviour.failing_attempts:
                raise PaymentProviderUnavailable(f"attempt {row['attempts']} was not taken")
            row = self._settle(idempotency_key, amount, behaviour)
        if row["status"] == "VOIDED":
            raise KeyVoided(idempotency_key)
        if (row["amount_cents"], row["currency"]) != (amount.cents, amount.currency):
            raise KeyReused(idempotency_key)
        if behaviour.loses_reply:
            self._sleep(self._reply_timeout_seconds)
            raise PaymentOutcomeUnknown(f"no reply within {self._reply_timeout_seconds:g} s")
        return _to_charge(row)

    def find_charge(self, idempotency_key: str) -> Charge | None:
        """See `PaymentProvider.find_charge`."""
        try:
            with typed_failures():
                response = self._dynamodb.get_item(
                    TableName=self._table, Key=_key(idempotency_key), ConsistentRead=True
                )
        except StorageContention as busy:
            raise PaymentProviderUnavailable("the ledger is busy") from busy
        row = from_item(response.get("Item", {}))
        return _to_charge(row) if row.get("status", "VOIDED") != "VOIDED" else None

    def void(self, idempotency_key: str) -> Charge | None:
        """See `PaymentProvider.void`."""
        self._suffer()
        row = self._write_once(idempotency_key, "SET #status = :status", {":status": "VOIDED"})
        return _to_charge(row) if row["status"] != "VOIDED" else None

    def refund(self, idempotency_key: str) -> None:
        """See `PaymentProvider.refund`."""
        self._suffer()
        try:
            self._update(
                idempotency_key,
                "SET #status = :refunded, refunded_cents = captured_cents, refunded_at = :at",
                "#status = :captured AND refunds_blocked = :no",
                {
                    ":refunded": "REFUNDED",
                    ":captured": "CAPTURED",
                    ":no": False,
                    ":at": clock.to_iso(clock.now()),
                },
            )
        except ConditionFailed as refused:
            row = refused.failed[0] or {}
            match row.get("status"):
                case "REFUNDED":
                    return
                case "CAPTURED":
                    raise RefundUnavailable("the provider refuses refunds of this charge") from None
            raise LookupError(f"nothing was captured under {idempotency_key}") from refused

    def _suffer(self) -> PaymentChaos:
        """Goes through what is in store for every request; returns what is for charges alone."""
        chaos = self._read_chaos().payment
        if chaos.delay_seconds:
            self._sleep(chaos.delay_seconds)
        if strikes(chaos.error_rate):
            raise PaymentProviderUnavailable("the request was not taken: failure injection")
        return chaos

    def _attempt(self, key: str) -> Item:
        """Counts an attempt; returns the row, which has a status where the charge is settled."""
        return self._write_once(key, "ADD attempts :one", {":one": 1})

    def _settle(self, key: str, amount: Money, behaviour: _Behaviour) -> Item:
        """Takes or declines the charge, unless it is settled already; returns the row."""
        captured = behaviour.decline_reason is None
        values = {
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
        assignments = ", ".join(
            f"{'#status' if name == 'status' else name} = :{name}" for name in values
        )
        return self._write_once(
            key, f"SET {assignments}", {f":{name}": value for name, value in values.items()}
        )

    def _write_once(self, key: str, expression: str, values: Mapping[str, Any]) -> Item:
        """Changes a row that has no status yet; returns it as it then is, changed or not."""
        try:
            return self._update(key, expression, "attribute_not_exists(#status)", values)
        except ConditionFailed as settled:
            row = settled.failed[0]
            assert row is not None, "only a row with a status fails this condition"
            return row

    def _update(
        self, key: str, expression: str, condition: str, values: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Returns the row as changed. Raises ConditionFailed, PaymentProviderUnavailable."""
        try:
            with typed_failures():
                response = self._dynamodb.update_item(
                    TableName=self._table,
                    Key=_key(key),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues=to_item(values),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except StorageContention as busy:
            raise PaymentProviderUnavailable("the ledger is busy") from busy
        return from_item(response["Attributes"])


def _disturbed(behaviour: _Behaviour, amount: Money, chaos: PaymentChaos) -> _Behaviour:
    """Returns a behaviour that may decline what it would have captured."""
    if behaviour.decline_reason is not None:
        return behaviour
    if 0 < chaos.decline_above_cents < amount.cents:
        return replace(behaviour, decline_reason="above the limit of failure injection")
    if strikes(chaos.failure_rate):
        return replace(behaviour, decline_reason="declined by failure injection")
    return behaviour


def _key(idempotency_key: str) -> dict[str, Any]:
    return to_item({"pk": f"PROVIDER#{idempotency_key}", "sk": "CHARGE"})


def _to_charge(row: Item) -> Charge:
    if row["status"] == "DECLINED":
        return Decline(row["decline_reason"])
    return Capture(
        row["charge_id"],
        Money(row["captured_cents"], row["currency"]),
        datetime.fromisoformat(row["captured_at"]),
        refunded=row["status"] == "REFUNDED",
    )

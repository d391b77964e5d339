"""A circuit breaker: while a partner is down, its service stops asking it.

`circuit_failures` failures in a row open the circuit: every call fails at once with CircuitOpen.
After `circuit_cooling_seconds` one call, the probe, reaches the partner. Its success closes the
circuit, its failure opens it again. A probe that never comes back, because its worker died, is over
after another cooling time.

All workers share the state, a row of the service's own table:

    CIRCUIT#<partner>  CIRCUIT   failures (in a row), retry_at (of an open circuit: when the next
                                 probe may start), probing (a probe has been sent)

No row is a closed circuit, so deleting it closes the circuit. A worker reads it at most once a
second. While nothing fails, nothing is written.

A circuit must not be an outage of its own: where its table does not answer, calls pass.

Metrics (dimension `service`, one count each): `CircuitOpened`, also after a failed probe;
`CircuitClosed`, by a probe; `CircuitRefused`, a call that did not reach the partner.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from shared import clock
from shared.clock import from_iso, to_iso
from shared.dynamodb import ConditionFailed, Item, from_item, get_row, to_item, typed_failures
from shared.errors import CircuitOpen, StorageContention, TransientError
from shared.logging import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# How long a row that was read counts.
_MAX_AGE = timedelta(seconds=1)

_metrics = Metrics()


@dataclass(frozen=True)
class Settings:
    """When a circuit opens, and for how long: see the module."""

    circuit_failures: int = 5
    circuit_cooling_seconds: float = 30


@dataclass(frozen=True, slots=True)
class _State:
    """What the row holds; `retry_at` is None while the circuit is closed."""

    failures: int = 0
    retry_at: str | None = None
    probing: bool = False

    @classmethod
    def of(cls, row: Item | None) -> "_State":
        row = row or {}
        return cls(row.get("failures", 0), row.get("retry_at"), row.get("probing", False))

    def waits(self, at: datetime) -> float:
        """Returns the seconds until a probe may start; 0 or less where it may now."""
        return (from_iso(self.retry_at) - at).total_seconds() if self.retry_at else 0


class Circuit:
    """The circuit of one partner."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table_name: str,
        partner: str,
        failures: tuple[type[Exception], ...],
        settings: Settings,
    ) -> None:
        """Makes it.

        Args:
            dynamodb: the client.
            table_name: the service's own table.
            partner: whose circuit it is; part of the row's key.
            failures: what a call raises while the partner is down. Whatever else it raises is an
                answer.
            settings: when it opens, and for how long.
        """
        self._dynamodb = dynamodb
        self._table = table_name
        self._partner = partner
        self._key = to_item({"pk": f"CIRCUIT#{partner}", "sk": "CIRCUIT"})
        self._failures = failures
        self._threshold = settings.circuit_failures
        self._cooling = timedelta(seconds=settings.circuit_cooling_seconds)
        self._state = _State()
        self._read_at: datetime | None = None

    def call[**P, T](self, request: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Returns what the request does, or raises what it raises.

        Raises CircuitOpen, without making the request, while the circuit is open. A probe that
        fails raises that, too: the order that sends it waits as long as the others. But a failure
        whose effect is in doubt is raised as it is, because it has to be undone.
        """
        probe = self._admit()
        try:
            answer = request(*args, **kwargs)
        except self._failures as failure:
            self._note_failure(probe)
            if probe is not None and isinstance(failure, TransientError):
                raise CircuitOpen(f"the probe of {self._partner} failed") from failure
            raise
        except Exception:
            self._note_answer(probe)
            raise
        self._note_answer(probe)
        return answer

    def view(self) -> dict[str, Any]:
        """Returns the state: `{"state", "failures", "retry_after_seconds"}`.

        `state` is CLOSED; OPEN; or HALF_OPEN, where a probe is due or under way. `failures` are
        those in a row, `retry_after_seconds` the time until the next probe, 0 where none waits.
        """
        at = clock.now()
        state = self._read(at)
        waits = max(0, math.ceil(state.waits(at)))
        if state.retry_at is None:
            name = "CLOSED"
        else:
            name = "HALF_OPEN" if state.probing or waits == 0 else "OPEN"
        return {"state": name, "failures": state.failures, "retry_after_seconds": waits}

    def _admit(self) -> str | None:
        """Lets a call through; returns the `retry_at` that it wrote as the probe, if it is one."""
        at = clock.now()
        state = self._read(at)
        if state.retry_at is None:
            return None
        # The next probe may start when this one should be over.
        until = to_iso(at + self._cooling)
        if state.waits(at) <= 0 and self._write(
            "SET retry_at = :until, probing = :yes",
            "retry_at = :seen",
            {":until": until, ":yes": True, ":seen": state.retry_at},
        ):
            return until
        _count("CircuitRefused")
        raise CircuitOpen(f"the circuit of {self._partner} is open")

    def _note_answer(self, probe: str | None) -> None:
        if probe is not None:
            if self._write(
                "SET failures = :none, probing = :no REMOVE retry_at",
                "retry_at = :probe",
                {":none": 0, ":no": False, ":probe": probe},
            ):
                logger.info("circuit closed", partner=self._partner)
                _count("CircuitClosed")
        elif self._state.failures:
            # Only a probe closes an open circuit, not the answer to a call from before it opened.
            self._write(
                "SET failures = :none",
                "failures > :none AND attribute_not_exists(retry_at)",
                {":none": 0},
            )

    def _note_failure(self, probe: str | None) -> None:
        until = to_iso(clock.now() + self._cooling)
        if probe is not None:
            opened = self._write(
                "SET retry_at = :until, probing = :no ADD failures :one",
                "retry_at = :probe",
                {":until": until, ":no": False, ":one": 1, ":probe": probe},
            )
        else:
            opened = self._write(
                "SET entity = :entity ADD failures :one",
                "attribute_not_exists(retry_at)",
                {":entity": "circuit", ":one": 1},
            ) and self._write(
                "SET retry_at = :until",
                "failures >= :threshold AND attribute_not_exists(retry_at)",
                {":until": until, ":threshold": self._threshold},
            )
        if opened:
            logger.warning("circuit opened", partner=self._partner, failures=self._state.failures)
            _count("CircuitOpened")

    def _read(self, at: datetime) -> _State:
        if self._read_at is None or not timedelta(0) <= at - self._read_at < _MAX_AGE:
            try:
                self._keep(get_row(self._dynamodb, self._table, self._key))
            except StorageContention as busy:
                logger.warning("circuit not read", partner=self._partner, reason=str(busy))
                return _State()
        return self._state

    def _write(self, update: str, condition: str, values: Item) -> bool:
        """Changes the row; returns whether it did. The partner's answer matters more than that."""
        try:
            with typed_failures():
                response = self._dynamodb.update_item(
                    TableName=self._table,
                    Key=self._key,
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=to_item(values),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as refused:
            self._keep(refused.failed[0])
            return False
        except StorageContention as busy:
            logger.warning("circuit not written", partner=self._partner, reason=str(busy))
            return False
        self._keep(from_item(response["Attributes"]))
        return True

    def _keep(self, row: Item | None) -> None:
        self._state, self._read_at = _State.of(row), clock.now()


def _count(metric: str) -> None:
    _metrics.add_metric(metric, MetricUnit.Count, 1)
    _metrics.flush_metrics()

"""Resumes parked and dead sagas, through the order service's operator routes."""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import requests

from sagashop_ops.aws import Deployment
from sagashop_ops.client import REQUEST_TIMEOUT_SECONDS
from sagashop_ops.errors import OperationRefused, UnknownOrder
from sagashop_ops.journal import Journal
from sagashop_ops.sessions import signed_in

PARKED = "NEEDS_ATTENTION"
COMPENSATIONS = ("CancelShipment", "RefundPayment", "ReleaseStock", "CancelOrder")


@dataclass(frozen=True)
class Redriven:
    """A saga that runs again: its execution's name, and its first state.

    `resume_at` is the first compensation of an order that is being undone, and None of any other.
    """

    order_id: str
    execution: str
    resume_at: str | None

    def __str__(self) -> str:
        where = f"at {self.resume_at}" if self.resume_at else "from the start"
        return f"Order {self.order_id} goes on {where}, as execution {self.execution}."


@dataclass(frozen=True)
class OperatorApi:
    """The order service's routes below `/ops`, called by whoever is signed in.

    `token` gives a valid access token, for as long as that may take.
    """

    api_url: str
    token: Callable[[], str]

    @classmethod
    def of(cls, deployment: Deployment) -> Self:
        """The routes of a running store."""
        stack = deployment.stack
        return cls(stack.api_url, lambda: signed_in(stack).access_token)

    def redrive(self, order_id: str, reason: str) -> Redriven:
        """Resumes an order's saga; raises UnknownOrder and OperationRefused."""
        path = f"/ops/orders/{quote(order_id, safe='')}/redrive"
        answer = self._call("POST", path, {"reason": reason})
        if answer.status_code == requests.codes.not_found:
            raise UnknownOrder(order_id)
        body = _accepted(answer)
        return Redriven(body["order_id"], body["execution"], body["resume_at"])

    def unsettled(self, status: str) -> list[Mapping[str, Any]]:
        """Returns the unsettled orders of one status, with what is owed."""
        orders: list[Mapping[str, Any]] = self.listed(status)["orders"]
        return orders

    def listed(self, status: str) -> Mapping[str, Any]:
        """Returns `{"orders"}` of one status, and `{"unreadable": [order id]}` of any."""
        answer: Mapping[str, Any] = _accepted(self._call("GET", f"/ops/orders?status={status}"))
        return answer

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> requests.Response:
        return requests.request(
            method,
            f"{self.api_url}{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token()}"},
            timeout=REQUEST_TIMEOUT_SECONDS,
        )


def redrive(api: OperatorApi, journal: Journal, order_id: str, reason: str) -> Redriven:
    """Resumes a parked or dead saga, and records who asked for it and why."""
    with journal.record("redrive", order_id, reason) as outcome:
        redriven = api.redrive(order_id, reason)
        outcome.update(execution=redriven.execution, resume_at=redriven.resume_at)
    return redriven


@dataclass(frozen=True)
class Attempt:
    """What came of redriving one of several orders; `error` says why it was refused."""

    order_id: str
    redriven: Redriven | None
    error: str | None = None

    def __str__(self) -> str:
        return f"Order {self.order_id} stays: {self.error}" if self.error else str(self.redriven)


def select_parked(
    orders: Sequence[Mapping[str, Any]], compensation: str | None, limit: int | None
) -> list[Mapping[str, Any]]:
    """Returns those that are stuck at one compensation, the longest parked first.

    `orders` are parked ones, as the operators' route lists them.
    """
    stuck = [o for o in orders if compensation in (None, o["parked"]["compensation"])]
    return sorted(stuck, key=lambda order: str(order["updated_at"]))[:limit]


def redrive_all(
    api: OperatorApi, journal: Journal, order_ids: Sequence[str], reason: str
) -> Iterator[Attempt]:
    """Redrives orders one by one; yields each one's result. One that is refused stops no other."""
    for order_id in order_ids:
        try:
            yield Attempt(order_id, redrive(api, journal, order_id, reason))
        except (OperationRefused, UnknownOrder) as refused:
            yield Attempt(order_id, None, str(refused))


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Lets what is under way end after Ctrl-C; yields a function that tells whether it came."""
    came = False

    def note(*_: object) -> None:
        nonlocal came
        came = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, before)


def _accepted(answer: requests.Response) -> Any:
    """Returns the answer's JSON; raises OperationRefused with what a problem document says."""
    body = answer.json()
    if not answer.ok:
        raise OperationRefused(
            body.get("code", f"HTTP {answer.status_code}"),
            body.get("detail", "The store gave no reason."),
        )
    return body

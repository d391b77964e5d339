"""Breaks one order on purpose, in sandbox stages: with the failure injection of `shared.chaos`."""

from collections.abc import Mapping
from typing import Any

from shared import chaos
from shared.errors import FieldError, NotFound, ValidationFailed
from shared.fields import Fields
from shared.logging import logger

# What can be broken, by its name: the step, and how.
_FAILURES: Mapping[str, tuple[str, str]] = {
    "commit_fails": ("CommitStock", "failure_rate"),
    "worker_killed": ("ChargePayment", "kill_rate"),
    "delivered_twice": ("ChargePayment", "duplicate_rate"),
}


def failures_view() -> dict[str, Any]:
    """Returns `GET /sandbox/failures`; outside sandbox stages nothing can be broken."""
    known = _FAILURES.items() if chaos.is_sandbox() else ()
    return {"failures": [{"name": name, "step": step} for name, (step, _) in known]}


def refuse_outside() -> None:
    """Raises NotFound outside sandbox stages."""
    if not chaos.is_sandbox():
        raise NotFound("There is nothing at /sandbox/failures.")


def arm(body: Any) -> dict[str, Any]:
    """Carries out `POST /sandbox/failures` and returns its answer; raises ValidationFailed."""
    fields = Fields(body)
    correlation_id = fields.text("correlation_id")
    failure = fields.text("failure")
    fields.check()
    if not chaos.may_have_own_failures(correlation_id):
        expected = f"must be {chaos.OWN_FAILURES} and 16 to 64 letters, digits or hyphens"
        raise ValidationFailed([FieldError("correlation_id", expected)])
    if failure not in _FAILURES:
        raise ValidationFailed([FieldError("failure", f"must be one of {', '.join(_FAILURES)}")])
    step, setting = _FAILURES[failure]
    chaos.arm(correlation_id, {"steps": {step: {setting: 1}}})
    logger.info("failure armed", failure=failure, of=correlation_id)
    return {"correlation_id": correlation_id, "failure": failure, "step": step}

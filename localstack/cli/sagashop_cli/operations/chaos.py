"""Failure injection: shows and changes which failures the store is to inject, while it runs.

The document is a parameter of Systems Manager, which only sandbox stages have. The functions read
it, with the same names and ranges, in `functions/shared/chaos.py`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sagashop_cli.aws import Deployment
from sagashop_cli.errors import InvalidArgument, NotASandbox
from sagashop_cli.operations.journal import Journal

type Document = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Range:
    """The numbers that a setting may have, both ends included; 0 turns it off."""

    maximum: float
    whole: bool
    unit: str

    def read(self, name: str, text: str) -> float:
        """Returns the number that a text stands for; raises InvalidArgument."""
        try:
            number = int(text) if self.whole else float(text)
        except ValueError:
            number = -1
        if not 0 <= number <= self.maximum:
            kind = "a whole number" if self.whole else "a number"
            raise InvalidArgument(
                f"{name} is {kind} from 0 (off) to {self.maximum:,g} ({self.unit}), not {text!r}."
            )
        return number


_RATE = Range(1, whole=False, unit="share of the calls")
_DELAY = Range(60, whole=False, unit="seconds")
_CENTS = Range(2**53 - 1, whole=True, unit="cents")

SETTINGS: Mapping[str, Range] = {
    "payment.failure_rate": _RATE,
    "payment.error_rate": _RATE,
    "payment.delay_seconds": _DELAY,
    "payment.decline_above_cents": _CENTS,
    "shipping.failure_rate": _RATE,
    "shipping.error_rate": _RATE,
    "shipping.delay_seconds": _DELAY,
    "notification.failure_rate": _RATE,
    "notification.delay_seconds": _DELAY,
}


def show(deployment: Deployment) -> Document:
    """Returns the failures that the store injects now; raises NotASandbox."""
    answer = deployment.client("ssm").get_parameter(Name=_parameter(deployment))
    document: Document = json.loads(answer["Parameter"]["Value"])
    return document


def change(deployment: Deployment, journal: Journal, assignments: Iterable[str]) -> Document:
    """Changes single settings (`payment.failure_rate=0.1`), keeps the others, returns them all.

    Raises InvalidArgument for an unknown name or a number out of its range, and NotASandbox.
    """
    assignments = list(assignments)
    document = apply(show(deployment), assignments)
    _write(deployment, journal, document, " ".join(assignments))
    return document


def turn_off(deployment: Deployment, journal: Journal) -> None:
    """Stops injecting failures; raises NotASandbox."""
    _write(deployment, journal, {}, "off")


def apply(document: Document, assignments: Iterable[str]) -> Document:
    """Returns a document with settings changed; one that is 0 is left out.

    >>> apply({"payment": {"error_rate": 1}}, ["payment.error_rate=0", "shipping.error_rate=1"])
    {'shipping': {'error_rate': 1.0}}
    """
    changed: dict[str, dict[str, float]] = {
        service: dict(settings) for service, settings in document.items()
    }
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if name not in SETTINGS or not equals:
            raise InvalidArgument(
                f"{assignment!r} is no setting. Say {'=…, '.join(SETTINGS)}=…, or `off`."
            )
        service, _, setting = name.partition(".")
        changed.setdefault(service, {})[setting] = SETTINGS[name].read(name, text)
    return {
        service: kept
        for service, settings in changed.items()
        if (kept := {setting: value for setting, value in settings.items() if value})
    }


def describe(document: Document) -> list[str]:
    """Returns the settings that are on, one a line; also those that no function understands."""
    lines = [
        f"{service}.{setting} = {value}  ({_unit(f'{service}.{setting}')})"
        for service, settings in document.items()
        for setting, value in settings.items()
        if value
    ]
    return lines or ["No failures are injected."]


def _unit(name: str) -> str:
    if name in SETTINGS:
        return SETTINGS[name].unit
    return "unknown, and the functions fail on it: `make chaos off`"


def _parameter(deployment: Deployment) -> str:
    name = deployment.outputs.get("ChaosParameter")
    if name is None:
        raise NotASandbox(deployment.stack.stack_name)
    return name


def _write(deployment: Deployment, journal: Journal, document: Document, what: str) -> None:
    parameter = _parameter(deployment)
    details: dict[str, Any] = {"document": document}
    with journal.record("chaos", what, "", **details):
        deployment.client("ssm").put_parameter(
            Name=parameter, Value=json.dumps(document), Type="String", Overwrite=True
        )

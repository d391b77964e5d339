"""Failure injection: shows and changes the failures that a running store injects.

The document is a parameter of Systems Manager, which only sandbox stages have. The functions read
it, with the same names and ranges, in `functions/shared/chaos.py`. A setting's name is its path in
the document: `payment.failure_rate`, `steps.CommitStock.error_rate`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagashop_ops.aws import Deployment
from sagashop_ops.errors import InvalidArgument, NotASandbox, UnknownName
from sagashop_ops.journal import Journal

type Document = Mapping[str, Any]

# Functions keep what they read for two seconds.
SECONDS_UNTIL_SEEN = 2.5


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
    "steps.STEP.failure_rate": _RATE,
    "steps.STEP.error_rate": _RATE,
    "steps.STEP.delay_seconds": _DELAY,
    "steps.STEP.kill_rate": _RATE,
    "steps.STEP.duplicate_rate": _RATE,
}


def show(deployment: Deployment) -> Document:
    """Returns the failures that the store injects now; raises NotASandbox."""
    answer = deployment.client("ssm").get_parameter(Name=_parameter(deployment))
    document: Document = json.loads(answer["Parameter"]["Value"])
    return document


def change(deployment: Deployment, journal: Journal, assignments: Sequence[str]) -> Document:
    """Changes single settings (`payment.failure_rate=0.1`), keeps the others, returns them all.

    Raises InvalidArgument for an unknown name or a number out of its range, UnknownName for a step
    that the state machine doesn't have, and NotASandbox.
    """
    document = apply(show(deployment), assignments)
    if named := {path.split(".")[1] for path in assignments if path.startswith("steps.")}:
        machine = deployment.client("stepfunctions").describe_state_machine(
            stateMachineArn=deployment.stack.state_machine_arn
        )
        states = json.loads(machine["definition"])["States"]
        steps = {name for name, state in states.items() if state["Type"] == "Task"}
        for step in named - steps:
            raise UnknownName("step", step, steps)
    write(deployment, journal, document, " ".join(assignments))
    return document


def turn_off(deployment: Deployment, journal: Journal) -> None:
    """Stops injecting failures; raises NotASandbox."""
    write(deployment, journal, {}, "off")


def write(deployment: Deployment, journal: Journal, document: Document, what: str) -> None:
    """Replaces the document; `what` is the change in words, for the record. Raises NotASandbox."""
    parameter = _parameter(deployment)
    with journal.record("chaos", what, "", document=document):
        deployment.client("ssm").put_parameter(
            Name=parameter, Value=json.dumps(document), Type="String", Overwrite=True
        )


def apply(document: Document, assignments: Iterable[str]) -> Document:
    """Returns a document with settings changed; one that is 0 is left out.

    >>> apply({"payment": {"error_rate": 1}}, ["payment.error_rate=0", "steps.Ship.error_rate=1"])
    {'steps': {'Ship': {'error_rate': 1.0}}}
    """
    settings = dict(_settings(document))
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not (equals and (known := _range(name))):
            raise InvalidArgument(
                f"{assignment!r} is not a setting. Write {'=…, '.join(SETTINGS)}=…, or `off`."
            )
        settings[name] = known.read(name, text)
    changed: dict[str, Any] = {}
    for name, value in settings.items():
        if value:
            *parents, last = name.split(".")
            section = changed
            for parent in parents:
                section = section.setdefault(parent, {})
            section[last] = value
    return changed


def describe(document: Document) -> list[str]:
    """Returns the settings that are on, one a line; also those that no function understands."""
    unknown = "unknown, and the functions fail on it: `sagashop chaos off`"
    lines = [
        f"{name} = {value}  ({known.unit if (known := _range(name)) else unknown})"
        for name, value in _settings(document)
        if value
    ]
    return lines or ["No failures are injected."]


def _settings(section: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yields each setting's name and value."""
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from _settings(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _range(name: str) -> Range | None:
    return SETTINGS.get(re.sub(r"^steps\.\w+\.", "steps.STEP.", name))


def _parameter(deployment: Deployment) -> str:
    name = deployment.outputs.get("ChaosParameter")
    if name is None:
        raise NotASandbox(deployment.stack.stack_name)
    return name

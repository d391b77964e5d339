"""The runbook names every alarm, and no command that there isn't."""

import re

import pytest

from sagashop_ops.queues import ROUTES
from sagashop_ops.replay import CONSUMERS
from support.template import ROOT, template

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
HELPED = set(re.findall(r"^([a-z-]+):.*## \S", MAKEFILE, re.MULTILINE))
RESOURCES = template()["Resources"]


@pytest.mark.parametrize(
    "alarm", [name for name, r in RESOURCES.items() if r["Type"] == "AWS::CloudWatch::Alarm"]
)
def test_every_alarm_has_its_section(alarm: str) -> None:
    assert re.search(rf"^##+ {alarm}$", RUNBOOK, re.MULTILINE)


def test_every_command_of_the_runbook_is_there() -> None:
    used = set(re.findall(r"(?:^\$ |`)make (?:-s )?([a-z-]+)", RUNBOOK, re.MULTILINE))

    assert used
    assert used <= TARGETS


def test_every_queue_and_consumer_that_the_runbook_names_is_there() -> None:
    assert set(re.findall(r"\bQ=([A-Za-z]+)", RUNBOOK)) <= ROUTES.keys()
    assert set(re.findall(r"\bTO=([A-Za-z]+)", RUNBOOK)) <= CONSUMERS.keys()


def test_every_target_has_its_line_of_help() -> None:
    # `off` is no target of its own, but what `make chaos off` ends with.
    assert {"off"} == TARGETS - HELPED

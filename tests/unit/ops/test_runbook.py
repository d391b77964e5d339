"""The runbook names every alarm, and no command that there isn't."""

import re

import pytest

from sagashop_ops import chaos
from sagashop_ops.main import cli, dlq
from sagashop_ops.queues import ROUTES
from sagashop_ops.replay import CONSUMERS
from support.template import ROOT, template

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
DOCUMENTS = RUNBOOK + (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
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
    targets = set(re.findall(r"(?:^\$ |`)make (?:-s )?([a-z-]+)", RUNBOOK, re.MULTILINE))
    commands = set(
        re.findall(r"(?:^\$ |`|\()(?:\./)?sagashop ([a-z][a-z-]+)", RUNBOOK, re.MULTILINE)
    )
    of_queues = set(re.findall(r"sagashop dlq ([a-z-]+)", RUNBOOK))

    assert targets
    assert targets <= TARGETS
    assert commands
    assert commands <= cli.commands.keys()
    assert of_queues
    assert of_queues <= dlq.commands.keys()


def test_every_queue_consumer_and_setting_that_the_documents_name_is_there() -> None:
    queues = set(re.findall(r"sagashop dlq (?:read|redrive|drop) ([A-Z][a-z]\w+)", DOCUMENTS))
    consumers = set(re.findall(r"sagashop replay ([A-Z][a-z]\w+)", DOCUMENTS))
    settings = set(re.findall(r"\b(?:payment|shipping|notification|steps\.\w+)\.\w+=", DOCUMENTS))

    assert queues <= ROUTES.keys()
    assert consumers <= CONSUMERS.keys()
    for setting in settings:
        chaos.apply({}, [f"{setting}1"])


def test_every_target_is_in_the_list_that_make_prints() -> None:
    # `make check` runs these three, and its line names them.
    assert {"lint", "types", "template"} == TARGETS - HELPED

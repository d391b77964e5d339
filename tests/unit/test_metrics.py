"""What is measured is documented, and what is alarming is watched."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.template import ROOT, resources, template

DOCUMENT = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
ALARMS = resources("AWS::CloudWatch::Alarm")
QUEUES = [name for name in resources("AWS::SQS::Queue") if name.endswith("DeadLetterQueue")]
STACK = {"Ref": "AWS::StackName"}
EMITTERS = ("add_metric", "_count")


def emitted(module: Path) -> Iterator[str]:
    """Yields the names of the metrics that a module emits."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name_of(node.func) in EMITTERS:
            yield from _texts(node.args[0])
        elif isinstance(node, ast.For) and any(
            isinstance(inner, ast.Call) and _name_of(inner.func) in EMITTERS
            for inner in ast.walk(node)
        ):
            yield from (text for inner in ast.walk(node.iter) for text in _texts(inner))


def _name_of(function: ast.expr) -> str:
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


METRICS = {
    name
    for module in (ROOT / "functions").rglob("*.py")
    if "Metrics()" in module.read_text(encoding="utf-8")
    for name in emitted(module)
}


def documented(section: str) -> set[str]:
    """The names in the first column of a section's table."""
    text = DOCUMENT.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return {
        name
        for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }


def watched(alarm: dict[str, Any]) -> tuple[Any, str]:
    """The namespace and the name of the metric that an alarm looks at."""
    if "MetricName" in alarm:
        return alarm["Namespace"], alarm["MetricName"]
    query = alarm["Metrics"][0]["Expression"]["Fn::Sub"]
    match = re.fullmatch(
        r'SELECT (?:SUM|MAX)\((\w+)\) FROM SCHEMA\("\$\{AWS::StackName\}", .*\)', query
    )
    assert match
    return STACK, match[1]


def test_the_document_has_every_metric_that_the_functions_emit_and_no_other() -> None:
    assert METRICS
    assert documented("What the functions emit") == METRICS


def test_the_document_has_every_alarm_and_no_other() -> None:
    assert documented("Alarms") == set(ALARMS)


def test_the_runbook_has_a_section_for_every_alarm_and_for_no_other() -> None:
    assert set(re.findall(r"^#+ (\w+Alarm)$", RUNBOOK, re.MULTILINE)) == set(ALARMS)


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_watches_something_that_is_measured(alarm: str) -> None:
    namespace, metric = watched(ALARMS[alarm])

    known = METRICS if namespace == STACK else documented("What AWS emits")
    assert metric in known


def test_everything_that_must_not_be_overlooked_has_an_alarm() -> None:
    metrics = {watched(alarm)[1] for alarm in ALARMS.values()}

    assert {"ParkedOrders", "OldestOpenOrderSeconds", "StepFailed", "ExecutionsFailed"} <= metrics


@pytest.mark.parametrize("queue", QUEUES)
def test_a_letter_in_a_dead_letter_queue_sets_off_an_alarm(queue: str) -> None:
    alarm = ALARMS[f"{queue.removesuffix('DeadLetterQueue')}DeadLettersAlarm"]

    assert watched(alarm) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert alarm["Dimensions"] == [
        {"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}
    ]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_tells_the_operator_when_it_begins_and_when_it_ends(alarm: str) -> None:
    topic = [{"Ref": "AlarmTopic"}]

    assert ALARMS[alarm]["AlarmActions"] == ALARMS[alarm]["OKActions"] == topic
    assert "docs/runbook.md" in ALARMS[alarm]["AlarmDescription"]
    assert template()["Resources"][alarm]["Condition"] == "OnAws"


def test_the_dashboard_shows_every_alarm() -> None:
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()

    body = dashboard["DashboardBody"]["Fn::Sub"]
    assert {alarm for alarm in ALARMS if f'"${{{alarm}.Arn}}"' in body} == set(ALARMS)

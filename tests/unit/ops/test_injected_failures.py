"""Which failures may be injected where: checked before anything is written."""

import json
from dataclasses import fields
from typing import Any

import pytest

from sagashop_ops import chaos
from sagashop_ops.errors import InvalidArgument, NotASandbox, UnknownName
from shared import chaos as functions_chaos
from support.operators import FakeJournal, FakeStore


class FakeParameters:
    """Parameter Store with the one parameter."""

    def __init__(self) -> None:
        self.value = "{}"

    def get_parameter(self, Name: str) -> dict[str, Any]:  # noqa: N803 - botocore's name
        assert Name == "/shop/chaos"
        return {"Parameter": {"Value": self.value}}

    def put_parameter(self, **request: Any) -> None:
        assert (request["Name"], request["Type"]) == ("/shop/chaos", "String")
        assert request["Overwrite"]
        self.value = request["Value"]


class FakeStepFunctions:
    """A state machine with one task."""

    def describe_state_machine(self, stateMachineArn: str) -> dict[str, str]:  # noqa: N803
        assert stateMachineArn.endswith(":shop-saga")
        states = {"CommitStock": {"Type": "Task"}, "PaidYet": {"Type": "Choice"}}
        return {"definition": json.dumps({"States": states})}


@pytest.fixture
def shop() -> FakeStore:
    return FakeStore(
        clients={"ssm": FakeParameters(), "stepfunctions": FakeStepFunctions()},
        outputs={"ChaosParameter": "/shop/chaos"},
    )


def change(shop: FakeStore, *assignments: str) -> chaos.Document:
    return chaos.change(shop.deployment, FakeJournal().as_journal, assignments)


def test_the_settings_are_those_that_the_functions_know() -> None:
    known = {
        f"{name}.STEP.{setting}" if name == "steps" else f"{name}.{setting}"
        for name, settings in functions_chaos.SETTINGS.items()
        for setting in settings
    }
    assert functions_chaos.SETTINGS.keys() == {
        section.name for section in fields(functions_chaos.Chaos)
    }

    assert chaos.SETTINGS.keys() == known


@pytest.mark.parametrize("name", chaos.SETTINGS)
def test_whatever_may_be_set_is_read_by_the_functions(name: str) -> None:
    for number in (1, chaos.SETTINGS[name].maximum):
        document = chaos.apply({}, [f"{name}={number}"])

        assert functions_chaos.parse(json.loads(json.dumps(document))) != functions_chaos.CALM


def test_a_change_keeps_what_was_set_before(shop: FakeStore) -> None:
    change(shop, "payment.failure_rate=0.1", "shipping.delay_seconds=2")
    change(shop, "payment.failure_rate=0.5", "payment.decline_above_cents=100000")

    assert chaos.show(shop.deployment) == {
        "payment": {"failure_rate": 0.5, "decline_above_cents": 100000},
        "shipping": {"delay_seconds": 2},
    }


def test_a_step_is_made_to_fail(shop: FakeStore) -> None:
    change(shop, "steps.CommitStock.failure_rate=1", "steps.CommitStock.delay_seconds=2")

    assert chaos.show(shop.deployment) == {
        "steps": {"CommitStock": {"failure_rate": 1, "delay_seconds": 2}}
    }
    assert chaos.describe(change(shop, "steps.CommitStock.delay_seconds=0")) == [
        "steps.CommitStock.failure_rate = 1.0  (share of the calls)"
    ]


@pytest.mark.parametrize("step", ["CommitStok", "PaidYet"])
def test_a_step_that_does_not_exist_is_told_and_changes_nothing(step: str, shop: FakeStore) -> None:
    with pytest.raises(UnknownName, match="There are: CommitStock"):
        change(shop, f"steps.{step}.error_rate=1")

    assert chaos.show(shop.deployment) == {}


def test_zero_turns_a_setting_off(shop: FakeStore) -> None:
    change(shop, "payment.failure_rate=0.1")

    assert change(shop, "payment.failure_rate=0") == {}


def test_all_failures_are_turned_off_at_once(shop: FakeStore) -> None:
    change(shop, "payment.failure_rate=0.1", "notification.delay_seconds=1")
    chaos.turn_off(shop.deployment, FakeJournal().as_journal)

    assert chaos.describe(chaos.show(shop.deployment)) == ["No failures are injected."]


@pytest.mark.parametrize(
    "assignment",
    [
        "payment.failure_rate=1.1",
        "payment.failure_rate=-0.1",
        "payment.failure_rate=often",
        "payment.failure_rate=nan",
        "payment.failure_rate=",
        "payment.failure_rate",
        "payment.decline_above_cents=0.5",
        "shipping.decline_above_cents=1",
        "notification.error_rate=1",
        "order.failure_rate=1",
        "off",
        "=1",
    ],
)
def test_what_makes_no_sense_is_told_and_changes_nothing(assignment: str, shop: FakeStore) -> None:
    with pytest.raises(InvalidArgument):
        change(shop, "shipping.error_rate=1", assignment)

    assert chaos.show(shop.deployment) == {}


def test_outside_the_sandbox_nothing_can_be_injected() -> None:
    shop = FakeStore(clients={"ssm": FakeParameters()})

    with pytest.raises(NotASandbox, match="not a sandbox"):
        change(shop, "payment.failure_rate=1")
    with pytest.raises(NotASandbox):
        chaos.turn_off(shop.deployment, FakeJournal().as_journal)


def test_a_setting_that_somebody_wrote_by_hand_is_shown_with_a_warning() -> None:
    assert chaos.describe({"payment": {"failure_rte": 0.1, "error_rate": 0.5}}) == [
        "payment.failure_rte = 0.1  (unknown, and the functions fail on it: `sagashop chaos off`)",
        "payment.error_rate = 0.5  (share of the calls)",
    ]


def test_a_change_is_on_record(shop: FakeStore) -> None:
    journal = FakeJournal()

    chaos.change(shop.deployment, journal.as_journal, ["shipping.error_rate=1"])

    details = {"document": {"shipping": {"error_rate": 1}}}
    assert journal.entries == [("chaos", "shipping.error_rate=1", "", "DONE", details)]

"""Failures on demand: what the document may say, who may use it, and how soon it is followed."""

import functools
import json
import signal
from dataclasses import dataclass
from typing import Any

import pytest
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.parameters.base import DEFAULT_PROVIDERS, BaseProvider

from shared import chaos
from shared.chaos import CALM, Chaos, Failures
from shared.errors import ConfigurationError, InjectedFailure, StorageContention

PARAMETER = "/sagashop-unit/chaos"


class FakeParameterStore(BaseProvider):
    """SSM behind Powertools' own cache and transforms."""

    def __init__(self) -> None:
        super().__init__()
        self.parameters: dict[str, str] = {}
        self.client = self

    def _get(self, name: str, **_: Any) -> str:
        return self.parameters[name]

    def set(self, name: str, value: str, *, overwrite: bool = False, **_: Any) -> None:
        """Puts a parameter."""
        assert overwrite or name not in self.parameters
        self.parameters[name] = value

    def delete_parameter(self, *, Name: str) -> None:  # noqa: N803 - botocore's name
        """DeleteParameter."""
        del self.parameters[Name]

    def _get_multiple(self, path: str, **_: Any) -> dict[str, str]:
        raise NotImplementedError(path)


@dataclass(frozen=True)
class Sandbox:
    """A function's environment, and the parameter that it reads."""

    monkeypatch: pytest.MonkeyPatch
    store: FakeParameterStore

    def enter(self, stage: str) -> None:
        """Moves the function into another stage."""
        self.monkeypatch.setenv("STAGE", stage)
        chaos._settings.cache_clear()

    def put(self, document: str) -> None:
        """Changes the parameter."""
        self.store.parameters[PARAMETER] = document

    def forget(self) -> None:
        """Does what two seconds do."""
        self.store.clear_cache()


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The local stage, whose parameter is yet to be made."""
    store = FakeParameterStore()
    monkeypatch.setitem(DEFAULT_PROVIDERS, "ssm", store)
    # Read anew, and put back afterwards, whatever another test has read.
    monkeypatch.setattr(chaos, "_settings", functools.cache(chaos._settings.__wrapped__))
    monkeypatch.setattr(chaos, "_store", lambda: store)
    monkeypatch.setenv("CHAOS_PARAMETER", PARAMETER)
    monkeypatch.setenv("STAGE", "local")
    return Sandbox(monkeypatch, store)


class TestDocument:
    def test_an_empty_document_is_calm(self):
        assert chaos.parse({}) == CALM == Chaos()
        assert chaos.parse({"payment": {}, "shipping": None}) == CALM

    def test_zero_and_null_are_off(self):
        document = {"payment": {"failure_rate": 0, "decline_above_cents": None}}
        assert chaos.parse(document) == CALM

    def test_every_partner_has_rates_of_its_own(self):
        document = {
            "payment": {"failure_rate": 0.1, "error_rate": 0.2, "decline_above_cents": 5000},
            "shipping": {"failure_rate": 1, "delay_seconds": 0.5},
            "notification": {"failure_rate": 0.3, "delay_seconds": 60},
        }

        assert chaos.parse(document) == Chaos(
            Failures(failure_rate=0.1, error_rate=0.2, decline_above_cents=5000),
            Failures(failure_rate=1, delay_seconds=0.5),
            Failures(failure_rate=0.3, delay_seconds=60),
        )

    def test_a_step_has_a_section_under_its_states_name(self):
        document = {"steps": {"CommitStock": {"error_rate": 1}, "RefundPayment": None}}

        assert chaos.parse(document).steps == {"CommitStock": Failures(error_rate=1)}

    @pytest.mark.parametrize(
        ("document", "complaint"),
        [
            ([], "the document must be an object"),
            ({"inventory": {}}, "the document has no inventory"),
            ({"payment": 0.5}, "payment must be an object"),
            ({"shipping": {"decline_above_cents": 1}}, "shipping has no decline_above_cents"),
            ({"notification": {"error_rate": 1}}, "notification has no error_rate"),
            ({"payment": {"failure_rate": 1.01}}, "payment.failure_rate must be from 0 to 1"),
            ({"payment": {"failure_rate": -0.1}}, "payment.failure_rate must be from 0 to 1"),
            ({"payment": {"error_rate": "0.5"}}, "payment.error_rate must be a number"),
            ({"payment": {"error_rate": True}}, "payment.error_rate must be a number"),
            ({"shipping": {"delay_seconds": 61}}, "shipping.delay_seconds must be from 0 to 60"),
            ({"payment": {"decline_above_cents": -1}}, "payment.decline_above_cents must be from"),
            ({"steps": ["CommitStock"]}, "steps must be an object"),
            ({"steps": {"CommitStock": 1}}, "steps.CommitStock must be an object"),
            ({"steps": {"A": {"decline_above_cents": 1}}}, "steps.A has no decline_above_cents"),
            ({"steps": {"A": {"error_rate": 2}}}, "steps.A.error_rate must be from 0 to 1"),
        ],
    )
    def test_what_it_must_not_say_is_named(self, document: Any, complaint: str):
        with pytest.raises(ConfigurationError, match=complaint):
            chaos.parse(document)


class TestChance:
    def test_what_always_happens_does_and_what_never_happens_does_not(self):
        assert all(chaos.strikes(1) for _ in range(100))
        assert not any(chaos.strikes(0) for _ in range(100))

    def test_a_rate_is_how_often_it_happens(self, monkeypatch):
        draws = iter([0.0, 0.29, 0.3, 0.99])
        monkeypatch.setattr(chaos.random, "random", lambda: next(draws))

        assert [chaos.strikes(0.3) for _ in range(4)] == [True, True, False, False]


def run(step: str, correlation_id: str = "cor_1", effects: list[str] | None = None) -> str:
    """Runs a step under failure injection; each effect that it has is noted."""

    def effect() -> str:
        if effects is not None:
            effects.append(step)
        return "done"

    return chaos.disturbed(step, correlation_id, effect)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals that this process would have sent itself."""
    killed: list[int] = []
    monkeypatch.setattr(chaos.signal, "raise_signal", killed.append)
    return killed


class TestSteps:
    def test_a_step_fails_and_dawdles_as_its_section_says(self, sandbox, monkeypatch):
        waits: list[float] = []
        monkeypatch.setattr(chaos.time, "sleep", waits.append)
        sandbox.put('{"steps": {"CommitStock": {"error_rate": 1, "delay_seconds": 0.5}}}')

        with pytest.raises(StorageContention, match="failure injection: CommitStock"):
            run("CommitStock")

        assert waits == [0.5]

    def test_a_step_fails_for_good_with_an_error_that_no_retry_names(self, sandbox):
        sandbox.put('{"steps": {"CommitStock": {"failure_rate": 1}}}')

        with pytest.raises(InjectedFailure, match="CommitStock"):
            run("CommitStock")

    def test_every_other_step_works(self, sandbox):
        sandbox.put('{"steps": {"CommitStock": {"error_rate": 1}}}')

        assert run("ReleaseStock") == "done"

    def test_a_step_that_is_delivered_twice_runs_twice(self, sandbox):
        effects: list[str] = []
        sandbox.put('{"steps": {"CommitStock": {"duplicate_rate": 1}}}')

        assert run("CommitStock", effects=effects) == "done"

        assert effects == ["CommitStock"] * 2

    def test_a_worker_dies_between_the_effect_and_the_answer(self, sandbox, killed):
        effects: list[str] = []
        sandbox.put('{"steps": {"CommitStock": {"kill_rate": 1}}}')

        run("CommitStock", effects=effects)

        assert effects == ["CommitStock"]
        assert killed == [signal.SIGKILL]


class TestOneOrder:
    OWN = "sandbox-0123456789abcdef"

    def test_its_failures_strike_once_and_at_its_step(self, sandbox):
        sandbox.put("{}")
        chaos.arm(self.OWN, {"steps": {"CommitStock": {"failure_rate": 1}}})

        assert run("ReserveStock", self.OWN) == "done"
        with pytest.raises(InjectedFailure):
            run("CommitStock", self.OWN)
        assert run("CommitStock", self.OWN) == "done"
        assert sandbox.store.parameters.keys() == {PARAMETER}

    def test_a_worker_dies_once(self, sandbox, killed):
        sandbox.put("{}")
        chaos.arm(self.OWN, {"steps": {"ChargePayment": {"kill_rate": 1}}})

        for _ in range(2):
            run("ChargePayment", self.OWN)

        assert len(killed) == 1

    def test_other_orders_are_left_alone(self, sandbox):
        sandbox.put("{}")
        chaos.arm(self.OWN, {"steps": {"CommitStock": {"failure_rate": 1}}})

        assert run("CommitStock", "cor_1") == "done"
        assert run("CommitStock", "sandbox-fedcba9876543210") == "done"

    def test_an_order_is_broken_anew_in_place_of_what_was_armed(self, sandbox):
        sandbox.put("{}")
        chaos.arm(self.OWN, {"steps": {"CommitStock": {"failure_rate": 1}}})
        chaos.arm(self.OWN, {"steps": {"ChargePayment": {"failure_rate": 1}}})

        assert run("CommitStock", self.OWN) == "done"
        with pytest.raises(InjectedFailure):
            run("ChargePayment", self.OWN)

    def test_what_goes_wrong_for_everybody_goes_wrong_for_it_too(self, sandbox):
        sandbox.put('{"steps": {"CommitStock": {"failure_rate": 1}}}')

        with pytest.raises(InjectedFailure):
            run("CommitStock", self.OWN)

    @pytest.mark.parametrize(
        "correlation_id",
        ["cor_1", "sandbox-", "sandbox-short", "sandbox-../../../../etc/passwd", f"{OWN}/x", ""],
    )
    def test_an_id_that_can_be_guessed_or_names_something_else_has_none(
        self, sandbox, correlation_id
    ):
        assert not chaos.may_have_own_failures(correlation_id)

    def test_outside_a_sandbox_no_order_has_any(self, sandbox, monkeypatch):
        monkeypatch.setenv("CHAOS_PARAMETER", "")
        sandbox.enter("prod")

        assert not chaos.is_sandbox()
        assert not chaos.may_have_own_failures(self.OWN)
        assert run("CommitStock", self.OWN) == "done"


class TestReading:
    def test_a_function_without_the_parameter_is_calm(self):
        assert chaos.read() == CALM

    @pytest.mark.parametrize("stage", ["local", "dev"])
    def test_a_change_is_followed_without_a_deploy(self, sandbox, stage):
        sandbox.enter(stage)
        sandbox.put("{}")
        assert chaos.read() == CALM

        sandbox.put(json.dumps({"shipping": {"failure_rate": 1}}))
        assert chaos.read() == CALM, "it is not asked for at every call"
        sandbox.forget()
        assert chaos.read().shipping == Failures(failure_rate=1)

    def test_it_is_asked_for_again_after_two_seconds(self, sandbox, monkeypatch):
        asked: list[dict[str, Any]] = []

        def get_parameter(name: str, **options: Any) -> dict[str, Any]:
            asked.append({"name": name, **options})
            return {}

        monkeypatch.setattr(parameters, "get_parameter", get_parameter)

        chaos.read()

        assert asked == [{"name": PARAMETER, "transform": "json", "max_age": 2}]

    @pytest.mark.parametrize("stage", ["prod", "test", ""])
    def test_a_stage_that_is_no_sandbox_refuses_it(self, sandbox, stage):
        sandbox.enter(stage)

        with pytest.raises(ConfigurationError, match="can't be injected"):
            chaos.read()

    def test_a_parameter_that_is_not_there_injects_nothing(self, sandbox, logged):
        assert chaos.read() == CALM

        (line,) = logged()
        assert (line["level"], line["message"]) == ("WARNING", "chaos not read")

    def test_a_parameter_that_is_not_json_is_named(self, sandbox):
        sandbox.put("payment.failure_rate=0.1")

        with pytest.raises(ConfigurationError, match=f"{PARAMETER} is not JSON"):
            chaos.read()

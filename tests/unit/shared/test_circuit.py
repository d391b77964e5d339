"""When a circuit breaker lets calls through, opens and closes, whichever worker makes the call."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import pytest

from shared import dynamodb
from shared.circuit import Circuit, Settings
from shared.errors import CarrierUnavailable, CircuitOpen, PaymentOutcomeUnknown, StorageContention

SETTINGS = Settings(circuit_failures=3, circuit_cooling_seconds=30)
KEY = dynamodb.to_item({"pk": "CIRCUIT#shipping", "sk": "CIRCUIT"})
CLOSED = {"state": "CLOSED", "failures": 0, "retry_after_seconds": 0}


class Carrier:
    """A partner that is up or down; `answer` is what it says while it is up."""

    def __init__(self) -> None:
        self.is_up = True
        self.asked = 0
        self.answer: Callable[[], str] = lambda: "booked"

    def book(self, parcel: str = "parcel") -> str:
        self.asked += 1
        if not self.is_up:
            raise CarrierUnavailable(parcel)
        return self.answer()


class Workers:
    """Workers of a service that share a circuit."""

    def __init__(self, table: str, carrier: Carrier) -> None:
        self._table = table
        self._carrier = carrier

    def new(self, settings: Settings = SETTINGS) -> Circuit:
        """Starts one."""
        failures = (CarrierUnavailable,)
        return Circuit(dynamodb.client(), self._table, "shipping", failures, settings)

    def fail(self, times: int = SETTINGS.circuit_failures) -> None:
        """Makes calls that fail, each in a worker of its own."""
        self._carrier.is_up = False
        for _ in range(times):
            with pytest.raises(CarrierUnavailable):
                self.new().call(self._carrier.book)

    def fail_as_the_probe(self) -> None:
        """Makes a call that fails, in a worker that is let through as the probe."""
        self._carrier.is_up = False
        with pytest.raises(CircuitOpen, match="probe"):
            self.new().call(self._carrier.book)

    def row(self) -> dict[str, Any] | None:
        return dynamodb.get_row(dynamodb.client(), self._table, KEY)

    def close(self) -> None:
        """Deletes the row, as an operator does."""
        dynamodb.client().delete_item(TableName=self._table, Key=KEY)


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


@pytest.fixture
def workers(shipping_table, frozen_clock, carrier) -> Workers:
    return Workers(shipping_table, carrier)


@pytest.fixture
def calls(monkeypatch) -> list[str]:
    """The calls that DynamoDB gets."""
    made: list[str] = []
    client = dynamodb.client()
    real = client._make_api_call

    def make(operation: str, parameters: Any) -> Any:
        made.append(operation)
        return real(operation, parameters)

    monkeypatch.setattr(client, "_make_api_call", make)
    return made


class TestClosed:
    def test_a_call_gets_the_partners_answer(self, workers, carrier):
        assert workers.new().call(carrier.book, parcel="mouse") == "booked"
        assert workers.new().view() == CLOSED

    def test_while_nothing_fails_nothing_is_written_and_the_row_is_read_once_a_second(
        self, workers, carrier, frozen_clock, calls
    ):
        worker = workers.new()
        for _ in range(10):
            worker.call(carrier.book)
            frozen_clock.advance(seconds=0.099)
        assert calls == ["GetItem"]

        frozen_clock.advance(seconds=0.1)
        worker.call(carrier.book)
        assert calls == ["GetItem", "GetItem"]

    def test_fewer_failures_than_the_limit_leave_it_closed(self, workers, carrier):
        workers.fail(2)

        assert workers.new().view() == CLOSED | {"failures": 2}

    def test_a_success_in_between_starts_the_count_again(self, workers, carrier):
        workers.fail(2)
        carrier.is_up = True
        workers.new().call(carrier.book)
        workers.fail(2)

        assert workers.new().view() == CLOSED | {"failures": 2}

    def test_an_answer_that_is_an_exception_is_no_failure(self, workers, carrier):
        workers.fail(2)
        carrier.is_up = True

        def refuse() -> str:
            raise LookupError

        carrier.answer = refuse
        with pytest.raises(LookupError):
            workers.new().call(carrier.book)

        assert workers.new().view() == CLOSED


class TestOpen:
    def test_failures_in_a_row_open_it_for_every_worker(self, workers, carrier):
        worker = workers.new()
        workers.fail()

        with pytest.raises(CircuitOpen):
            worker.call(carrier.book)
        assert carrier.asked == 3
        assert worker.view() == {"state": "OPEN", "failures": 3, "retry_after_seconds": 30}
        assert (workers.row() or {})["entity"] == "circuit"

    def test_a_worker_that_saw_it_closed_notices_within_a_second(
        self, workers, carrier, frozen_clock
    ):
        worker = workers.new()
        worker.call(carrier.book)
        workers.fail()

        frozen_clock.advance(seconds=1)
        with pytest.raises(CircuitOpen):
            worker.call(carrier.book)

    def test_it_stays_open_for_the_cooling_time(self, workers, carrier, frozen_clock):
        workers.fail()

        frozen_clock.advance(seconds=29.5)

        assert workers.new().view()["retry_after_seconds"] == 1
        with pytest.raises(CircuitOpen):
            workers.new().call(carrier.book)

    def test_a_late_answer_to_a_call_from_before_does_not_close_it(self, workers, carrier):
        def meanwhile() -> str:
            workers.fail(2)
            return "booked"

        workers.fail(1)
        carrier.is_up = True
        carrier.answer = meanwhile
        assert workers.new().call(carrier.book) == "booked"

        assert workers.new().view()["state"] == "OPEN"

    def test_a_late_failure_of_a_call_from_before_does_not_keep_it_open_for_longer(
        self, workers, carrier, frozen_clock
    ):
        def meanwhile() -> str:
            workers.fail()
            frozen_clock.advance(seconds=20)
            raise CarrierUnavailable

        carrier.answer = meanwhile
        with pytest.raises(CarrierUnavailable):
            workers.new().call(carrier.book)

        assert workers.new().view() == {"state": "OPEN", "failures": 3, "retry_after_seconds": 10}

    def test_an_operator_closes_it_by_deleting_its_row(self, workers, carrier):
        workers.fail()
        carrier.is_up = True

        workers.close()

        assert workers.new().call(carrier.book) == "booked"
        assert workers.new().view() == CLOSED


class TestProbe:
    @pytest.fixture(autouse=True)
    def cooled(self, workers, carrier, frozen_clock) -> None:
        """The circuit has been open for its cooling time."""
        workers.fail()
        frozen_clock.advance(seconds=30)
        carrier.is_up = True
        carrier.asked = 0

    def test_a_probe_that_is_due_is_shown(self, workers):
        assert workers.new().view() == {
            "state": "HALF_OPEN",
            "failures": 3,
            "retry_after_seconds": 0,
        }

    def test_exactly_one_of_two_that_race_is_let_through(self, workers, carrier):
        first, second = workers.new(), workers.new()
        # Given both know that a probe is due
        assert first.view() == second.view()

        # When the second asks in the middle of the first one's probe
        def race() -> str:
            with pytest.raises(CircuitOpen):
                second.call(carrier.book)
            assert workers.new().view()["state"] == "HALF_OPEN"
            return "booked"

        carrier.answer = race

        # Then
        assert first.call(carrier.book) == "booked"
        assert carrier.asked == 1

    def test_its_success_closes_the_circuit(self, workers, carrier):
        workers.new().call(carrier.book)

        assert workers.new().view() == CLOSED
        assert workers.new().call(carrier.book) == "booked"

    def test_an_answer_that_is_an_exception_closes_the_circuit_too(self, workers, carrier):
        def refuse() -> str:
            raise LookupError

        carrier.answer = refuse
        with pytest.raises(LookupError):
            workers.new().call(carrier.book)

        assert workers.new().view() == CLOSED

    def test_its_failure_opens_the_circuit_for_another_cooling_time(
        self, workers, carrier, frozen_clock
    ):
        workers.fail_as_the_probe()

        assert carrier.asked == 1
        assert workers.new().view() == {"state": "OPEN", "failures": 4, "retry_after_seconds": 30}
        with pytest.raises(CircuitOpen):
            workers.new().call(carrier.book)
        frozen_clock.advance(seconds=30)
        carrier.is_up = True
        assert workers.new().call(carrier.book) == "booked"

    def test_a_probe_whose_outcome_is_unknown_says_so_because_it_has_to_be_undone(
        self, workers, carrier, shipping_table
    ):
        def lose_the_reply() -> str:
            raise PaymentOutcomeUnknown

        carrier.answer = lose_the_reply
        failures = (CarrierUnavailable, PaymentOutcomeUnknown)
        probing = Circuit(dynamodb.client(), shipping_table, "shipping", failures, SETTINGS)

        with pytest.raises(PaymentOutcomeUnknown):
            probing.call(carrier.book)
        assert workers.new().view()["state"] == "OPEN"

    def test_a_probe_whose_worker_died_is_followed_by_another(self, workers, carrier, frozen_clock):
        def die() -> str:
            raise SystemExit

        carrier.answer = die
        with pytest.raises(SystemExit):
            workers.new().call(carrier.book)
        carrier.answer = lambda: "booked"

        assert workers.new().view() == {
            "state": "HALF_OPEN",
            "failures": 3,
            "retry_after_seconds": 30,
        }
        with pytest.raises(CircuitOpen):
            workers.new().call(carrier.book)
        frozen_clock.advance(seconds=30)
        assert workers.new().call(carrier.book) == "booked"
        assert workers.new().view() == CLOSED

    def test_a_probe_that_was_given_up_decides_nothing(self, workers, carrier, frozen_clock):
        def meanwhile() -> str:
            frozen_clock.advance(seconds=30)
            workers.fail_as_the_probe()
            return "booked"

        carrier.answer = meanwhile
        assert workers.new().call(carrier.book) == "booked"

        assert workers.new().view() == {"state": "OPEN", "failures": 4, "retry_after_seconds": 30}

    def test_after_it_the_count_starts_again(self, workers, carrier):
        workers.new().call(carrier.book)
        workers.fail(2)

        assert workers.new().view()["state"] == "CLOSED"


class TestStorage:
    """A table that does not answer takes nothing from the calls."""

    @pytest.fixture(params=["GetItem", "UpdateItem"])
    def unanswered(self, request, workers, monkeypatch) -> None:
        """One of the two operations gets no answer."""
        client = dynamodb.client()
        real = client._make_api_call

        def make(operation: str, parameters: Any) -> Any:
            if operation == request.param:
                raise StorageContention(operation)
            return real(operation, parameters)

        monkeypatch.setattr(client, "_make_api_call", make)

    @pytest.mark.usefixtures("unanswered")
    def test_a_call_gets_its_answer(self, workers, carrier):
        assert workers.new().call(carrier.book) == "booked"

    @pytest.mark.usefixtures("unanswered")
    def test_a_failure_keeps_its_name(self, workers):
        workers.fail()
        assert workers.new().view()["state"] == "CLOSED"

    def test_a_probe_that_could_not_be_claimed_is_not_made(
        self, workers, carrier, frozen_clock, monkeypatch
    ):
        workers.fail()
        frozen_clock.advance(seconds=30)
        carrier.is_up, carrier.asked = True, 0

        def refuse(**_: Any) -> Any:
            raise StorageContention

        monkeypatch.setattr(dynamodb.client(), "update_item", refuse)
        with pytest.raises(CircuitOpen):
            workers.new().call(carrier.book)
        assert carrier.asked == 0


def test_each_change_and_each_refused_call_is_counted(workers, carrier, frozen_clock):
    # When
    output = io.StringIO()
    with redirect_stdout(output):
        workers.fail()
        with pytest.raises(CircuitOpen):
            workers.new().call(carrier.book)
        frozen_clock.advance(seconds=30)
        workers.fail_as_the_probe()
        frozen_clock.advance(seconds=30)
        carrier.is_up = True
        workers.new().call(carrier.book)

    # Then
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    counts = [line for line in lines if "_aws" in line]
    metrics = [line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] for line in counts]
    assert metrics == ["CircuitOpened", "CircuitRefused", "CircuitOpened", "CircuitClosed"]
    for line in counts:
        assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]


@pytest.mark.parametrize("failures", [1, 5])
def test_the_limit_is_a_setting(workers, carrier, failures):
    carrier.is_up = False
    settings = Settings(circuit_failures=failures)
    for _ in range(failures):
        assert workers.new(settings).view()["state"] == "CLOSED"
        with pytest.raises(CarrierUnavailable):
            workers.new(settings).call(carrier.book)

    assert workers.new(settings).view()["state"] == "OPEN"

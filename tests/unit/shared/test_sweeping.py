"""What a sweep does with the rows of orders that have ended, and with those of all others."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders import ORIGIN, PLACED_AT
from shared import queries, rounds
from shared.errors import StorageContention
from shared.storage import Position, Unreadable, position_of
from shared.sweeping import Report, Sweeper
from shared.tasks import Task
from unit.fakes import FakeCursor

NOW = PLACED_AT + timedelta(hours=2)
GRACE = timedelta(minutes=5)
COMPLETED_OR_CANCELLED = ["COMPLETED", "CANCELLED"]


@dataclass(frozen=True)
class Booking:
    """What a service keeps of an order: HELD, TAKEN or GONE."""

    order_id: str
    status: str
    updated_at: datetime = PLACED_AT


@dataclass
class Shelf(FakeCursor):
    """A service's rows, those that are not settled in an index that may lag behind."""

    rows: dict[str, Booking] = field(default_factory=dict)
    marked: dict[str, Booking] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)

    def put(self, *bookings: Booking) -> None:
        for booking in bookings:
            self.rows[booking.order_id] = self.marked[booking.order_id] = booking

    def find(self, order_id: str) -> Booking | None:
        return self.rows.get(order_id)

    def unsettled(
        self, before: datetime, after: Position | None = None
    ) -> Iterator[Booking | Unreadable]:
        resting = [row for row in self.marked.values() if row.updated_at < before]
        ahead = [row for row in resting if after is None or position_of(row) > after]
        yield from [
            Unreadable(position_of(row), "KeyError") if row.status == "?" else row for row in ahead
        ]

    def settle(self, row: Booking) -> None:
        if self.rows[row.order_id] != row:
            raise StorageContention("changed")
        del self.marked[row.order_id]

    def undo(self, task: Task, at: datetime) -> None:
        if failure := self.failures.get(task.order_id):
            raise failure
        self.tasks.append(task)
        self.put(replace(self.rows[task.order_id], status="GONE", updated_at=at))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def sweep(shelf: Shelf, statuses: Mapping[str, str], grace: timedelta = GRACE) -> Report:
    sweeper = Sweeper("storage", shelf, {"HELD", "TAKEN"}, {"TAKEN"}, shelf.undo)
    return sweeper.sweep(lambda order_ids: statuses, ORIGIN, NOW, grace)


def test_what_a_cancelled_order_still_holds_is_undone(shelf: Shelf) -> None:
    # Given
    shelf.put(Booking("a", "HELD"), Booking("b", "TAKEN"))

    # When
    report = sweep(shelf, {"a": "CANCELLED", "b": "CANCELLED"})

    # Then
    assert {row.status for row in shelf.rows.values()} == {"GONE"}
    assert report.answer() == {
        "service": "storage",
        "looked_at": 2,
        "settled": 0,
        "repaired": [
            {"order_id": "a", "what": "HELD of an order that is CANCELLED"},
            {"order_id": "b", "what": "TAKEN of an order that is CANCELLED"},
        ],
        "left": [],
        "behind": False,
    }
    assert [task.execution for task in shelf.tasks] == ["sweeper", "sweeper"]


def test_what_was_undone_is_checked_by_a_later_sweep(shelf: Shelf) -> None:
    # Given
    shelf.put(Booking("a", "HELD"))
    sweep(shelf, {"a": "CANCELLED"})
    assert "a" in shelf.marked

    # When
    report = sweep(shelf, {"a": "CANCELLED"}, grace=timedelta(seconds=-1))

    # Then
    assert shelf.marked == {}
    assert (report.settled, report.repaired, report.found) == (1, [], 0)


def test_what_agrees_with_its_order_is_settled(shelf: Shelf) -> None:
    # Given
    shelf.put(Booking("bought", "TAKEN"), Booking("undone", "GONE"))

    # When
    report = sweep(shelf, {"bought": "COMPLETED", "undone": "CANCELLED"})

    # Then
    assert shelf.marked == {}
    assert report.settled == 2
    assert shelf.tasks == []


@pytest.mark.parametrize(
    "status", ["PENDING", "AWAITING_PAYMENT", "PAID", "CANCELLING", "NEEDS_ATTENTION"]
)
def test_the_saga_or_an_operator_sees_to_an_order_that_has_not_ended(
    shelf: Shelf, status: str
) -> None:
    # Given
    shelf.put(Booking("a", "HELD"))

    # When
    report = sweep(shelf, {"a": status})

    # Then
    assert report.left == [{"order_id": "a", "what": f"its order is {status}"}]
    assert (report.found, shelf.tasks) == (0, [])


@pytest.mark.parametrize("status", ["HELD", "GONE"])
def test_what_a_completed_order_lacks_is_found_and_left_to_a_person(
    shelf: Shelf, status: str
) -> None:
    # Given
    shelf.put(Booking("a", status))

    # When
    report = sweep(shelf, {"a": "COMPLETED"})

    # Then
    assert report.left == [{"order_id": "a", "what": f"{status} of an order that is COMPLETED"}]
    assert (report.found, report.failed, shelf.tasks) == (1, 1, [])
    assert "a" in shelf.marked


def test_a_restored_old_order_table_does_not_refund_unknown_orders(shelf: Shelf) -> None:
    # Given an order table that has forgotten all orders but one
    shelf.put(
        Booking("forgotten", "HELD"),
        Booking("forgotten too", "GONE"),
        Booking("young", "HELD", NOW - timedelta(minutes=4)),
        Booking("known", "HELD"),
    )

    # When
    report = sweep(shelf, {"known": "CANCELLED"})

    # Then a person has to look, and no sweeper signs off
    assert [task.order_id for task in shelf.tasks] == ["known"]
    assert report.left == [
        {"order_id": "forgotten", "what": "HELD of an order that is unknown"},
        {"order_id": "forgotten too", "what": "GONE of an order that is unknown"},
    ]
    assert (report.looked_at, report.failed) == (3, 2)
    assert {"forgotten", "forgotten too", "young"} <= shelf.marked.keys()


def test_one_unreadable_row_does_not_stop_a_sweep(shelf: Shelf) -> None:
    # Given
    shelf.put(Booking("a", "?"), Booking("b", "HELD"))

    # When
    report = sweep(shelf, dict.fromkeys("ab", "CANCELLED"))

    # Then
    assert [each["order_id"] for each in report.repaired] == ["b"]
    assert report.left == [{"order_id": "a", "what": "unreadable: KeyError"}]
    assert (report.looked_at, report.found, report.failed) == (2, 1, 1)


def test_a_row_that_something_just_touched_is_left_in_peace(shelf: Shelf) -> None:
    # Given
    shelf.put(Booking("a", "HELD", NOW - timedelta(minutes=4)))

    # When
    report = sweep(shelf, {"a": "CANCELLED"})

    # Then
    assert report.looked_at == 0


def test_an_index_that_lags_behind_the_table_is_not_believed(shelf: Shelf) -> None:
    # Given
    shelf.put(Booking("a", "HELD"))
    shelf.rows["a"] = Booking("a", "GONE")

    # When
    report = sweep(shelf, {"a": "CANCELLED"})

    # Then
    assert (report.found, report.settled, shelf.tasks) == (0, 1, [])


def test_a_row_that_changed_meanwhile_is_the_next_sweeps(shelf: Shelf) -> None:
    # Given
    shelf.put(Booking("a", "TAKEN"))
    shelf.rows["a"] = Booking("a", "HELD")

    # When
    report = sweep(shelf, {"a": "COMPLETED"})

    # Then
    assert report.left == [{"order_id": "a", "what": "StorageContention"}]
    assert (report.settled, report.failed) == (0, 0)


def test_one_rows_failure_holds_up_no_other(shelf: Shelf) -> None:
    # Given
    shelf.put(*(Booking(name, "HELD") for name in "abc"))
    shelf.failures = {"a": StorageContention("busy"), "b": ValueError("a bug")}

    # When
    report = sweep(shelf, dict.fromkeys("abc", "CANCELLED"))

    # Then
    assert [each["order_id"] for each in report.repaired] == ["c"]
    assert report.left == [
        {"order_id": "a", "what": "StorageContention"},
        {"order_id": "b", "what": "ValueError"},
    ]
    assert (report.found, report.failed) == (3, 2)


def test_orders_are_asked_for_a_hundred_at_a_time(shelf: Shelf) -> None:
    # Given
    shelf.put(*(Booking(f"{number:03}", "GONE") for number in range(250)))
    asked: list[int] = []

    def ask(order_ids: Sequence[str]) -> dict[str, str]:
        asked.append(len(order_ids))
        return dict.fromkeys(order_ids, "CANCELLED")

    # When
    sweeper = Sweeper("storage", shelf, {"HELD"}, {"TAKEN"}, shelf.undo)
    report = sweeper.sweep(ask, ORIGIN, NOW, GRACE)

    # Then
    assert asked == [100, 100, 50]
    assert report.settled == 250


def give_time_for_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every sweep check one row before its time is up."""
    seconds = itertools.cycle([0.0, 45.0, 45.1])
    monkeypatch.setattr(rounds.time, "monotonic", lambda: next(seconds))


def test_a_sweep_ends_before_its_time_is_up(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    shelf.put(Booking("a", "GONE"), Booking("b", "GONE"))
    give_time_for_one_row(monkeypatch)

    # When
    report = sweep(shelf, dict.fromkeys("ab", "CANCELLED"))

    # Then
    assert (report.looked_at, report.behind) == (1, True)


def test_many_waiting_orders_do_not_starve_newer_ones(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given rows that wait for their orders, before one that is to be undone
    waiting, newest = [Booking(name, "HELD") for name in "abc"], Booking("d", "HELD")
    shelf.put(*waiting, newest)
    statuses = {**dict.fromkeys("abc", "AWAITING_PAYMENT"), "d": "CANCELLED"}
    give_time_for_one_row(monkeypatch)

    # When
    sweeps = [sweep(shelf, statuses) for _ in range(3)]
    monkeypatch.undo()
    last, again = sweep(shelf, statuses), sweep(shelf, statuses)

    # Then each sweep continues where the one before stopped, and a new round follows
    assert [[left["order_id"] for left in each.left] for each in sweeps] == [["a"], ["b"], ["c"]]
    assert [each["order_id"] for each in last.repaired] == ["d"]
    assert [each.behind for each in (*sweeps, last, again)] == [True, True, True, False, False]
    assert again.looked_at == 3


class TestAsSchedulesCallIt:
    @pytest.fixture(autouse=True)
    def _orders(self, monkeypatch: pytest.MonkeyPatch, frozen_clock: Any) -> None:
        frozen_clock.at = NOW

        def ask(function: str, question: Mapping[str, Any]) -> dict[str, Any]:
            assert function == "sagashop-unit-OrderQueries"
            return {"statuses": dict.fromkeys(question["order_ids"], "CANCELLED")}

        monkeypatch.setattr(queries, "ask", ask)

    def handle(self, shelf: Shelf, payload: dict[str, Any], context: Any) -> dict[str, Any]:
        sweeper = Sweeper("storage", shelf, {"HELD"}, {"TAKEN"}, shelf.undo)
        return sweeper.handler(payload, context)

    def test_the_setting_says_how_old_a_row_must_be(
        self, shelf: Shelf, lambda_context: Any
    ) -> None:
        shelf.put(
            Booking("old", "HELD", NOW - timedelta(seconds=301)),
            Booking("young", "HELD", NOW - timedelta(seconds=299)),
        )

        report = self.handle(shelf, {"source": "aws.events"}, lambda_context)

        assert [each["order_id"] for each in report["repaired"]] == ["old"]

    def test_whoever_calls_it_may_say_otherwise(self, shelf: Shelf, lambda_context: Any) -> None:
        shelf.put(Booking("young", "HELD", NOW - timedelta(seconds=1)))

        report = self.handle(shelf, {"grace_seconds": 0}, lambda_context)

        assert [each["order_id"] for each in report["repaired"]] == ["young"]

    def test_a_sweep_that_falls_behind_says_so(
        self,
        shelf: Shelf,
        lambda_context: Any,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        # Given
        shelf.put(Booking("a", "GONE"), Booking("b", "GONE"))
        give_time_for_one_row(monkeypatch)

        # When
        report = self.handle(shelf, {}, lambda_context)
        monkeypatch.setattr(rounds.time, "monotonic", lambda: 0.0)
        caught_up = self.handle(shelf, {}, lambda_context)

        # Then
        assert (report["behind"], caught_up["behind"]) == (True, False)
        first, second = (
            json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line
        )
        assert (first["SweepBehind"], second["SweepBehind"]) == ([1.0], [0.0])

    def test_what_it_found_is_counted_even_where_that_is_nothing(
        self, shelf: Shelf, lambda_context: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        # Given
        shelf.put(Booking("a", "HELD"))

        # When
        self.handle(shelf, {}, lambda_context)
        self.handle(shelf, {}, lambda_context)

        # Then
        first, second = capsys.readouterr().out.splitlines()
        assert '"SweepFound":[1.0]' in first
        assert '"SweepRepaired":[1.0]' in first
        assert '"SweepFailed":[0.0]' in first
        assert '"SweepFound":[0.0]' in second

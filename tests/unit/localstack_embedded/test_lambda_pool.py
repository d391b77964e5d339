"""The worker pool's rules: the cap, turns, reuse, replacement, and no deadlock."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from localstack_embedded.lambda_runtime.pool import Demand, PoolClosed, WorkerPool

_call_ids = (f"call-{number}" for number in count())


@dataclass(eq=False)
class FakeWorker:
    """A worker without a process."""

    version: str
    alive: bool = True
    retired: bool = False

    def is_alive(self) -> bool:
        return self.alive and not self.retired

    def retire(self) -> None:
        self.retired = True

    def interrupt(self) -> None:
        self.alive = False


@dataclass
class Workers:
    """Starts fake workers and remembers them, and how many lived at once."""

    started: list[FakeWorker] = field(default_factory=list)
    most_alive: int = 0

    def starter(self, version: str) -> Callable[[], FakeWorker]:
        def start() -> FakeWorker:
            worker = FakeWorker(version)
            self.started.append(worker)
            self.most_alive = max(self.most_alive, len(self.alive))
            return worker

        return start

    @property
    def alive(self) -> list[FakeWorker]:
        return [worker for worker in self.started if worker.is_alive()]


def a_call(
    version: str, *, environment: str = "env", generation: str = "", caller: str | None = None
) -> Demand:
    return Demand(next(_call_ids), version, environment, generation, caller)


@pytest.fixture
def workers() -> Workers:
    return Workers()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=64) as executor:
        yield executor


def run(pool: WorkerPool[FakeWorker], workers: Workers, call: Demand) -> FakeWorker:
    """Makes a call that ends at once; returns the worker that served it."""
    with pool.lease(call, workers.starter(call.version_key)) as worker:
        return worker


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.005)
    return False


def is_waiting(future: Future[Any]) -> bool:
    """Whether a call still waits for its turn after it had the time to get one."""
    time.sleep(0.02)
    return not future.done()


def test_a_warm_worker_serves_the_next_call(workers: Workers) -> None:
    pool = WorkerPool[FakeWorker](limit=4)

    first = run(pool, workers, a_call("order"))
    second = run(pool, workers, a_call("order"))

    assert first is second


def test_versions_never_share_a_worker(workers: Workers) -> None:
    pool = WorkerPool[FakeWorker](limit=4)

    run(pool, workers, a_call("order@1"))
    served_by = run(pool, workers, a_call("order@2"))

    assert served_by.version == "order@2"


def test_an_environment_gets_its_own_worker_again(workers: Workers) -> None:
    pool = WorkerPool[FakeWorker](limit=4)
    with ExitStack() as both:
        start = workers.starter("order")
        mine = both.enter_context(pool.lease(a_call("order", environment="mine"), start))
        both.enter_context(pool.lease(a_call("order", environment="other"), start))

    assert run(pool, workers, a_call("order", environment="mine")) is mine


def test_a_dead_worker_is_not_reused(workers: Workers) -> None:
    pool = WorkerPool[FakeWorker](limit=4)
    first = run(pool, workers, a_call("order"))
    first.alive = False

    second = run(pool, workers, a_call("order"))

    assert second is not first
    assert first.retired


def test_a_worker_whose_call_raised_is_retired(workers: Workers) -> None:
    pool = WorkerPool[FakeWorker](limit=4)
    with (
        pytest.raises(RuntimeError),
        pool.lease(a_call("order"), workers.starter("order")) as worker,
    ):
        raise RuntimeError("the caller failed")

    assert worker.retired


def test_a_worker_that_cannot_start_gives_its_place_back(workers: Workers) -> None:
    pool = WorkerPool[FakeWorker](limit=1)

    def fail() -> FakeWorker:
        raise OSError("no such interpreter")

    with pytest.raises(OSError, match="no such interpreter"), pool.lease(a_call("order"), fail):
        pass

    assert run(pool, workers, a_call("order")).is_alive()


def test_calls_beyond_the_cap_wait_their_turn(
    workers: Workers, threads: ThreadPoolExecutor
) -> None:
    pool = WorkerPool[FakeWorker](limit=2)
    with ExitStack() as busy:
        for _ in range(2):
            busy.enter_context(pool.lease(a_call("order"), workers.starter("order")))

        late = threads.submit(run, pool, workers, a_call("order"))

        assert is_waiting(late)
    assert late.result(timeout=5).version == "order"
    assert len(workers.started) == 2


def test_the_cap_holds_for_all_functions_together(
    workers: Workers, threads: ThreadPoolExecutor
) -> None:
    # Given 18 functions, four places, and 40 callers each in a hurry
    pool = WorkerPool[FakeWorker](limit=4, patience_seconds=0.01)

    def call(number: int) -> None:
        version = f"function-{number % 18}"
        with pool.lease(a_call(version), workers.starter(version)):
            time.sleep(0.002)

    # When they all call
    calls = [threads.submit(call, number) for number in range(400)]

    # Then every call is served, and never by a fifth worker
    for future in calls:
        future.result(timeout=20)
    assert workers.most_alive <= 4


def test_the_longest_idle_worker_of_another_function_makes_room(workers: Workers) -> None:
    pool = WorkerPool[FakeWorker](limit=2)
    oldest = run(pool, workers, a_call("order"))
    newer = run(pool, workers, a_call("payment"))

    run(pool, workers, a_call("inventory"))

    assert oldest.retired
    assert newer.is_alive()


def test_a_function_at_work_on_every_core_gets_more_workers_only_when_its_calls_are_slow(
    workers: Workers, threads: ThreadPoolExecutor
) -> None:
    # Given room for many, and a function that has a worker at work on the only core
    pool = WorkerPool[FakeWorker](limit=10, cores=1, patience_seconds=0.3)
    with pool.lease(a_call("order"), workers.starter("order")) as slow_call:
        # When another call comes
        another = threads.submit(run, pool, workers, a_call("order"))
        assert is_waiting(another)

        # Then it gets a worker of its own once it has waited in vain
        assert another.result(timeout=5) is not slow_call


def test_what_a_burst_started_is_ended_but_for_one_worker_of_each_function(
    workers: Workers,
) -> None:
    # Given a burst of two calls of one function, and one call of another
    pool = WorkerPool[FakeWorker](limit=10, cores=2, surplus_seconds=0.1)
    payment = run(pool, workers, a_call("payment"))
    with ExitStack() as burst:
        first, second = (
            burst.enter_context(pool.lease(a_call("order"), workers.starter("order")))
            for _ in range(2)
        )

    # Then the pool soon keeps a worker of each
    assert eventually(lambda: [first.is_alive(), second.is_alive()].count(True) == 1)
    assert payment.is_alive()


def test_a_busy_function_takes_anothers_worker_only_when_its_calls_are_slow(
    workers: Workers, threads: ThreadPoolExecutor
) -> None:
    # Given no room, an idle worker, and another function that has one at work
    pool = WorkerPool[FakeWorker](limit=2, patience_seconds=0.3)
    idle = run(pool, workers, a_call("payment"))
    with pool.lease(a_call("order"), workers.starter("order")) as slow_call:
        # When another call of that function comes
        another = threads.submit(run, pool, workers, a_call("order"))
        assert is_waiting(another)
        assert idle.is_alive()

        # Then it gets a worker of its own once it has waited in vain
        assert another.result(timeout=5) is not slow_call
    assert idle.retired


def test_turns_are_first_come_first_served(workers: Workers, threads: ThreadPoolExecutor) -> None:
    pool = WorkerPool[FakeWorker](limit=1)
    served: list[int] = []

    def call(number: int) -> None:
        with pool.lease(a_call("order"), workers.starter("order")):
            served.append(number)

    with pool.lease(a_call("order"), workers.starter("order")):
        calls = []
        for number in range(5):
            calls.append(threads.submit(call, number))
            assert is_waiting(calls[-1])

    for future in calls:
        future.result(timeout=5)
    assert served == [0, 1, 2, 3, 4]


def test_a_freed_worker_serves_its_own_function_before_it_is_replaced(
    workers: Workers, threads: ThreadPoolExecutor
) -> None:
    pool = WorkerPool[FakeWorker](limit=1, patience_seconds=30)
    release = threading.Event()

    def hold() -> FakeWorker:
        with pool.lease(a_call("order"), workers.starter("order")) as worker:
            release.wait(5)
            return worker

    with pool.lease(a_call("order"), workers.starter("order")):
        other = threads.submit(run, pool, workers, a_call("payment"))
        assert is_waiting(other)
        same = threads.submit(hold)
        assert is_waiting(same)

    assert is_waiting(other)
    release.set()
    assert same.result(timeout=5) is workers.started[0]
    assert other.result(timeout=5).version == "payment"


def test_a_call_that_waited_long_enough_is_not_overtaken(
    workers: Workers, threads: ThreadPoolExecutor
) -> None:
    # Given one place, and a function that keeps it busy all the time
    pool = WorkerPool[FakeWorker](limit=1, patience_seconds=0.1)
    stop = threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            with pool.lease(a_call("order"), workers.starter("order")):
                time.sleep(0.005)

    busy = [threads.submit(keep_busy) for _ in range(4)]

    # When another function is called, then it gets its turn
    try:
        served_by = threads.submit(run, pool, workers, a_call("payment")).result(timeout=5)
        assert served_by.version == "payment"
    finally:
        stop.set()
    for future in busy:
        future.result(timeout=5)


def test_a_busy_function_does_not_take_anothers_worker_at_once(
    workers: Workers, threads: ThreadPoolExecutor
) -> None:
    pool = WorkerPool[FakeWorker](limit=2, patience_seconds=30)
    payment = run(pool, workers, a_call("payment"))

    with pool.lease(a_call("order"), workers.starter("order")):
        second = threads.submit(run, pool, workers, a_call("order"))
        assert is_waiting(second)

    assert second.result(timeout=5) is workers.started[1]
    assert payment.is_alive()


def test_idle_workers_of_an_older_generation_are_retired(workers: Workers) -> None:
    pool = WorkerPool[FakeWorker](limit=4)
    old = run(pool, workers, a_call("order", generation="1"))

    new = run(pool, workers, a_call("order", generation="2"))

    assert old.retired
    assert new is not old


def test_an_idle_environment_that_is_stopped_takes_its_worker_along(workers: Workers) -> None:
    pool = WorkerPool[FakeWorker](limit=4)
    reaped = run(pool, workers, a_call("order", environment="reaped"))
    kept = run(pool, workers, a_call("payment", environment="kept"))

    pool.retire_environment("reaped")

    assert reaped.retired
    assert kept.is_alive()


def test_a_version_that_is_stopped_lets_its_running_call_end(workers: Workers) -> None:
    pool = WorkerPool[FakeWorker](limit=4)
    with pool.lease(a_call("order"), workers.starter("order")) as worker:
        pool.retire_version("order")
        assert worker.is_alive()

    assert worker.retired


def test_a_nested_call_never_waits_for_its_own_caller(workers: Workers) -> None:
    pool = WorkerPool[FakeWorker](limit=1)
    outer = a_call("order")
    with pool.lease(outer, workers.starter("order")):
        inner = a_call("payment", caller=outer.call_id)
        with pool.lease(inner, workers.starter("payment")):
            innermost = a_call("inventory", caller=inner.call_id)
            assert run(pool, workers, innermost).version == "inventory"

    assert len(workers.alive) == 1


def test_nested_calls_of_one_caller_exceed_the_cap_one_at_a_time(
    workers: Workers, threads: ThreadPoolExecutor
) -> None:
    pool = WorkerPool[FakeWorker](limit=1)
    outer = a_call("order")
    with pool.lease(outer, workers.starter("order")):
        fan_out = [
            threads.submit(run, pool, workers, a_call("payment", caller=outer.call_id))
            for _ in range(20)
        ]
        for future in fan_out:
            future.result(timeout=5)

    assert workers.most_alive == 2


def test_closing_ends_every_worker_and_turns_calls_away(
    workers: Workers, threads: ThreadPoolExecutor
) -> None:
    # Given an idle worker, one at work, and a call in line
    pool = WorkerPool[FakeWorker](limit=2, patience_seconds=30)
    run(pool, workers, a_call("payment"))
    with pool.lease(a_call("order"), workers.starter("order")):
        waiting = threads.submit(run, pool, workers, a_call("order"))
        assert is_waiting(waiting)

        pool.close()

        assert not workers.alive
    with pytest.raises(PoolClosed):
        waiting.result(timeout=5)
    with pytest.raises(PoolClosed):
        run(pool, workers, a_call("order"))
    assert all(worker.retired for worker in workers.started)

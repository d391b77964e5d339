"""How many worker processes there are: capped, shared fairly, reaped when idle, never orphaned."""

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.engines import KEEPALIVE_MS, SMALL_LIMIT, Engine, is_running
from support.lambda_functions import Answer
from support.waiting import eventually

WHO = "import os\ndef handler(event, context): return os.getpid()"
SLOW = "import os, time\ndef handler(event, context): time.sleep(event); return os.getpid()"
# Calls another function and answers with what that answered.
CALLER = (
    "import boto3, json\n"
    "def handler(event, context):\n"
    "  answer = boto3.client('lambda').invoke(\n"
    "    FunctionName=event[0], Payload=json.dumps(event[1:]))\n"
    "  return json.load(answer['Payload'])"
)


def call_together(engine: Engine, calls: Sequence[tuple[str, object]]) -> list[Answer]:
    with ThreadPoolExecutor(max_workers=len(calls)) as callers:
        return list(callers.map(lambda call: engine.functions.call(*call), calls))


def most_workers_during(engine: Engine, action: Callable[[], object]) -> int:
    """Runs an action and returns the most workers that were seen meanwhile."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        future = executor.submit(action)
        most = 0
        while not future.done():
            most = max(most, len(engine.workers()))
            time.sleep(0.005)
        future.result()
    return most


@pytest.mark.full
def test_calls_beyond_the_cap_wait_their_turn(small_engine: Engine) -> None:
    # Given a function whose timeout is far above one call, and below all of them in line
    slow = small_engine.functions.create(SLOW, timeout_seconds=3)

    # When 14 callers call it at once, where two workers are allowed
    answers: list[Answer] = []
    most = most_workers_during(
        small_engine, lambda: answers.extend(call_together(small_engine, [(slow, 0.5)] * 14))
    )

    # Then every call succeeds: waiting for a worker does not count as running
    assert [answer.value for answer in answers if answer.is_error] == []
    assert most <= SMALL_LIMIT


def test_many_functions_share_few_workers(small_engine: Engine) -> None:
    names = [small_engine.functions.create(WHO) for _ in range(2 * SMALL_LIMIT)]

    answers: list[Answer] = []
    most = most_workers_during(
        small_engine,
        lambda: answers.extend(call_together(small_engine, [(name, None) for name in names] * 2)),
    )

    assert [answer.value for answer in answers if answer.is_error] == []
    assert most <= SMALL_LIMIT


def test_functions_that_call_functions_do_not_deadlock(small_engine: Engine) -> None:
    # Given two callers three levels deep, which alone fill all places
    who = small_engine.functions.create(WHO)
    caller = small_engine.functions.create(CALLER, timeout_seconds=20)
    middle = small_engine.functions.create(CALLER, timeout_seconds=20)

    # When both run at once
    answers = call_together(small_engine, [(caller, [middle, who])] * SMALL_LIMIT)

    # Then both get their answer, and the extra workers are gone
    assert all(isinstance(answer.value, int) for answer in answers), answers
    eventually(lambda: len(small_engine.workers()) <= SMALL_LIMIT)


def test_an_idle_worker_is_reaped(small_engine: Engine) -> None:
    who = small_engine.functions.create(WHO)
    pid = small_engine.functions.call(who).value
    assert is_running(pid)

    eventually(lambda: not is_running(pid), timeout=KEEPALIVE_MS / 1000 + 10)


def test_a_deleted_function_leaves_no_worker(small_engine: Engine) -> None:
    who = small_engine.functions.create(WHO)
    pid = small_engine.functions.call(who).value

    small_engine.functions.client.delete_function(FunctionName=who)

    eventually(lambda: not is_running(pid), timeout=KEEPALIVE_MS / 1000)


@pytest.mark.parametrize(
    "how", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.full)]
)
def test_workers_end_with_the_engine(mortal_engine: Engine, how: signal.Signals) -> None:
    # Given an idle worker and one in the middle of a call
    who = mortal_engine.functions.create(WHO)
    slow = mortal_engine.functions.create(SLOW, timeout_seconds=60)
    mortal_engine.functions.call(who)
    mortal_engine.functions.client.invoke(FunctionName=slow, Payload="60", InvocationType="Event")
    eventually(lambda: len(mortal_engine.workers()) == 2)
    workers = mortal_engine.workers()

    # When the engine is killed, or stopped
    mortal_engine.process.send_signal(how)
    mortal_engine.process.wait(timeout=60)

    # Then both are gone
    eventually(lambda: not any(is_running(pid) for pid in workers), timeout=5)

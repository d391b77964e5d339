"""What a caller gets back: answers, and errors in Lambda's shapes; and which worker runs next."""

import base64
import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.engines import is_running
from support.lambda_functions import LambdaFunctions
from support.waiting import eventually
from support.workers import workers_of

MB = 1024 * 1024


def test_an_error_is_named_after_its_exception_class(functions: LambdaFunctions) -> None:
    # Given a function that raises, but not always
    name = functions.create(
        "import os\n"
        "class OutOfStock(Exception): pass\n"
        "def handler(event, context):\n"
        "  if event: raise OutOfStock('none left of product-001')\n"
        "  return os.getpid()"
    )
    warm = functions.call(name).value

    # When it raises
    failed = functions.call(name, True)

    # Then the caller can tell what and where, and the worker stays warm
    assert failed.is_error
    assert failed.value["errorType"] == "OutOfStock"
    assert failed.value["errorMessage"] == "none left of product-001"
    assert "line 4, in handler" in "".join(failed.value["stackTrace"])
    assert functions.call(name).value == warm


def test_a_call_that_runs_too_long_times_out(functions: LambdaFunctions) -> None:
    name = functions.create(
        "import os, time\ndef handler(event, context):\n  time.sleep(event)\n  return os.getpid()",
        timeout_seconds=1,
    )
    before = functions.call(name, 0).value

    late = functions.call(name, 30)

    assert late.is_error
    assert late.value["errorType"] == "Sandbox.Timedout"
    assert late.value["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    after = functions.call(name, 0)
    assert not after.is_error
    assert after.value != before


def test_a_worker_killed_during_a_call_is_replaced(
    functions: LambdaFunctions, stack: dict[str, Any]
) -> None:
    # Given a call in progress
    name = functions.create(
        "import time\ndef handler(event, context): time.sleep(event)", timeout_seconds=60
    )
    with ThreadPoolExecutor(max_workers=1) as caller:
        call = caller.submit(functions.call, name, 60)
        worker = eventually(lambda: next(workers_of(stack, name), None))
        assert worker is not None

        # When its worker is killed
        os.kill(worker.pid, signal.SIGKILL)

        # Then the caller hears of it at once, and the next call is served
        answer = call.result(timeout=10)
    assert answer.value["errorType"] == "Runtime.ExitError"
    assert answer.value["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert not functions.call(name, 0).is_error


def test_an_idle_worker_that_died_is_not_noticed(functions: LambdaFunctions) -> None:
    name = functions.create("import os\ndef handler(event, context): return os.getpid()")
    pid = functions.call(name).value

    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_running(pid))

    assert not functions.call(name).is_error


@pytest.mark.parametrize(
    ("source", "error_type"),
    [
        ("import there_is_no_such_module", "Runtime.ImportModuleError"),
        ("def handler(event, context) return 1", "Runtime.UserCodeSyntaxError"),
        ("answer = 42", "Runtime.HandlerNotFound"),
        ("import os; os._exit(1)", "Runtime.ExitError"),
    ],
)
def test_code_that_does_not_load_says_why_at_every_call(
    functions: LambdaFunctions, source: str, error_type: str
) -> None:
    name = functions.create(source)

    answers = [functions.call(name) for _ in range(2)]

    assert [answer.value["errorType"] for answer in answers] == [error_type] * 2


def test_fixed_code_runs_in_a_fresh_worker(functions: LambdaFunctions) -> None:
    name = functions.create("def handler(event, context): return 'first'")
    assert functions.call(name).value == "first"

    functions.update(name, "def handler(event, context): return 'second'")

    assert functions.call(name).value == "second"


def test_a_request_of_6_mb_fits_and_no_more(functions: LambdaFunctions) -> None:
    name = functions.create("def handler(event, context): return len(event)")
    quotes = len('""')

    assert functions.call(name, "x" * (6 * MB - quotes)).value == 6 * MB - quotes
    with pytest.raises(ClientError) as refused:
        functions.call(name, "x" * (6 * MB - quotes + 1))

    assert refused.value.response["Error"]["Code"] == "RequestTooLargeException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_a_response_of_6_mb_fits_and_more_is_an_error(functions: LambdaFunctions) -> None:
    name = functions.create("def handler(event, context): return 'x' * event")

    assert len(functions.call(name, 6 * MB - 2).value) == 6 * MB - 2
    too_large = functions.call(name, 6 * MB + 100)

    assert too_large.value == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": (
            "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        ),
    }


def test_concurrent_calls_run_side_by_side(functions: LambdaFunctions) -> None:
    name = functions.create(
        "import os, time\ndef handler(event, context): time.sleep(1); return os.getpid()"
    )

    with ThreadPoolExecutor(max_workers=3) as callers:
        answers = list(callers.map(lambda _: functions.call(name), range(3)))

    assert len({answer.value for answer in answers}) == 3


CONTEXT = """
import os
def handler(event, context):
    return {
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "name": context.function_name,
        "memory_mb": context.memory_limit_in_mb,
        "log_group": context.log_group_name,
        "milliseconds_left": context.get_remaining_time_in_millis(),
        "trace": os.environ["_X_AMZN_TRACE_ID"],
        "custom": context.client_context and context.client_context.custom,
    }
"""


def test_the_context_describes_the_call(functions: LambdaFunctions) -> None:
    name = functions.create(CONTEXT, timeout_seconds=7)

    answer = functions.call(name)

    context: dict[str, Any] = answer.value
    assert context["request_id"] in answer.log
    assert context["arn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert context["name"] == name
    assert context["memory_mb"] == "128"
    assert context["log_group"] == f"/aws/lambda/{name}"
    assert 5000 < context["milliseconds_left"] <= 7000
    assert context["trace"].startswith("Root=1-")
    assert context["custom"] is None


def test_the_callers_context_arrives(functions: LambdaFunctions) -> None:
    name = functions.create(CONTEXT)
    custom = {"shop": "Zürich"}
    encoded = base64.b64encode(json.dumps({"custom": custom}).encode()).decode()

    answer = functions.call(name, ClientContext=encoded)

    assert answer.value["custom"] == custom


def test_an_answer_is_what_json_makes_of_it(functions: LambdaFunctions) -> None:
    name = functions.create("def handler(event, context): return event")
    event = {"text": "Zürich ☕", "number": 1.5, "nothing": None, "list": [True]}

    assert functions.call(name, event).value == json.loads(json.dumps(event))
